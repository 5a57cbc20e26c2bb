"""What a health page says of a data folder's disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from localgcp import room


def test_a_folder_with_room_is_no_trouble_and_memory_never_is(tmp_path: Path) -> None:
    assert room.trouble(tmp_path) is None
    assert room.trouble(None) is None


def test_a_disk_that_is_nearly_full_is_named_with_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LEAST_FREE", 1 << 60)
    said = room.trouble(tmp_path)
    assert said is not None
    assert f"the disk of the data folder {tmp_path} is full" in said


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    said = room.trouble(tmp_path / "gone")
    assert said == f"the data folder {tmp_path / 'gone'} can't be used: No such file or directory"
