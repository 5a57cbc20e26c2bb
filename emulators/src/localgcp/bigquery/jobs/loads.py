"""Load jobs: files of rows into a table, or into one partition of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog import partitioning
from localgcp.bigquery.catalog import table as tables
from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.partitioning import Partitioning
from localgcp.bigquery.catalog.schema import Field, to_resource
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import BadValue, Invalid, LoadFailed, NotFound, TableExists, Warned
from localgcp.bigquery.jobs import load_schema
from localgcp.bigquery.jobs.load_files import LoadSource, Open, Piece, Pieces
from localgcp.bigquery.jobs.load_schema import Columns
from localgcp.bigquery.jobs.objects import Objects
from localgcp.bigquery.rows.appending import append, to_arrow
from localgcp.bigquery.rows.file import MAX_TOLD
from localgcp.bigquery.rows.lines import Lines
from localgcp.bigquery.rows.partition import belonging, stamped, within
from localgcp.bigquery.store import Store, Transaction

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_BATCH = 10_000
TRUNCATE, EMPTY = "WRITE_TRUNCATE", "WRITE_EMPTY"


@dataclass(frozen=True, slots=True)
class Load:
    """One load: where its bytes are, and what to make of them.

    `open` reads a file by its format; `partition` is an id like 20240115; `updates` are the
    schemaUpdateOptions.
    """

    project: str
    destination: Name
    source: LoadSource
    open: Open = Lines
    partition: str | None = None
    fields: tuple[Field, ...] | None = None
    autodetect: bool = False
    updates: frozenset[str] = frozenset()
    write: str = "WRITE_APPEND"
    create: str = "CREATE_IF_NEEDED"
    max_bad: int = 0
    ignore_unknown: bool = False
    layout: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def replaces_table(self) -> bool:
        """Whether nothing of the table's rows or schema stays."""
        return self.write == TRUNCATE and self.partition is None


@dataclass(slots=True)
class Loaded:
    """What a load came to; `warnings` describe the bad rows that were left out."""

    files: int = 0
    read_bytes: int = 0
    rows: int = 0
    size: int = 0
    bad: int = 0
    warnings: list[Warned] = field(default_factory=list)


class Loads:
    """Loads files. They are read before the transaction, so that others can write meanwhile."""

    def __init__(self, store: Store, catalog: Catalog, sizes: Sizes, objects: Objects) -> None:
        self._store, self._catalog, self._sizes = store, catalog, sizes
        self._objects = objects

    def run(self, load: Load) -> Loaded:
        """All of the files or nothing.

        Raises LoadFailed, Invalid and its kin, NotFound, Unavailable.
        """
        while True:
            old = self._find(load)
            if load.write == EMPTY and old is not None:  # whatever the file holds
                with self._store.read() as db:
                    self._check_empty(db, load, old)
            pieces = Pieces(self._objects, load.source, load.open)
            columns = _columns(load, old, pieces)
            part = old.partitioning if old is not None else _new_partitioning(load, columns.table)
            check, loaded = belonging(load.partition, part), Loaded()
            batches = [
                batch
                for piece in pieces.each()
                for batch in _batches(load, columns.read, piece, check, loaded)
            ]
            with self._store.write() as tx:
                if not _same(self._find(load), old):
                    continue
                table = self._prepare(tx, load, old, columns.table)
                loaded.size = sum(
                    append(tx, table.name, stamped(batch, load.partition, part))
                    for batch in batches
                )
                self._catalog.write_table(tx, replace(table, modified_ms=self._catalog.now_ms()))
                tx.after.append(lambda table=table: self._sizes.forget(table))  # type: ignore[misc]
            return loaded

    def _find(self, load: Load) -> Table | None:
        try:
            return self._catalog.rows_of(load.destination, "load into")
        except NotFound:
            self._catalog.dataset(load.destination.project, load.destination.dataset)
            if load.create == "CREATE_NEVER":
                raise
            return None

    def _prepare(
        self, tx: Transaction, load: Load, old: Table | None, fields: tuple[Field, ...]
    ) -> Table:
        """The table as it is before the rows come."""
        if old is None:
            return self._make(tx, load, {**load.properties, **load.layout}, fields)
        if tables.apply(old, load.layout, old.modified_ms) != old:
            raise BadValue("load", dict(load.layout), f"{old.name} is laid out otherwise")
        if load.write == EMPTY:
            self._check_empty(tx.db, load, old)
        if load.replaces_table or not old.fields:
            tx.db.execute(f"DROP TABLE {old.name.sql}")
            made = self._make(tx, load, old.settings(), fields, replacing=True)
            return replace(made, created_ms=old.created_ms, policy=old.policy)
        if load.write == TRUNCATE:
            where = within(load.partition, old.partitioning)
            tx.db.execute(f"DELETE FROM {old.name.sql} WHERE {where}")
        return self._catalog.alter_in(tx, old, fields)

    def _make(
        self,
        tx: Transaction,
        load: Load,
        settings: Mapping[str, Any],
        fields: tuple[Field, ...],
        replacing: bool = False,
    ) -> Table:
        name = load.destination
        reference = {"tableId": name.table}
        resource = {
            **settings,
            "tableReference": reference,
            "schema": {"fields": to_resource(fields)},
        }
        table = self._catalog.new_table(name.project, name.dataset, resource)
        self._catalog.create_in(tx, table, replacing)
        return table

    @staticmethod
    def _check_empty(db: duckdb.DuckDBPyConnection, load: Load, table: Table) -> None:
        where = within(load.partition, table.partitioning)
        if db.execute(f"SELECT 1 FROM {table.name.sql} WHERE {where} LIMIT 1").fetchall():
            raise TableExists(table.name.project, table.name.dataset, table.name.table)


