"""Read sessions: a table's rows as they are when the session is made, in streams side by side.

The rows of a session are put aside in memory (DuckDB's, which spills to disk), so that every stream
of it, and every reading again from an offset, sees the same.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import duckdb

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.schema import Field, quoted
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import BadValue, NotSupported
from localgcp.bigquery.jobs.queries import Queries
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rows.avro_schema import check_types
from localgcp.bigquery.store import Store
from localgcp.bigquery.streams.faults import OffsetBeyond, StreamNotFound
from localgcp.bigquery.streams.projection import pruned, select

if TYPE_CHECKING:
    import pyarrow as pa

EXPIRES_MS = 6 * 3600 * 1000  # "automatically expires 6 hours after it is created"
MAX_STREAMS, ROWS_A_STREAM = 16, 100
_BATCH = 10_000

Held = Callable[[Name], "tuple[Table, pa.Table]"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a session is asked for."""

    table: Name
    selected: tuple[str, ...] = ()
    restriction: str = ""
    snapshot_ms: int | None = None
    max_streams: int = 0
    avro: bool = False
    compression: str | None = None
    """Of Arrow's buffers: lz4 or zstd."""


@dataclass(frozen=True, slots=True)
class Session:
    """One session; `streams` are the ids of its streams, each with its first row and its end."""

    project: str
    id: str
    wanted: Wanted
    fields: tuple[Field, ...]
    rows: int
    size: int
    expires_ms: int
    streams: dict[str, tuple[int, int]]

    @property
    def name(self) -> str:
        """The resource's name."""
        return f"projects/{self.project}/locations/us/sessions/{self.id}"

    @property
    def aside(self) -> str:
        """Where its rows are."""
        return f"memory.main.{quoted(f'read_{self.id}')}"


class ReadSessions:
    """The sessions that are open. Every method may be called from any thread."""

    def __init__(
        self, store: Store, catalog: Catalog, sizes: Sizes, queries: Queries, held: Held
    ) -> None:
        """`held` finds a result that is kept with its job."""
        self._store, self._catalog, self._sizes = store, catalog, sizes
        self._queries, self._held = queries, held
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def create(self, project: str, wanted: Wanted) -> Session:
        """Put the rows aside. Raises NotFound, NotATable, BadValue, NotSupported, InvalidQuery."""
        id_ = uuid.uuid4().hex
        blank = Session(project, id_, wanted, (), 0, 0, self._catalog.now_ms() + EXPIRES_MS, {})
        with self._store.read() as db:
            fields, size = self._put_aside(db, blank)
            ((rows,),) = db.execute(f"SELECT count(*) FROM {blank.aside}").fetchall()
        streams = _streams(int(rows), wanted.max_streams)
        session = replace(blank, fields=fields, rows=int(rows), size=size, streams=streams)
        with self._lock:
            self._sessions[session.name] = session
        return session

    def find(self, stream: str) -> tuple[Session, int, int]:
        """The session of a stream, its first row and its end. Raises StreamNotFound."""
        name, _, id_ = stream.partition("/streams/")
        session = self._sessions.get(name)
        if session is None or id_ not in session.streams:
            raise StreamNotFound(stream)
        return session, *session.streams[id_]

    def read(self, stream: str, offset: int) -> Iterator[pa.RecordBatch]:
        """A stream's rows from its row `offset`. Raises StreamNotFound, OffsetBeyond."""
        session, start, end = self.find(stream)
        if offset > end - start or offset < 0:
            raise OffsetBeyond(stream, end - start, offset)
        query = f"SELECT * FROM {session.aside} WHERE rowid >= ? AND rowid < ? ORDER BY rowid"
        with self._store.read() as db:
            relation = db.sql(query, params=[start + offset, end])
            for batch in relation.to_arrow_reader(_BATCH):
                yield pruned(batch, session.fields)

    def sweep(self) -> None:
        """Let go the sessions that are past their time."""
        now = self._catalog.now_ms()
        for session in list(self._sessions.values()):
            if session.expires_ms <= now:
                with self._lock:
                    self._sessions.pop(session.name, None)
                with self._store.read() as db:
                    db.execute(f"DROP TABLE IF EXISTS {session.aside}")

    def _put_aside(
        self, db: duckdb.DuckDBPyConnection, session: Session
    ) -> tuple[tuple[Field, ...], int]:
        """The columns that are read, and the logical bytes of what was scanned for them."""
        wanted = session.wanted
        if wanted.table.is_anonymous:
            table, rows = self._held(wanted.table)
            size = int(rows.nbytes)
        else:
            table = self._catalog.rows_of(wanted.table, "read")
            size, rows = self._sizes.bytes(table), None
            _check_snapshot(wanted, table)
        fields = select(table.fields, wanted.selected)
        check_types(fields, "the Storage Read API")
        if wanted.restriction:
            rows = self._restricted(session, table, rows)
        source = table.name.sql
        if rows is not None:
            db.register("_held", rows)
            source = "_held"
        columns = ", ".join(quoted(column.name) for column in fields) or "NULL AS nothing"
        db.execute(f"CREATE TABLE {session.aside} AS SELECT {columns} FROM {source}")
        return fields, size

    def _restricted(self, session: Session, table: Table, held: pa.Table | None) -> pa.Table:
        """The rows that the filter keeps: one expression of GoogleSQL, without WHERE."""
        if held is not None:
            raise NotSupported("row_restriction on a query's result", "read_options")
        name = table.name
        sql = (
            f"SELECT * FROM `{name.project}.{name.dataset}.{name.table}`"
            f" WHERE ({session.wanted.restriction}\n)"
        )
        outcome = self._queries.run(Query(sql, session.project))
        if outcome.kind != "SELECT" or outcome.rows is None:
            raise BadValue("read_options.row_restriction", session.wanted.restriction, "no filter")
        return outcome.rows


def _check_snapshot(wanted: Wanted, table: Table) -> None:
    """Look whether the rows are those of the time that is asked for.

    Raises NotSupported for a time at which the rows may have been others.
    """
    # The time of the last change is kept to the second.
    if wanted.snapshot_ms is not None and wanted.snapshot_ms < table.modified_ms + 1000:
        raise NotSupported(
            f"snapshot_time of {table.name} before its last change", "table_modifiers.snapshot_time"
        )


def _streams(rows: int, most: int) -> dict[str, tuple[int, int]]:
    """Rows shared out: none for an empty table, else so many streams as are worth it."""
    count = min(most or 4, MAX_STREAMS, -(-rows // ROWS_A_STREAM))
    bounds = [rows * place // count for place in range(count + 1)] if count else []
    return {uuid.uuid4().hex: (start, end) for start, end in pairwise(bounds)}
