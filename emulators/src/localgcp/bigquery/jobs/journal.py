"""The jobs on disk: a file of lines, the last one of a job counts.

A line is handed to the system before its job is answered, so it outlives a SIGKILL; it is not
forced to the disk, for a commit for each query would cost more than most queries.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

COMPACT_BYTES = 64 * 1024 * 1024
_KEY = ("project", "id")


class Journal:
    """Appends what is to be kept; None for a path keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._lock = path, threading.Lock()
        self._file: int | None = None
        self._size = self._least = 0

    def read(self) -> list[dict[str, Any]]:
        """What was kept, in the order of the jobs; a line that a kill cut off is passed over."""
        if self._path is None or not self._path.exists():
            return []
        records: dict[tuple[str, ...], dict[str, Any]] = {}
        for line in self._path.read_bytes().splitlines():
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            key = tuple(record[name] for name in _KEY)
            if record.get("forgotten"):
                records.pop(key, None)
            else:
                records[key] = record
        return list(records.values())

    def write(self, record: Mapping[str, Any]) -> bool:
        """Keep one; says whether it is time to `rewrite`. Raises OSError, then nothing is kept."""
        if self._path is None:
            return False
        line = orjson.dumps(record) + b"\n"
        with self._lock:
            file = self._opened(self._path)
            if os.write(file, line) < len(line):
                os.ftruncate(file, self._size)
                raise OSError(28, "No space left on device")
            self._size += len(line)
            return self._size > max(COMPACT_BYTES, 2 * self._least)

    def forget(self, project: str, id_: str) -> None:
        """Keep that a job is forgotten. Raises OSError."""
        self.write({"project": project, "id": id_, "forgotten": True})

    def rewrite(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Keep these alone. Raises OSError, and leaves what was there then."""
        if self._path is None:
            return
        with self._lock:
            aside = self._path.with_suffix(".new")
            aside.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
            aside.replace(self._path)
            self._close()
            self._size = self._least = self._path.stat().st_size

    def _opened(self, path: Path) -> int:
        if self._file is None:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._size = os.fstat(self._file).st_size
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._close()
