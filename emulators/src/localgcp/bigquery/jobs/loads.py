"""Load jobs: a file of rows into a table, or into one partition of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog import partitioning
from localgcp.bigquery.catalog import table as tables
from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.figures import Figures
from localgcp.bigquery.catalog.partitioning import ID_FORMATS
from localgcp.bigquery.catalog.schema import Field, quoted, to_resource
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import (
    BadValue,
    Invalid,
    LoadFailed,
    NotFound,
    NotSupported,
    SchemaChangeRefused,
    TableExists,
)
from localgcp.bigquery.rows.appending import append, to_arrow
from localgcp.bigquery.rows.file import File
from localgcp.bigquery.rows.lines import Lines
from localgcp.bigquery.store import Store, Transaction

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 10_000
TRUNCATE, EMPTY = "WRITE_TRUNCATE", "WRITE_EMPTY"


@dataclass(frozen=True, slots=True)
class Load:
    """One load: the file's bytes, and what to make of them.

    `open` reads them by their format; `partition` is an id like 20240115.
    """

    project: str
    destination: Name
    data: bytes
    open: Callable[[bytes], File] = Lines
    partition: str | None = None
    fields: tuple[Field, ...] | None = None
    autodetect: bool = False
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


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load came to; `warnings` describe the bad rows that were left out."""

    read_bytes: int
    rows: int
    size: int
    bad: int
    warnings: tuple[str, ...]


class Loads:
    """Loads files. The file is read before the transaction, so that others can write meanwhile."""

    def __init__(self, store: Store, catalog: Catalog, figures: Figures) -> None:
        self._store, self._catalog, self._figures = store, catalog, figures

    def run(self, load: Load) -> Loaded:
        """All of the file or nothing. Raises LoadFailed, Invalid and its kin, NotFound."""
        while True:
            old = self._find(load)
            file = load.open(load.data)
            fields = _fields(load, old, file)
            belongs = _partition_check(load, old, fields)
            batches = list(_batches(load, fields, file, belongs))
            if file.bad > load.max_bad:
                raise LoadFailed(file.read, file.bad, tuple(file.told))
            with self._store.write() as tx:
                if not _same(self._find(load), old):
                    continue
                table = self._prepare(tx, load, old, fields)
                size = sum(append(tx, table.name, batch) for batch in batches)
                self._catalog.write_table(tx, replace(table, modified_ms=self._catalog.now_ms()))
                tx.after.append(lambda table=table: self._figures.forget(table))  # type: ignore[misc]
            good = file.read - file.bad
            return Loaded(len(load.data), good, size, file.bad, tuple(file.told))

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
        if load.write == EMPTY and self._count(tx, load, old):
            raise TableExists(old.name.project, old.name.dataset, old.name.table)
        if load.replaces_table or not old.fields:
            tx.db.execute(f"DROP TABLE {old.name.sql}")
            made = self._make(tx, load, old.settings(), fields, replacing=True)
            return replace(made, created_ms=old.created_ms, policy=old.policy)
        if load.write == TRUNCATE:
            tx.db.execute(f"DELETE FROM {old.name.sql} WHERE {_within(load, old)}")
        return old

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

    def _count(self, tx: Transaction, load: Load, table: Table) -> int:
        where = _within(load, table)
        counting = tx.db.execute(f"SELECT count(*) FROM {table.name.sql} WHERE {where}")
        ((rows,),) = counting.fetchall()  # a fetchone would leave the cursor busy
        return int(rows)


def _same(now: Table | None, before: Table | None) -> bool:
    """Whether it is the table that the file was read for; rows may have come meanwhile."""
    return (now and now.etag) == (before and before.etag)


def _within(load: Load, table: Table) -> str:
    """The rows that the load is about: all, or those of its partition."""
    part = table.partitioning
    if load.partition is None or part is None:
        return "true"
    column = f"CAST({quoted(part.column)} AS TIMESTAMP)"
    return f"strftime({column}, '{ID_FORMATS[part.unit]}') = '{load.partition}'"


def _fields(load: Load, old: Table | None, file: File) -> tuple[Field, ...]:
    """The columns to read. Raises Invalid, SchemaChangeRefused."""
    if load.fields:
        if old is not None and old.fields and not load.replaces_table:
            _check_fits(old, load.fields)
        return load.fields
    asked = load.autodetect or file.described
    if asked and (old is None or not old.fields or load.replaces_table):
        return _detected(file)
    if old is None or not old.fields:
        raise Invalid("No schema specified on job or table.", "schema")
    return old.fields


def _detected(file: File) -> tuple[Field, ...]:
    fields = file.detect()
    if not fields:
        raise Invalid("Schema has no fields: the file has no row to detect them from", "schema")
    return fields


def _check_fits(old: Table, fields: tuple[Field, ...]) -> None:
    """A load may not change the table that it adds to. Raises SchemaChangeRefused."""
    named = {column.name.lower(): column for column in fields}
    for column in old.fields:
        given = named.pop(column.name.lower(), None)
        if given is None and column.required:
            raise SchemaChangeRefused(
                str(old.name), f"Field {column.name} is missing in new schema"
            )
        if given is not None and _shape(given) != _shape(column):
            raise SchemaChangeRefused(
                str(old.name),
                f"Field {column.name} has changed from {column.mode} {column.type} to"
                f" {given.mode} {given.type}",
            )
    for column in named.values():
        raise SchemaChangeRefused(str(old.name), f"Cannot add fields (field: {column.name})")


def _shape(column: Field) -> Any:
    return column.name.lower(), column.type, column.mode, [_shape(f) for f in column.fields]


def _batches(
    load: Load, fields: tuple[Field, ...], file: File, check: Callable[[Mapping[str, Any]], None]
) -> Iterator[pa.Table]:
    rows = file.rows(fields, load.ignore_unknown, load.max_bad)
    while batch := list(islice(rows, _BATCH)):
        for row in batch:
            check(row)
        yield to_arrow(fields, batch)


def _partition_check(
    load: Load, old: Table | None, fields: tuple[Field, ...]
) -> Callable[[Mapping[str, Any]], None]:
    """What raises Invalid for a row that is not of the load's partition."""
    if load.partition is None:
        return lambda row: None
    part = old.partitioning if old is not None else _new_partitioning(load, fields)
    if part is None:
        raise NotSupported(f"partition {load.partition} of a table without a partition column")
    column, form = part.column, ID_FORMATS[part.unit]
    _check_id(load.partition, part.unit)

    def check(row: Mapping[str, Any]) -> None:
        value = row[column]
        if value is None or value.strftime(form) != load.partition:
            raise Invalid(
                "Some rows belong to different partitions rather than destination partition"
                f" {load.partition}"
            )

    return check


def _check_id(id_: str, unit: str) -> None:
    """Raises BadValue unless it is a partition id of this unit (`__NULL__` is not supported)."""
    form = ID_FORMATS[unit]
    try:
        known = datetime.strptime(id_, form).strftime(form) == id_
    except ValueError:
        known = False
    if not known:
        raise BadValue("destinationTable.tableId", f"${id_}", f"no id of a {unit} partition")


def _new_partitioning(
    load: Load, fields: tuple[Field, ...]
) -> partitioning.TimePartitioning | None:
    resource = load.layout.get("timePartitioning")
    return partitioning.parse(resource, fields) if resource else None
