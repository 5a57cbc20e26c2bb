from __future__ import annotations

import os
from pathlib import Path

import pytest

from localgcp.pubsub.disk import journal as journal_module
from localgcp.pubsub.disk.journal import Journal, JournalDamaged, JournalInUse
from localgcp.pubsub.disk.segment import HEADER_SIZE, NotAJournal
from localgcp.pubsub.errors import StorageFailed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def write(folder: Path, *bodies: bytes, promises: bool = False) -> None:
    journal = Journal(folder, promises)
    list(journal.records())
    for body in bodies:
        journal.append(body)
    if promises:
        put_on_disk(journal)
    journal.close()


def put_on_disk(journal: Journal) -> None:
    sync = journal.sync()
    sync.run()
    journal.noted(sync)


def read(folder: Path, salvage: bool = False) -> list[bytes]:
    journal = Journal(folder, salvage=salvage)
    try:
        return list(journal.records())
    finally:
        journal.close()


def last(folder: Path) -> Path:
    return sorted(folder.glob("*.log"))[-1]


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_what_is_appended_is_read_back(folder: Path) -> None:
    write(folder, b"one", b"", b"x" * 100_000)
    write(folder, b"two")
    assert read(folder) == [b"one", b"", b"x" * 100_000, b"two"]
    assert len(list(folder.glob("*.log"))) == 1


@pytest.mark.parametrize("missing", range(1, 19))
def test_a_torn_end_is_kept_aside_and_never_read(folder: Path, missing: int) -> None:
    write(folder, b"one", b"two")
    torn = last(folder)
    os.truncate(torn, torn.stat().st_size - missing)
    before = torn.read_bytes()
    write(folder, b"three")
    assert read(folder) == read(folder) == [b"one", b"three"]
    assert torn.read_bytes() == before
    aside = list(folder.glob("*.torn"))
    assert len(aside) == 1
    assert before.endswith(aside[0].read_bytes())


def test_zeros_at_the_end_are_a_torn_end(folder: Path) -> None:
    write(folder, b"one")
    with last(folder).open("ab") as file:
        file.write(bytes(5000))
    write(folder, b"two")
    assert read(folder) == [b"one", b"two"]


def test_a_file_cut_short_as_it_was_made_is_no_loss(folder: Path) -> None:
    write(folder, b"one")
    for cut in (b"", b"local", bytes(16)):
        (folder / "0000002.log").write_bytes(cut)
        assert read(folder) == [b"one"]
    write(folder, b"two")
    assert read(folder) == [b"one", b"two"]


@pytest.mark.parametrize("place", ["length", "body crc", "seal", "body", "marker"])
def test_damage_before_the_end_is_told_with_its_place(folder: Path, place: str) -> None:
    write(folder, b"one", b"two", b"three")
    offset = {"marker": 0, "length": 7, "body crc": 8, "seal": 12, "body": 16}[place]
    before = last(folder).read_bytes()
    flip(last(folder), HEADER_SIZE + offset)
    damaged = last(folder).read_bytes()
    with pytest.raises(JournalDamaged, match=rf"0000001.log is damaged at byte {HEADER_SIZE}"):
        read(folder)
    assert last(folder).read_bytes() == damaged
    assert len(damaged) == len(before)


def test_salvage_goes_on_with_all_that_reads_back(folder: Path) -> None:
    write(folder, b"one", b"two", b"three")
    flip(last(folder), HEADER_SIZE + 19 + 7)
    assert read(folder, salvage=True) == [b"one", b"three"]
    [aside] = folder.glob("*.torn")
    assert aside.read_bytes().endswith(b"two")


def test_damage_in_a_sealed_segment_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "SEGMENT_BYTES", 100)
    write(folder, *[b"x" * 60] * 5)
    first, *_ = sorted(folder.glob("*.log"))
    os.truncate(first, first.stat().st_size - 1)
    with pytest.raises(JournalDamaged, match=first.name):
        read(folder)


def test_a_missing_segment_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "SEGMENT_BYTES", 100)
    write(folder, *[b"x" * 60] * 8)
    (folder / "0000002.log").unlink()
    with pytest.raises(JournalDamaged, match="segment 2 is missing"):
        read(folder)


def test_what_was_never_synced_may_go_where_syncs_are_promised(folder: Path) -> None:
    journal = Journal(folder, promises=True)
    journal.append(b"one")
    put_on_disk(journal)
    before = last(folder).stat().st_size
    journal.append(b"x" * 600)
    journal.append(b"three")
    journal.close()
    flip(last(folder), before + 3)
    assert read(folder) == [b"one"]


def test_what_was_synced_may_not(folder: Path) -> None:
    journal = Journal(folder, promises=True)
    journal.append(b"one")
    journal.append(b"two")
    put_on_disk(journal)
    journal.append(b"three")
    put_on_disk(journal)
    journal.close()
    flip(last(folder), HEADER_SIZE + 3)
    with pytest.raises(JournalDamaged):
        read(folder)


def test_another_journal_in_a_payload_is_not_taken_for_records(folder: Path) -> None:
    write(folder, b"inner", b"other")
    payload = last(folder).read_bytes()
    outer = folder.with_name("outer")
    write(outer, payload)
    os.truncate(last(outer), last(outer).stat().st_size - 1)
    assert read(outer) == []


@pytest.mark.parametrize("content", [b"my own notes, ten of them", b"PK\3\4" + bytes(60)])
def test_a_foreign_file_is_refused_and_left(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "0000001.log").write_bytes(content)
    with pytest.raises(NotAJournal, match=r"0000001\.log"):
        read(folder)
    assert (folder / "0000001.log").read_bytes() == content


def test_a_later_version_is_refused_by_name(folder: Path) -> None:
    write(folder, b"one")
    flip(last(folder), 8)
    with pytest.raises(NotAJournal, match="version 257"):
        read(folder)


def test_two_cannot_share_it(folder: Path) -> None:
    first = Journal(folder)
    with pytest.raises(JournalInUse, match=str(folder)):
        Journal(folder)
    first.close()
    Journal(folder).close()


def full(file: int, data: bytes) -> int:
    raise OSError(28, "No space left on device")


def test_an_intact_journal_starts_on_a_full_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, b"one")
    monkeypatch.setattr(os, "write", full)
    journal = Journal(folder)
    assert list(journal.records()) == [b"one"]
    with pytest.raises(StorageFailed, match="No space left"):
        journal.append(b"two")
    monkeypatch.undo()
    journal.append(b"three")
    journal.close()
    assert read(folder) == [b"one", b"three"]


def test_a_record_that_cannot_be_written_is_an_error_and_leaves_no_trace(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(folder)
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
    assert read(folder) == [b"one", b"three"]


def test_after_a_sync_that_failed_nothing_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(folder, promises=True)
    journal.append(b"one")
    sync = journal.sync()

    def broken(file: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", broken)
        sync.run()
    with pytest.raises(StorageFailed, match="Input/output error"):
        journal.noted(sync)
    with pytest.raises(StorageFailed, match="Input/output error"):
        journal.append(b"two")
    journal.close()
