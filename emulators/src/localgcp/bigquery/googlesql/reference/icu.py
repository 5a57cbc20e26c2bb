"""ICU's data for the instance: its code is there, and the data that it asks for is not.

COLLATE wants the order of all characters, NORMALIZE with NFKC their compatibility forms,
NET.PUBLIC_SUFFIX their forms in host names. The package `pyicu-wheels` brings a library with the
tables of ICU 77, whose formats are those of the instance's ICU 76; what is wanted of them is put
into the instance's memory. ICU looks first into what is linked into it, which is a table of
contents with no entry and room for two. So that gets one, ICU is made to read it, and what it
remembers then, the place of the contents, is led to those of all. Where there is no such package,
as on macOS, nothing changes.
"""

from __future__ import annotations

import importlib.metadata
import mmap
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

_PACKAGE = "pyicu-wheels"
_FIRST = "nfkc.nrm"  # what `first_use` reads
_WANTED = {_FIRST, "coll/root.res", "coll/ucadata.icu", "metadata.res", "uts46.nrm"} | {
    *("brkitr/root.res", "brkitr/char.brk"),
}
_PREFIX = "icudt76l/"  # what the instance calls the data
# struct DataHeader (udata.h): its size, a mark, and what follows; then the table of contents.
_MARK = b"\xda\x27\x14\x00\x00\x00\x00\x00\x02\x00"
_BY_OFFSET = _MARK + b"CmnD"
_EMPTY = _MARK + b"ToCP\x01" + bytes(7) + b"stubdata"
_TO_SIZE, _HEADER = 2, 32  # from the mark back to the header's size, which is this


class Memory(Protocol):
    """The instance's."""

    def find(self, what: bytes) -> list[int]:
        """Each place of it."""

    def put(self, raw: bytes) -> int:
        """Allocate and fill; gives the address."""

    def write(self, at: int, raw: bytes) -> None:
        """Change what is there."""


def give(memory: Memory, first_use: Callable[[], object]) -> bool:
    """Put the data into an instance that has not asked for any yet; False where there is none.

    `first_use` makes the instance normalize a text to NFKC.
    """
    path = library()
    found = tables(path) if path is not None else None
    empty = memory.find(_EMPTY)
    if found is None or len(empty) != 1:
        return False
    contents = empty[0] - _TO_SIZE + _HEADER
    memory.write(contents, _contents(memory, {_FIRST: found[_FIRST]}))
    first_use()
    # struct UDataMemory: ..., the header, the contents.
    header = struct.pack("<I", contents - _HEADER)
    places = memory.find(header + struct.pack("<I", contents))
    whole = memory.put(_contents(memory, found))
    for place in places:
        memory.write(place, header + struct.pack("<I", whole))
    return bool(places)


def _contents(memory: Memory, found: dict[str, bytes]) -> bytes:
    """A table of contents by pointers, of data that is put into the memory now."""
    pairs = [
        struct.pack("<II", memory.put(f"{_PREFIX}{name}\0".encode()), memory.put(found[name]))
        for name in sorted(found)
    ]
    return struct.pack("<II", len(pairs), 0) + b"".join(pairs)


def library() -> Path | None:
    """The file that holds the data; None where the package is not installed."""
    try:
        files = importlib.metadata.files(_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((Path(str(f.locate())) for f in files if "icudata" in f.name), None)


def tables(path: Path) -> dict[str, bytes] | None:
    """What is wanted of a library's data; None if the library has another form."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        mark = raw.find(_BY_OFFSET)
        if mark < 0:
            return None
        contents = mark - _TO_SIZE + struct.unpack_from("<H", raw, mark - _TO_SIZE)[0]
        (count,) = struct.unpack_from("<I", raw, contents)
        entries = struct.unpack_from(f"<{2 * count}I", raw, contents + 4)
        found = {}
        for name, data, end in zip(entries[::2], entries[1::2], entries[3::2], strict=False):
            at = contents + name
            text = raw[at : raw.find(b"\0", at)].decode().partition("/")[2]
            if text in _WANTED:
                found[text] = raw[contents + data : contents + end]
    return found if found.keys() == _WANTED else None
