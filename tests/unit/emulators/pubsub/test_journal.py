from __future__ import annotations

import os
from pathlib import Path

import pytest

from localgcp.pubsub.disk.journal import Journal, JournalDamaged, JournalInUse
from localgcp.pubsub.errors import StorageFailed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.journal"


def write(path: Path, *bodies: bytes) -> None:
    journal = Journal(path)
    for body in bodies:
        journal.append(body)
    journal.close()


def read(path: Path) -> list[bytes]:
    journal = Journal(path)
    bodies = list(journal.records())
    journal.close()
    return bodies


def test_what_is_appended_is_read_back(path: Path) -> None:
    write(path, b"one", b"", b"x" * 100_000)
    assert read(path) == [b"one", b"", b"x" * 100_000]


@pytest.mark.parametrize("missing", range(1, 11))
def test_a_torn_last_record_is_dropped_for_good(path: Path, missing: int) -> None:
    write(path, b"one", b"two")
    os.truncate(path, path.stat().st_size - missing)
    assert read(path) == [b"one"]
    write(path, b"three")
    assert read(path)[0] == b"one"


def test_after_a_torn_record_was_read_past_new_ones_follow(path: Path) -> None:
    write(path, b"one", b"two")
    os.truncate(path, path.stat().st_size - 1)
    journal = Journal(path)
    list(journal.records())
    journal.append(b"three")
    journal.close()
    assert read(path) == [b"one", b"three"]


def test_damage_before_the_end_is_told_with_its_place(path: Path) -> None:
    write(path, b"one", b"two")
    data = bytearray(path.read_bytes())
    data[9] ^= 1
    path.write_bytes(data)
    with pytest.raises(JournalDamaged, match="byte 0"):
        read(path)


def test_two_cannot_share_it(path: Path) -> None:
    first = Journal(path)
    with pytest.raises(JournalInUse, match=str(path)):
        Journal(path)
    first.close()
    Journal(path).close()


def test_rewrite_replaces_all_and_appends_go_on(path: Path) -> None:
    journal = Journal(path)
    journal.append(b"old")
    journal.rewrite([b"new"])
    journal.append(b"newer")
    journal.close()
    assert read(path) == [b"new", b"newer"]


def test_a_record_that_cannot_be_written_is_an_error_and_leaves_no_trace(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(path)
    journal.append(b"one")
    written = os.write

    def half_then_full(file: int, data: bytes) -> int:
        if len(data) < 5:
            raise OSError(28, "No space left on device")
        return written(file, data[: len(data) - 4])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half_then_full)
        with pytest.raises(StorageFailed, match="No space left"):
            journal.append(b"two")
    journal.append(b"three")
    journal.close()
    assert read(path) == [b"one", b"three"]
