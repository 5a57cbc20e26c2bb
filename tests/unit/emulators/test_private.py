"""Files that are their user's alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from localgcp import private


@pytest.fixture(autouse=True)
def everyone_may_read() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    found = (folder, *folder.rglob("*"))
    return {str(each.relative_to(folder)): stat.S_IMODE(each.lstat().st_mode) for each in found}


def test_what_is_made_inside_is_the_user_s_and_outside_as_before(tmp_path: Path) -> None:
    with private.files():
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "file").write_text("secret")
    (tmp_path / "after").write_text("open")
    assert modes(tmp_path) == {".": 0o700, "in": 0o700, "in/file": 0o600, "after": 0o644}


def test_a_new_folder_is_closed(tmp_path: Path) -> None:
    private.close(tmp_path / "a" / "b")
    assert modes(tmp_path / "a") == {".": 0o755, "b": 0o700}


def test_what_an_earlier_run_left_open_is_closed_and_no_other_name(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for each in ("kept/deep/file", "theirs/file", "alone"):
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / each).write_text("x")
    (folder / "theirs").chmod(0o775)
    private.close(folder, ["kept", "alone", "absent"])
    assert modes(folder) == {
        **{".": 0o700, "kept": 0o700, "kept/deep": 0o700, "kept/deep/file": 0o600},
        **{"alone": 0o600, "theirs": 0o775, "theirs/file": 0o644},
    }


def test_no_link_is_followed(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "data"
    outside.mkdir()
    (outside / "file").write_text("theirs")
    (folder / "kept").mkdir(parents=True)
    (folder / "kept" / "file").symlink_to(outside / "file")
    (folder / "kept" / "folder").symlink_to(outside)
    (folder / "linked").symlink_to(outside)
    private.close(folder, ["kept", "linked"])
    assert modes(outside) == {".": 0o755, "file": 0o644}


def test_a_folder_that_was_named_by_a_link_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    (folder / "kept").write_text("x")
    (tmp_path / "data").symlink_to(folder)
    private.close(tmp_path / "data", ["kept"])
    assert modes(folder) == {".": 0o700, "kept": 0o600}


def test_everyone_s_folder_stays_everyone_s(tmp_path: Path) -> None:
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "kept").write_text("x")
    private.close(shared, ["kept"])
    assert modes(shared) == {".": 0o1777, "kept": 0o600}
