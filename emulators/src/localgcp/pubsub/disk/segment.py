"""One file of the journal: a header, then records, each of which tells whether it reads back.

Header: magic, version, whether syncs are promised, number, valid length of the segment before,
CRC-32 of all that. Record: marker, length of the body, CRC-32 of the body, CRC-32 of the head and
the place where it stands, body. The place keeps a payload that holds another journal's bytes from
passing for a record.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MAGIC = b"localgcp"
VERSION = 1
_HEADER = struct.Struct(">8sHHQQI")
_RECORD = struct.Struct(">4sIII")
_SEAL = struct.Struct(">QII")
_DATA, _SYNCED = b"\xfaPSd", b"\xfaPSs"
_CRC_OF_MARKER = {marker: zlib.crc32(marker) for marker in (_DATA, _SYNCED)}
_OFFSET = struct.Struct(">Q")
HEADER_SIZE = _HEADER.size


class NotAJournal(Exception):
    """The file was not written by this version of the emulator, and is left as it is."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} is no journal of this emulator ({why}); move it away")


@dataclass(frozen=True)
class Header:
    """What a segment says of itself."""

    number: int
    continues: int
    """How many bytes of the segment before are valid; what follows them there was never read."""
    promises: bool
    """Whether what it marks as synced was on the disk by then."""

    def encode(self) -> bytes:
        """The header's bytes."""
        body = _HEADER.pack(MAGIC, VERSION, self.promises, self.number, self.continues, 0)[:-4]
        return body + struct.pack(">I", zlib.crc32(body))


def read_header(path: Path, data: bytes) -> Header | None:
    """The header, or None where its writing was cut short. Raises NotAJournal."""
    raw = data[:HEADER_SIZE]
    if not raw.strip(b"\0") or (len(raw) < HEADER_SIZE and MAGIC.startswith(raw[: len(MAGIC)])):
        return None
    if not raw.startswith(MAGIC) or len(raw) < HEADER_SIZE:
        raise NotAJournal(path, f"it begins with {raw[:8]!r}")
    _, version, promises, number, continues, crc = _HEADER.unpack(raw)
    if version != VERSION:
        raise NotAJournal(path, f"it has version {version}, and this reads version {VERSION}")
    return Header(number, continues, bool(promises)) if crc == zlib.crc32(raw[:-4]) else None


def frame(at: int, body: bytes) -> bytes:
    """A record of `body` that stands at byte `at`."""
    return _framed(_DATA, at, body)


def synced_frame(at: int, until: int) -> bytes:
    """A mark at byte `at`: all before byte `until` is on the disk."""
    return _framed(_SYNCED, at, _OFFSET.pack(until))


def _framed(marker: bytes, at: int, body: bytes) -> bytes:
    crc = zlib.crc32(body)
    seal = zlib.crc32(_SEAL.pack(at, len(body), crc), _CRC_OF_MARKER[marker])
    return b"".join((_RECORD.pack(marker, len(body), crc, seal), body))


@dataclass
class Reading:
    """A walk over a segment's records. After it, `end` is where what reads back ends."""

    path: Path
    data: bytes
    until: int
    """Where to stop: the file's end, or what the next segment continues."""
    end: int = HEADER_SIZE
    skipped: list[tuple[int, int]] = field(default_factory=list)
    """What `records(salvage=True)` passed over: from, to."""

    def records(self, salvage: bool = False) -> Iterator[bytes]:
        """Every record's body up to the first place that does not read back.

        With `salvage` it goes on behind such places, wherever a record reads back again.
        """
        at = HEADER_SIZE
        while at < self.until:
            found = self._record(at)
            if found is None:
                following = self._next_whole(at + 1) if salvage else None
                if following is None:
                    return
                self.skipped.append((at, following))
                at = following
                continue
            marker, body, at = found
            self.end = at
            if marker == _DATA:
                yield body

    def whole(self) -> bool:
        """Whether all was read that should be there."""
        return self.end == self.until

    def loss(self, promises: bool) -> int | None:
        """Where something was lost that had been promised, or None for a torn end.

        A kill or a power cut in mid-write leaves an end that does not read back. It was promised
        if a later mark says that it was on the disk; without marks, if anything follows it.
        """
        at = self.end + 1
        while (following := self._next_whole(at)) is not None:
            found = self._record(following)
            assert found is not None
            marker, body, at = found
            if not promises:
                return self.end
            if marker == _SYNCED and _OFFSET.unpack(body)[0] > self.end:
                return self.end
        return None

    def _record(self, at: int) -> tuple[bytes, bytes, int] | None:
        start = at + _RECORD.size
        if start > self.until:
            return None
        marker, length, crc, seal = _RECORD.unpack_from(self.data, at)
        begun = _CRC_OF_MARKER.get(marker)
        if begun is None or seal != zlib.crc32(_SEAL.pack(at, length, crc), begun):
            return None
        body = self.data[start : start + length]
        if start + length > self.until or zlib.crc32(body) != crc:
            return None
        return marker, body, start + length

    def _next_whole(self, at: int) -> int | None:
        """The first place from `at` on where a record reads back."""
        while (at := self.data.find(_DATA[:3], at, self.until)) >= 0:
            if self._record(at) is not None:
                return at
            at += 1
        return None


def write_all(file: int, data: bytes) -> None:
    """Write `data` whole. Raises OSError, and then some of it may be written."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
