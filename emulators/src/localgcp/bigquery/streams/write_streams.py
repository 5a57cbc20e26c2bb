"""Write streams: rows appended at offsets, seen at once, when they are flushed, or all together.

Streams and what is not yet seen of theirs are kept beside the tables, each append in one
transaction: what was answered survives a kill, and a writer goes on at the offset that it knows.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.schema import Field, duckdb_type, quoted
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import Invalid
from localgcp.bigquery.rows.appending import append
from localgcp.bigquery.store import Store, Transaction
from localgcp.bigquery.streams.faults import (
    Committed,
    OffsetBeyond,
    OffsetExists,
    StreamFault,
    StreamFinalized,
    StreamNotFound,
    WrongState,
    WrongType,
)

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT = "_default"
KEPT_MS = 7 * 24 * 3600 * 1000
_OFFSET = "_offset"
_SETUP = """
CREATE SCHEMA IF NOT EXISTS data.emulator;
CREATE TABLE IF NOT EXISTS data.emulator.write_streams (id VARCHAR, resource VARCHAR);
"""

ReadRows = Callable[[tuple[Field, ...]], "pa.Table"]


class Type(StrEnum):
    """When rows are seen: at once, at the commit of their stream, or once they are flushed."""

    COMMITTED = "COMMITTED"
    PENDING = "PENDING"
    BUFFERED = "BUFFERED"


@dataclass(frozen=True, slots=True)
class Stream:
    """One write stream of a table; times are milliseconds since the epoch."""

    table: Name
    table_created_ms: int
    id: str
    type: Type
    created_ms: int
    rows: int = 0
    flushed: int = 0
    finalized: bool = False
    committed_ms: int | None = None

    @property
    def name(self) -> str:
        """The resource's name."""
        return stream_name(self.table, self.id)

    @property
    def hidden(self) -> str:
        """Where rows are that are not seen yet."""
        return f"data.emulator.{quoted(f'write_{self.id}')}"


def stream_name(table: Name, id_: str) -> str:
    """`projects/P/datasets/D/tables/T/streams/S`."""
    return f"projects/{table.project}/datasets/{table.dataset}/tables/{table.table}/streams/{id_}"


