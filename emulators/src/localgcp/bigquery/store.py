"""The DuckDB file under it all: how it is opened, who may write, and what a query may reach.

The data file is attached as `data` to an in-memory database that holds only GoogleSQL's functions
as macros. Once open, DuckDB may touch no other file and take no other setting.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from localgcp.bigquery.googlesql.macros import MACROS

MEMORY_LIMIT = "1GB"
THREADS = 2


class StoreBusy(Exception):
    """Another process holds the data directory."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is in use by another process; stop it, or name another data dir")


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a writer holds: a cursor, and what is to be done in memory once it has committed."""

    db: duckdb.DuckDBPyConnection
    after: list[Callable[[], object]] = field(default_factory=list)


class Store:
    """One DuckDB: many readers, one writer at a time, each commit on disk before it is answered."""

    def __init__(self, path: Path | None) -> None:
        """Open or make it (None: in memory). Raises StoreBusy."""
        self._root = duckdb.connect(
            ":memory:",
            config={
                "threads": THREADS,
                "memory_limit": MEMORY_LIMIT,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        self._writer = threading.Lock()
        self._attach(path)
        if path is not None:
            self._root.execute(f"SET temp_directory = '{_literal(path.parent / 'spill')}'")
        self._root.execute("SET TimeZone = 'UTC'")
        for macro in MACROS:
            self._root.execute(macro)
        self._root.execute("SET enable_external_access = false")
        self._root.execute("SET lock_configuration = true")

    def _attach(self, path: Path | None) -> None:
        target = ":memory:" if path is None else _literal(path)
        try:
            self._root.execute(f"ATTACH '{target}' AS data")
        except duckdb.IOException as error:
            if path is not None and "lock" in str(error):
                raise StoreBusy(path) from error
            raise

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of one's own, which sees what was committed."""
        cursor = self._root.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction, the only one that writes: committed at the end, undone by any exception.

        One writer at a time: two that touch one table would only find out at commit. Its `after`
        runs after the commit and before the next writer.
        """
        with self._writer, self.read() as cursor:
            transaction = Transaction(cursor)
            cursor.begin()
            try:
                yield transaction
            except BaseException:
                cursor.rollback()
                raise
            cursor.commit()
            for action in transaction.after:
                action()

    def close(self) -> None:
        """Fold the log into the file and let it go."""
        with self._writer:
            self._root.execute("CHECKPOINT data")
            self._root.close()


def _literal(path: Path) -> str:
    return str(path).replace("'", "''")
