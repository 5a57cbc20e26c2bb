"""The DuckDB file under it all: how it is opened, who may write, and what a query may reach.

The data file is attached as `data` to an in-memory database that holds only GoogleSQL's functions
as macros. Once open, DuckDB may touch no other file and take no other setting.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from localgcp.bigquery.errors import Unavailable
from localgcp.bigquery.failures import INVALIDATED, told

MEMORY_LIMIT = 1_000_000_000  # bytes
THREADS = 2
# A log this long is folded into the file, if there is room for that.
FOLD_BYTES = 16 * 1024 * 1024
_NEVER = "1TB"


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
    """One DuckDB: many readers, one writer at a time, each commit on disk before it is answered.

    DuckDB folds its log into the file by itself as part of some commit, and where that fails the
    commit fails though it is stored. So this is done here, after a commit and only if there is
    room; a commit that fails then is not stored. Failures are told as `failures` says.
    """

    def __init__(
        self,
        path: Path | None,
        memory_limit: int = MEMORY_LIMIT,
        definitions: Iterable[str] = (),
    ) -> None:
        """Open or make it (None: in memory). Raises StoreBusy.

        `definitions` are statements of what any other may use, macros say; they come first.
        """
        self._path = path
        self._root = duckdb.connect(
            ":memory:",
            config={
                "threads": THREADS,
                "memory_limit": f"{memory_limit}B",
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        self._writer = threading.RLock()  # opening anew may be part of a write
        self._several = threading.local()
        self._attach(path)
        self._root.execute(f"SET wal_autocheckpoint = '{_NEVER}'")
        if path is not None:
            # Its own file alone may be opened again, after a failure.
            own = f"['{_literal(path)}', '{_literal(path)}.wal']"
            self._root.execute(f"SET allowed_paths = {own}")
            self._root.execute(f"SET temp_directory = '{_literal(path.parent / 'spill')}'")
        self._root.execute("SET TimeZone = 'UTC'")
        for definition in definitions:
            self._root.execute(definition)
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

    @property
    def within(self) -> Transaction | None:
        """The transaction of several statements that this thread is in."""
        found: Transaction | None = getattr(self._several, "transaction", None)
        return found

    def begin(self) -> None:
        """Begin one: what this thread reads and writes is its, until `commit` or `roll_back`."""
        self._writer.acquire()
        cursor = self._root.cursor()
        cursor.begin()
        self._several.transaction = Transaction(cursor)

    def commit(self) -> None:
        """Commit it. Raises what `failures` says, and has it undone then."""
        transaction = self.within
        assert transaction is not None
        try:
            with told():
                transaction.db.commit()
        except BaseException:
            self.roll_back()
            raise
        self._several.transaction = None
        transaction.db.close()
        try:
            for action in transaction.after:
                action()
            self._fold(FOLD_BYTES)
        finally:
            self._writer.release()

    def roll_back(self) -> None:
        """Undo it."""
        transaction = self.within
        assert transaction is not None
        self._several.transaction = None
        with suppress(duckdb.Error):  # a commit that failed has undone itself
            transaction.db.rollback()
        transaction.db.close()
        self._writer.release()

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of one's own, which sees what was committed. Raises what `failures` says."""
        if self.within is not None:
            with told():
                yield self.within.db
            return
        try:
            with told():
                cursor = self._root.cursor()
                try:
                    yield cursor
                finally:
                    cursor.close()
        except Unavailable as failure:
            if INVALIDATED in failure.message:
                self._open_again()
            raise

    @contextmanager
    def still(self, table: str, begun: Callable[[], object]) -> Iterator[duckdb.DuckDBPyConnection]:
        """As `read`, over one state of a table: that of between two writes, where `begun` is run.

        What is written after, and told by its transaction's `after`, it does not see.
        """
        with self.read() as cursor:
            if self.within is not None:
                yield cursor
                return
            with self._writer:
                cursor.begin()
                cursor.execute(f"FROM {table} LIMIT 0")  # DuckDB takes its snapshot at a first look
                begun()
            yield cursor

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction, the only one that writes: committed at the end, undone by any exception.

        One writer at a time: two that touch one table would only find out at commit. Its `after`
        runs after the commit and before the next writer.
        """
        if self.within is not None:
            with told():
                yield self.within
            return
        with self._writer, self.read() as cursor:
            transaction = Transaction(cursor)
            cursor.begin()
            try:
                yield transaction
                cursor.commit()
            except BaseException:
                with suppress(duckdb.Error):  # a commit that failed has undone itself
                    cursor.rollback()
                raise
            for action in transaction.after:
                action()
            self._fold(FOLD_BYTES)

    def _fold(self, least: int) -> None:
        """Fold the log into the file, if it is as long as that and there is room."""
        log = Path(f"{self._path}.wal")
        size = log.stat().st_size if self._path is not None and log.exists() else 0
        # The file grows by about the log before the log goes.
        if size < least or shutil.disk_usage(log.parent).free < 2 * size:
            return
        with suppress(duckdb.Error):  # it has time: the log holds everything
            self._root.execute("CHECKPOINT data")

    def _open_again(self) -> None:
        """Leave the file and open it anew, as DuckDB asks after it could not fold its log."""
        with self._writer, suppress(duckdb.Error):
            self._root.execute("DETACH data")
            self._attach(self._path)

    def close(self) -> None:
        """Fold the log into the file and let it go."""
        with self._writer:
            self._fold(1)
            self._root.close()


def _literal(path: Path) -> str:
    return str(path).replace("'", "''")
