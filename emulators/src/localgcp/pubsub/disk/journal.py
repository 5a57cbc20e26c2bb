"""An append-only file of records: written before the reply, read at the next start.

A record is in the kernel's hands when append() returns, so it outlives the process (SIGKILL),
not the machine: there is no fsync. On disk: length (4 bytes), CRC-32 of the body (4), body.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from localgcp.pubsub.errors import StorageFailed

_HEAD = struct.Struct(">II")
_SMALLEST_TO_COMPACT = 64 << 20
_GROWTH_TO_COMPACT = 3


class JournalInUse(Exception):
    """Another emulator has this journal open."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is in use by another Pub/Sub emulator; give it its own directory")


class JournalDamaged(Exception):
    """A record before the last does not read back, so what follows cannot be trusted."""

    def __init__(self, path: Path, offset: int) -> None:
        super().__init__(
            f"{path} is damaged at byte {offset}; move it away to start empty, or cut it there "
            "to keep what comes before"
        )


class Journal:
    """The records of one emulator. Raises JournalInUse."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise JournalInUse(path) from error
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(self._file).st_size
        self._compacted_size = 0

    def records(self) -> Iterator[bytes]:
        """Every record, oldest first; a torn one at the end is cut off. Raises JournalDamaged."""
        offset = 0
        with self._path.open("rb") as file:
            while head := file.read(_HEAD.size):
                length, crc = _HEAD.unpack(head) if len(head) == _HEAD.size else (0, -1)
                body = file.read(length)
                if len(body) < length or zlib.crc32(body) != crc:
                    if file.read(1):
                        raise JournalDamaged(self._path, offset)
                    break
                yield body
                offset += _HEAD.size + length
        os.ftruncate(self._file, offset)
        self._size = offset

    def append(self, body: bytes) -> None:
        """Write one record. Raises StorageFailed, and then the file is as it was."""
        record = _HEAD.pack(len(body), zlib.crc32(body)) + body
        try:
            _write_all(self._file, record)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            raise StorageFailed(str(self._path), str(error)) from error
        self._size += len(record)

    def overgrown(self) -> bool:
        """Whether most of the file is likely to be of no use any more."""
        return self._size > max(_SMALLEST_TO_COMPACT, _GROWTH_TO_COMPACT * self._compacted_size)

    def rewrite(self, bodies: Iterable[bytes]) -> None:
        """Put `bodies` in place of all records, at one stroke. Raises StorageFailed."""
        fresh = self._path.with_suffix(".new")
        size = 0
        try:
            with fresh.open("wb") as file:
                for body in bodies:
                    size += file.write(_HEAD.pack(len(body), zlib.crc32(body)))
                    size += file.write(body)
            fresh.replace(self._path)
            opened = os.open(self._path, os.O_RDWR | os.O_APPEND)
        except OSError as error:
            self._compacted_size = self._size  # not again before it has grown as much once more
            raise StorageFailed(str(fresh), str(error)) from error
        os.close(self._file)
        self._file, self._size, self._compacted_size = opened, size, size

    def close(self) -> None:
        """Let go of the file; safe twice."""
        if self._file >= 0:
            os.close(self._file)
            os.close(self._lock)
            self._file = self._lock = -1


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
