"""A folder of numbered segments and at most one snapshot: written before the reply, read at start.

    0000007.snapshot   all that was so when segment 7 was sealed
    0000008.log        what happened since; only the last one grows
    lock               held while an emulator uses the folder

A record is in the kernel's hands when append() returns, so it outlives the process (SIGKILL); it
outlives the machine once sync() has returned. What does not read back is never cut away: a torn end
is left where it is, copied to a file of its own and named in the log, and the next segment goes on.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from localgcp.pubsub.disk import segment
from localgcp.pubsub.disk.segment import HEADER_SIZE, Header, Reading
from localgcp.pubsub.errors import StorageFailed

log = logging.getLogger(__name__)

SEGMENT_BYTES = 64 << 20
_LOG, _SNAPSHOT, _DRAFT = ".log", ".snapshot", ".draft"


class JournalInUse(Exception):
    """Another emulator has this journal open."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} is in use by another Pub/Sub emulator; give it its own directory"
        )


class JournalDamaged(Exception):
    """Something that was promised does not read back. Nothing was changed on the disk."""

    def __init__(self, path: Path, at: int, why: str = "a record there does not read back") -> None:
        super().__init__(
            f"{path} is damaged at byte {at}: {why}. Nothing was changed. Start once with "
            "--salvage to set the file aside and go on with every record that reads back, or move "
            f"{path.parent} away to start empty"
        )


@dataclass
class Sync:
    """One sync to the disk: run() in any thread, then Journal.noted() in the journal's own."""

    count: int
    number: int
    until: int
    _file: int
    failure: str | None = field(default=None, init=False)

    def run(self) -> None:
        """Return once it is on the disk, or has failed; call it once."""
        if self._file < 0:
            return
        try:
            os.fdatasync(self._file)
        except OSError as error:
            self.failure = str(error)
        finally:
            os.close(self._file)