class WriteStreams:
    """The write streams of all tables. Every method may be called from any thread."""

    def __init__(self, store: Store, catalog: Catalog, sizes: Sizes) -> None:
        """Load what the store holds."""
        self._store, self._catalog, self._sizes = store, catalog, sizes
        self._streams: dict[str, Stream] = {}
        with store.write() as tx:
            tx.db.execute(_SETUP)
            for (text,) in tx.db.execute(
                "SELECT resource FROM data.emulator.write_streams"
            ).fetchall():
                stream = _load(json.loads(text))
                self._streams[stream.name] = stream

    def create(self, table: Name, type_: Type) -> tuple[Stream, Table]:
        """A new stream. Raises NotFound, NotATable."""
        with self._store.write() as tx:
            found = self._catalog.rows_of(table, "append to")
            id_ = uuid.uuid4().hex
            stream = Stream(table, found.created_ms, id_, type_, self._catalog.now_ms())
            if type_ != Type.COMMITTED:
                columns = [f"{quoted(f.name)} {duckdb_type(f)}" for f in found.fields]
                columns.append(f"{_OFFSET} BIGINT")
                tx.db.execute(f"CREATE TABLE {stream.hidden} ({', '.join(columns)})")
            self._keep(tx, stream)
        return stream, found

    def get(self, table: Name, id_: str) -> tuple[Stream, Table]:
        """A stream and its table; the default one is there with its table. Raises NotFound."""
        found = self._catalog.rows_of(table, "append to")
        if id_ == DEFAULT:
            made = found.created_ms
            return Stream(table, made, DEFAULT, Type.COMMITTED, made), found
        stream = self._streams.get(stream_name(table, id_))
        if stream is None or stream.table_created_ms != found.created_ms:
            raise StreamNotFound(stream_name(table, id_))
        return stream, found

    def append(
        self, table: Name, id_: str, read: ReadRows, offset: int | None
    ) -> tuple[int | None, Table]:
        """Add the rows that `read` gives for the table's columns: all of them, or none.

        Returns the offset of the first, None on the default stream, and the table. Raises what
        `read` raises, NotFound, and the faults of streams.
        """
        while True:
            stream, before = self.get(table, id_)
            _check_open(stream, offset)
            rows = read(before.fields)
            with self._store.write() as tx:
                stream, found = self.get(table, id_)
                if found.fields != before.fields:
                    continue
                _check_open(stream, offset)
                self._store_rows(tx, stream, found, rows)
            return (None if id_ == DEFAULT else stream.rows), found

    def finalize(self, table: Name, id_: str) -> int:
        """Let nothing more be appended; the rows that it has. Raises WrongType, NotFound."""
        with self._store.write() as tx:
            stream, _ = self.get(table, id_)
            if id_ == DEFAULT:
                raise WrongType("The default stream cannot be finalized.", stream.name)
            self._keep(tx, replace(stream, finalized=True))
        return stream.rows

    def flush(self, table: Name, id_: str, offset: int) -> None:
        """Have the rows up to this offset seen, itself included. Raises the faults of streams."""
        with self._store.write() as tx:
            stream, found = self.get(table, id_)
            if stream.type != Type.BUFFERED:
                raise WrongType("FlushRows is for streams of type BUFFERED.", stream.name)
            if offset >= stream.rows:
                raise OffsetBeyond(stream.name, stream.rows, offset)
            if offset >= stream.flushed:
                self._show(tx, stream, found, f"{_OFFSET} <= {offset}")
                tx.db.execute(f"DELETE FROM {stream.hidden} WHERE {_OFFSET} <= {offset}")
                self._keep(tx, replace(stream, flushed=offset + 1))

    def commit(self, table: Name, ids: list[str]) -> tuple[int, list[StreamFault]]:
        """Have the rows of finalized PENDING streams seen at once: of all, or of none.

        Returns the time, and why nothing was committed. Raises NotFound for the table.
        """
        with self._store.write() as tx:
            found = self._catalog.rows_of(table, "commit to")
            streams, faults = [], []
            for id_ in dict.fromkeys(ids):
                try:
                    streams.append(_committable(self.get(table, id_)[0]))
                except StreamFault as fault:
                    faults.append(fault)
            now = self._catalog.now_ms()
            if not faults:
                for stream in streams:
                    self._show(tx, stream, found, "true")
                    tx.db.execute(f"DROP TABLE {stream.hidden}")
                    self._keep(tx, replace(stream, committed_ms=now))
        return now, faults

    def sweep(self) -> None:
        """Forget the streams that are past their time, or whose table is gone."""
        oldest = self._catalog.now_ms() - KEPT_MS
        there = {(table.name, table.created_ms) for table in self._catalog.all_tables()}
        for stream in list(self._streams.values()):
            has_table = (stream.table, stream.table_created_ms) in there
            if stream.created_ms >= oldest and has_table:
                continue
            with self._store.write() as tx:
                tx.db.execute(f"DROP TABLE IF EXISTS {stream.hidden}")
                tx.db.execute("DELETE FROM data.emulator.write_streams WHERE id = ?", [stream.name])
                tx.after.append(lambda name=stream.name: self._streams.pop(name, None))  # type: ignore[misc]

    def _store_rows(self, tx: Transaction, stream: Stream, table: Table, rows: pa.Table) -> None:
        import pyarrow as pa

        if stream.type == Type.COMMITTED:
            size = append(tx, table.name, rows)
            self._catalog.touch(tx, table)
            tx.after.append(lambda: self._sizes.add(table, size))
        else:
            here = _columns(tx, stream)
            for column in table.fields:
                if column.name not in here:  # it has come since the stream was made
                    adding = f"{quoted(column.name)} {duckdb_type(column)}"
                    tx.db.execute(f"ALTER TABLE {stream.hidden} ADD COLUMN {adding}")
            offsets = pa.array(range(stream.rows, stream.rows + rows.num_rows), pa.int64())
            tx.db.register("_batch", rows.append_column(_OFFSET, offsets))
            tx.db.execute(f"INSERT INTO {stream.hidden} BY NAME SELECT * FROM _batch")
            tx.db.unregister("_batch")
        if stream.id != DEFAULT:
            self._keep(tx, replace(stream, rows=stream.rows + rows.num_rows))

    def _show(self, tx: Transaction, stream: Stream, table: Table, where: str) -> None:
        """Hidden rows into the table, in the order that they came."""
        here = _columns(tx, stream)
        names = ", ".join(quoted(f.name) for f in table.fields if f.name in here)
        tx.db.execute(
            f"INSERT INTO {table.name.sql} ({names}) SELECT {names} FROM {stream.hidden}"
            f" WHERE {where} ORDER BY {_OFFSET}"
        )
        self._catalog.touch(tx, table)
        tx.after.append(lambda: self._sizes.forget(table))

    def _keep(self, tx: Transaction, stream: Stream) -> None:
        row = [stream.name, json.dumps(asdict(stream))]
        tx.db.execute("DELETE FROM data.emulator.write_streams WHERE id = ?", row[:1])
        tx.db.execute("INSERT INTO data.emulator.write_streams VALUES (?, ?)", row)
        tx.after.append(lambda: self._streams.__setitem__(stream.name, stream))


def _load(resource: dict[str, Any]) -> Stream:
    named = {"table": Name(**resource["table"]), "type": Type(resource["type"])}
    return Stream(**{**resource, **named})


def _columns(tx: Transaction, stream: Stream) -> set[str]:
    """The columns that a stream's hidden rows have."""
    return {name for name, *_ in tx.db.execute(f"DESCRIBE {stream.hidden}").fetchall()}


def _check_open(stream: Stream, offset: int | None) -> None:
    """Look whether rows may be appended there.

    Raises StreamFinalized, OffsetExists, OffsetBeyond, Invalid.
    """
    if stream.id == DEFAULT:
        if offset is not None:
            raise Invalid(f"Offset cannot be specified for the default stream {stream.name}")
        return
    if stream.finalized:
        raise StreamFinalized(stream.name)
    if offset is not None and offset < stream.rows:
        raise OffsetExists(stream.name, stream.rows, offset)
    if offset is not None and offset > stream.rows:
        raise OffsetBeyond(stream.name, stream.rows, offset)


def _committable(stream: Stream) -> Stream:
    """Look whether a stream may be committed. Raises WrongType, WrongState, Committed."""
    if stream.type != Type.PENDING:
        raise WrongType("Only streams of type PENDING can be committed.", stream.name)
    if stream.committed_ms is not None:
        raise Committed(stream.name)
    if not stream.finalized:
        raise WrongState("The stream is not finalized.", stream.name)
    return stream
