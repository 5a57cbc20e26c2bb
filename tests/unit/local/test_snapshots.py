"""What a snapshot of a folder holds, and how it is put back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from local import restoring
from local.errors import BadSnapshot, NoStack
from local.snapshots import FOLDER, all_of, load, save
from local.state import held


def kept(folder: Path, text: str) -> None:
    (folder / "pubsub").mkdir(parents=True, exist_ok=True)
    (folder / "pubsub" / "journal").write_text(text)
    (folder / "published.jsonl").write_text(text)
    # fake-gcs-server keeps what is known of an object there.
    os.setxattr(folder / "pubsub" / "journal", "user.metadata", text.encode())


def test_a_folder_goes_back_to_what_it_was(tmp_path: Path) -> None:
    kept(tmp_path, "before")
    saved = save(tmp_path, None, "one")
    kept(tmp_path, "after")
    (tmp_path / "storage").mkdir()
    assert [each.name for each in all_of(tmp_path)] == ["one"]
    assert all_of(tmp_path)[0].size == saved.size
    load(tmp_path, "one")
    assert (tmp_path / "pubsub" / "journal").read_text() == "before"
    assert os.getxattr(tmp_path / "pubsub" / "journal", "user.metadata") == b"before"
    assert (tmp_path / "published.jsonl").read_text() == "before"
    assert not (tmp_path / "storage").exists()
    assert [each.name for each in (tmp_path / FOLDER).iterdir()] == ["one"]
    load(tmp_path, "one")


def test_what_can_not_be_done_changes_nothing(tmp_path: Path) -> None:
    kept(tmp_path, "before")
    save(tmp_path, None, "one")
    with pytest.raises(BadSnapshot, match="already"):
        save(tmp_path, None, "one")
    with pytest.raises(BadSnapshot, match=r"got '\.\./x'"):
        save(tmp_path, None, "../x")
    with pytest.raises(BadSnapshot, match="there are: one"):
        load(tmp_path, "two")
    with held(tmp_path), pytest.raises(BadSnapshot, match="local down"):
        load(tmp_path, "one")
    assert (tmp_path / "published.jsonl").read_text() == "before"


def test_a_way_back_is_asked_for_once_and_of_a_stack_that_runs(tmp_path: Path) -> None:
    kept(tmp_path, "before")
    save(tmp_path, None, "one")
    with pytest.raises(NoStack):
        restoring.ask(tmp_path, "one")
    with held(tmp_path):
        with pytest.raises(BadSnapshot, match="there are: one"):
            restoring.ask(tmp_path, "two")
        assert restoring.take(tmp_path) is None
        assert restoring.ask(tmp_path, "one").name == "one"
    assert restoring.is_asked(tmp_path)
    assert restoring.take(tmp_path) == "one"
    assert not restoring.is_asked(tmp_path)
