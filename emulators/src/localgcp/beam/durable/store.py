"""What a job must not forget, in one SQLite file that always holds one moment of it.

Everything lives in memory too. A flush writes all that changed since the last one in a single
transaction, so the file never mixes two moments; who waits for that (the acks) is told after it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from localgcp.beam.errors import StoreBusy, StoreUnusable

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (kind TEXT, key BLOB, value BLOB, PRIMARY KEY (kind, key))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cells (cell BLOB, number INTEGER, piece BLOB,
    PRIMARY KEY (cell, number)) WITHOUT ROWID;
"""

Entry = tuple[str, bytes]
"""A kind of thing and its key within the kind."""


class Store:
    """Entries, each replaced as a whole, and cells, each a list of pieces that grows at its end.

    One thread uses it. Raises StoreUnusable where the disk fails.
    """

    def __init__(self, path: Path | None) -> None:
        """Open or make the file at `path`; None keeps nothing. Raises StoreBusy, StoreUnusable."""
        self.path = path
        self._cells: dict[bytes, list[bytes]] = {}
        self._changed: dict[Entry, Callable[[], bytes] | None] = {}
        self._written: set[Entry] = set()
        self._touched: set[bytes] = set()
        self._rewritten: set[bytes] = set()
        self._pieces_written: dict[bytes, int] = {}
        self._loaded: dict[str, dict[bytes, bytes]] = {}
        self._file = None if path is None else _open(path)
        if self._file is not None:
            self._load(self._file)

    def loaded(self, kind: str) -> dict[bytes, bytes]:
        """What was on disk of a kind when it was opened, by key; given once."""
        return self._loaded.pop(kind, {})

    def put(self, kind: str, key: bytes, encode: Callable[[], bytes]) -> None:
        """Set an entry; `encode` is called at the flush, and not if it is gone by then."""
        if self._file is not None:
            self._changed[kind, key] = encode

    def remove(self, kind: str, key: bytes) -> None:
        """Remove an entry, if it is there."""
        if self._file is not None:
            self._changed[kind, key] = None

    def cells(self) -> Iterator[bytes]:
        """The names of all cells that hold something."""
        return iter(list(self._cells))

    def pieces(self, cell: bytes) -> list[bytes]:
        """A cell's pieces; not to be changed."""
        return self._cells.get(cell, [])

    def append(self, cell: bytes, pieces: list[bytes]) -> None:
        """Add pieces at the end of a cell."""
        self._cells.setdefault(cell, []).extend(pieces)
        self._touched.add(cell)

    def clear(self, cell: bytes) -> None:
        """Empty a cell."""
        self._cells.pop(cell, None)
        self._touched.add(cell)
        self._rewritten.add(cell)

    @property
    def dirty(self) -> bool:
        """Whether a flush would write."""
        return self._file is not None and bool(self._changed or self._touched)

    def flush(self) -> None:
        """Write all changes in one transaction, down to the disk."""
        if self._file is None:
            self._touched.clear()
            self._rewritten.clear()
            return
        if not self.dirty:
            return
        try:
            with self._file as transaction:
                self._write_entries(transaction)
                self._write_cells(transaction)
        except sqlite3.Error as error:
            raise StoreUnusable(str(self.path), str(error)) from error

    def close(self) -> None:
        """Let go of the file; what was not flushed is forgotten, as by a kill."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def discard(self) -> None:
        """Let go of the file and delete it: its job is over."""
        if self._file is not None and self.path is not None:
            self._file.close()
            self._file = None
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    def _load(self, file: sqlite3.Connection) -> None:
        for kind, key, value in file.execute("SELECT kind, key, value FROM entries"):
            self._loaded.setdefault(kind, {})[key] = value
            self._written.add((kind, key))
        for cell, number, piece in file.execute(
            "SELECT cell, number, piece FROM cells ORDER BY cell, number"
        ):
            self._cells.setdefault(cell, []).append(piece)
            self._pieces_written[cell] = number + 1

    def _write_entries(self, file: sqlite3.Connection) -> None:
        changed, self._changed = self._changed, {}
        gone = [entry for entry, encode in changed.items() if encode is None]
        file.executemany(
            "DELETE FROM entries WHERE kind = ? AND key = ?",
            [entry for entry in gone if entry in self._written],
        )
        kept = {entry: encode() for entry, encode in changed.items() if encode is not None}
        file.executemany(
            "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)",
            [(kind, key, value) for (kind, key), value in kept.items()],
        )
        self._written.difference_update(gone)
        self._written.update(kept)

    def _write_cells(self, file: sqlite3.Connection) -> None:
        gone = [(cell,) for cell in self._rewritten if self._pieces_written.pop(cell, 0)]
        file.executemany("DELETE FROM cells WHERE cell = ?", gone)
        rows = []
        for cell in self._touched:
            pieces = self._cells.get(cell)
            if pieces:
                start = self._pieces_written.get(cell, 0)
                rows += [(cell, number, pieces[number]) for number in range(start, len(pieces))]
                self._pieces_written[cell] = len(pieces)
        file.executemany("INSERT INTO cells VALUES (?, ?, ?)", rows)
        self._touched.clear()
        self._rewritten.clear()


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = None
    try:
        file = sqlite3.connect(path, timeout=0.0, check_same_thread=False)
        file.execute("PRAGMA locking_mode = EXCLUSIVE")
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = FULL")
        file.executescript(_SCHEMA)
        with file:
            file.execute("INSERT OR REPLACE INTO entries VALUES ('opened', x'', x'')")
    except sqlite3.Error as error:
        if file is not None:
            file.close()
        if "locked" in str(error):
            raise StoreBusy(str(path)) from error
        raise StoreUnusable(str(path), str(error)) from error
    return file