def _same(now: Table | None, before: Table | None) -> bool:
    """Whether it is the table that the file was read for; rows may have come meanwhile."""
    return (now and now.etag) == (before and before.etag)


def _columns(load: Load, old: Table | None, pieces: Pieces) -> Columns:
    """What to read and what the table has then. Raises Invalid, SchemaChangeRefused."""
    asked = load.autodetect or pieces.described()
    if old is None or not old.fields or load.replaces_table:
        if load.fields:
            return load_schema.alone(load.fields)
        if asked:
            return load_schema.alone(pieces.detect())
        if old is None or not old.fields:
            raise Invalid("No schema specified on job or table.", "schema")
        return load_schema.alone(old.fields)
    if load.fields:
        return load_schema.merged(str(old.name), old.fields, load.fields, load.updates)
    if not asked:
        return load_schema.alone(old.fields)
    found = pieces.detect()
    after = load_schema.widened(str(old.name), old.fields, found, load.updates)
    if not pieces.titled():
        return Columns(after, after)
    return Columns(load_schema.by_titles(str(old.name), after, found), after)


def _batches(
    load: Load,
    fields: tuple[Field, ...],
    piece: Piece,
    check: Callable[[Mapping[str, Any]], None],
    loaded: Loaded,
) -> Iterator[pa.Table]:
    """A file's rows, which `loaded` counts. Raises LoadFailed past the bad rows allowed."""
    file = piece.file
    rows = file.rows(fields, load.ignore_unknown, load.max_bad - loaded.bad)
    while batch := list(islice(rows, _BATCH)):
        for row in batch:
            check(row)
        yield to_arrow(fields, batch)
    uri = str(piece.uri) if piece.uri else ""
    told = [Warned(f"{text} File: {uri}" if uri else text, uri) for text in file.told]
    loaded.warnings += told[: MAX_TOLD - len(loaded.warnings)]
    loaded.bad += file.bad
    if loaded.bad > load.max_bad:
        raise LoadFailed(file.read, file.bad, tuple(loaded.warnings), uri)
    loaded.files += 1
    loaded.read_bytes += piece.size
    loaded.rows += file.read - file.bad


def _new_partitioning(load: Load, fields: tuple[Field, ...]) -> Partitioning | None:
    return partitioning.of_resource(load.layout, fields)