class Journal:
    """The records of one emulator, in `folder`. Raises JournalInUse, NotAJournal.

    `promises` says that sync() will be called. Read records() to the end before the first append.
    """

    def __init__(self, folder: Path, promises: bool = False, salvage: bool = False) -> None:
        self.folder, self._promises, self.salvages = folder, promises, salvage
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(folder)
        self._file = -1
        self._number = self._end = 0
        self._torn = False
        self._failure: str | None = None
        self.size = 0
        """Bytes of all segments behind the snapshot."""
        self.appended = self.synced = 0
        """How many records, since the start."""
        self._tidy()

    # Read, at the start

    def records(self) -> Iterator[bytes]:
        """Every record, oldest first. Raises JournalDamaged, NotAJournal."""
        snapshots = self._files(_SNAPSHOT)
        for number in snapshots[-1:]:
            yield from self._snapshot(number)
            self._number = number
        numbers = [number for number in self._files(_LOG) if number > self._number]
        headers = [each for number in numbers if (each := self._header(number)) is not None]
        for place, (path, header) in enumerate(headers):
            following = headers[place + 1][1].continues if place + 1 < len(headers) else None
            if header.number != self._number + 1 and not self.salvages:
                raise JournalDamaged(path, 0, f"segment {self._number + 1} is missing")
            data = path.read_bytes()
            reading = Reading(path, data, len(data) if following is None else following)
            yield from self._segment(header, reading, last=following is None)
            self._number, self._end = header.number, reading.end
            self.size += reading.end

    def _snapshot(self, number: int) -> Iterator[bytes]:
        path = self._path(number, _SNAPSHOT)
        data = path.read_bytes()
        reading = Reading(path, data, len(data))
        if segment.read_header(path, data) is None and not self.salvages:
            raise JournalDamaged(path, 0)
        yield from reading.records(self.salvages)
        self._note_skipped(reading)
        if not reading.whole() and not self.salvages:
            raise JournalDamaged(path, reading.end)

    def _header(self, number: int) -> tuple[Path, Header] | None:
        path = self._path(number, _LOG)
        with path.open("rb") as file:
            header = segment.read_header(path, file.read(HEADER_SIZE))
        if header is None:
            # Cut short as it was made: nothing was written to it yet, or a later header says so.
            data = path.read_bytes()
            if len(data) > HEADER_SIZE and data[HEADER_SIZE:].strip(b"\0"):
                raise JournalDamaged(path, 0, "its header does not read back")
            self._set_aside(path, 0, data)
            path.unlink()
            return None
        return path, header

    def _segment(self, header: Header, reading: Reading, last: bool) -> Iterator[bytes]:
        yield from reading.records(self.salvages)
        self._note_skipped(reading)
        if reading.whole() or self.salvages:
            self._torn = last and not reading.whole()
            return
        if not last:
            raise JournalDamaged(reading.path, reading.end)
        lost = reading.loss(header.promises)
        if lost is not None:
            raise JournalDamaged(reading.path, lost)
        self._torn = True
        self._set_aside(reading.path, reading.end, reading.data[reading.end :])

    def _note_skipped(self, reading: Reading) -> None:
        for start, end in reading.skipped:
            self._set_aside(reading.path, start, reading.data[start:end])

    def _set_aside(self, path: Path, at: int, data: bytes) -> None:
        kept = path.with_name(f"{path.name}.from-{at}.torn")
        try:
            kept.write_bytes(data)
            where = f"kept as {kept.name}"
        except OSError as error:
            where = f"left in place, since no copy could be made: {error}"
        log.warning("%s: %d bytes from byte %d do not read back; %s", path, len(data), at, where)

    # Write

    def append(self, body: bytes) -> None:
        """Write one record. Raises StorageFailed, and then the file is as it was."""
        if self._file < 0 or self._end >= SEGMENT_BYTES:
            self._next_file()
        self._write(segment.frame(self._end, body))
        self.appended += 1

    def seal(self) -> int:
        """End the current segment; return its number. Raises StorageFailed."""
        if self._file < 0 and not self._end:
            return self._number
        self._next_file(fresh=True)
        return self._number - 1

    def sync(self) -> Sync:
        """What puts all that was appended until now on the disk; see Sync."""
        file = os.dup(self._file) if self._file >= 0 else -1
        return Sync(self.appended, self._number, self._end, file)

    def noted(self, sync: Sync) -> None:
        """`sync` has run. Raises StorageFailed."""
        if sync.failure is not None:
            # The kernel may have dropped what it could not write, so nothing more is taken.
            self._failure = sync.failure
            raise StorageFailed(str(self.folder), sync.failure)
        if sync.count > self.synced:
            self.synced = sync.count
            if sync.number == self._number:
                self._write(segment.synced_frame(self._end, sync.until))

    # Replace by a snapshot

    def draft(self, number: int) -> Path:
        """Where the snapshot of all up to segment `number` is written before adopt()."""
        return self._path(number, _DRAFT)

    def adopt(self, number: int) -> None:
        """The draft for `number`, synced, stands in place of all up to that segment."""
        self.draft(number).replace(self._path(number, _SNAPSHOT))
        _sync_folder(self.folder)
        self.size = self._end if self._number > number else 0
        self._tidy()

    def close(self) -> None:
        """Let go of the files; safe twice."""
        if self._file >= 0:
            os.close(self._file)
        if self._lock >= 0:
            os.close(self._lock)
        self._file = self._lock = -1

    def _next_file(self, fresh: bool = False) -> None:
        """Open the last segment to go on, or a new one behind it."""
        if self._failure is not None:
            raise StorageFailed(str(self.folder), self._failure)
        going_on = self._file < 0 and self._end and not self._torn and not fresh
        number = self._number if going_on else self._number + 1
        path = self._path(number, _LOG)
        header = b"" if going_on else Header(number, self._end, self._promises).encode()
        try:
            opened = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if self._file >= 0 and self._promises:
                    os.fdatasync(self._file)
                segment.write_all(opened, header)
                if self._promises:
                    os.fdatasync(opened)
            except OSError:
                os.close(opened)
                if not going_on:
                    path.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise StorageFailed(str(path), str(error)) from error
        if self._file >= 0:
            os.close(self._file)
        if self._promises and not going_on:
            _sync_folder(self.folder)
        self._file, self._torn = opened, False
        if not going_on:
            self._number, self._end = number, len(header)
            self.size += len(header)

    def _write(self, data: bytes) -> None:
        if self._failure is not None:
            raise StorageFailed(str(self.folder), self._failure)
        try:
            segment.write_all(self._file, data)
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise StorageFailed(str(self._path(self._number, _LOG)), str(error)) from error
        self._end += len(data)
        self.size += len(data)

    def _tidy(self) -> None:
        """Remove what a snapshot has replaced, and drafts that no compaction is writing."""
        snapshots = self._files(_SNAPSHOT)
        newest = snapshots[-1] if snapshots else 0
        for number in self._files(_LOG):
            if number <= newest:
                self._path(number, _LOG).unlink()
        for number in snapshots[:-1]:
            self._path(number, _SNAPSHOT).unlink()
        for number in self._files(_DRAFT):
            self._path(number, _DRAFT).unlink()

    def _files(self, suffix: str) -> list[int]:
        return sorted(
            int(path.stem) for path in self.folder.glob(f"*{suffix}") if path.stem.isdecimal()
        )

    def _path(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number:07d}{suffix}"


def _lock(folder: Path) -> int:
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise JournalInUse(folder) from error
    return lock


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
