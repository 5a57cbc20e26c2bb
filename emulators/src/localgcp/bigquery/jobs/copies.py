"""Copy jobs: rows of a table or of several, with their layout, into another; snapshots, clones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.partitioning import PSEUDO
from localgcp.bigquery.catalog.schema import Field, quoted
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Origin, Table
from localgcp.bigquery.errors import BadValue, NotFound, SchemaChangeRefused, TableExists
from localgcp.bigquery.rows.partition import Into, check, within
from localgcp.bigquery.store import Store, Transaction

_LAYOUT = (
    *("schema", "timePartitioning", "rangePartitioning", "clustering"),
    "requirePartitionFilter",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A table, or one partition of it."""

    name: Name
    partition: str | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy: where the rows come from and where they go.

    `operation` is COPY, SNAPSHOT, CLONE or RESTORE (JobConfigurationTableCopy, operationType).
    """

    project: str
    sources: tuple[Place, ...]
    destination: Place
    write: str = "WRITE_EMPTY"
    create: str = "CREATE_IF_NEEDED"
    operation: str = "COPY"
    expiration_ms: int | None = None  # of the destination


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy came to; `size` is in logical bytes."""

    rows: int
    size: int


class Copies:
    """Copies tables, each copy in one transaction."""

    def __init__(self, store: Store, catalog: Catalog, sizes: Sizes) -> None:
        self._store, self._catalog, self._sizes = store, catalog, sizes

    def run(self, copy: Copy) -> Copied:
        """All of the rows or nothing.

        Raises NotFound, NotATable, TableExists, SchemaChangeRefused, BadValue.
        """
        if copy.write == "WRITE_TRUNCATE" and copy.destination in copy.sources:
            raise BadValue("copy.destinationTable", str(copy.destination.name), "it is a source")
        with self._store.write() as tx:
            sources = [self._catalog.rows_of(place.name, "copy") for place in copy.sources]
            for other in sources[1:]:
                _check_same(sources[0], other.fields)
            for place, source in zip(copy.sources, sources, strict=True):
                check(place.partition, source.partitioning)
            _check_operation(copy, sources)
            size = sum(self._sizes.bytes(source) for source in sources)
            table = self._prepare(tx, copy, sources[0])
            into = Into(tx, table, copy.destination.partition)
            pairs = zip(copy.sources, sources, strict=True)
            rows = sum(_pour(into, place, source, table) for place, source in pairs)
            table = self._marked(copy, sources[0], table)
            self._catalog.write_table(tx, replace(table, modified_ms=self._catalog.now_ms()))
            tx.after.append(lambda: self._sizes.forget(table))
        return Copied(rows, size)

    def _marked(self, copy: Copy, source: Table, table: Table) -> Table:
        """The table with what it is a snapshot or a clone of."""
        if copy.expiration_ms is not None:
            table = replace(table, expiration_ms=copy.expiration_ms)
        origin = Origin(source.name, self._catalog.now_ms())
        if copy.operation == "SNAPSHOT":
            return replace(table, snapshot=origin)
        return replace(table, clone=origin) if copy.operation == "CLONE" else table

    def _prepare(self, tx: Transaction, copy: Copy, source: Table) -> Table:
        """The table that takes the rows, as it is before they come."""
        name, partition = copy.destination.name, copy.destination.partition
        if copy.operation == "SNAPSHOT" and self._catalog.has(name):
            raise TableExists(name.project, name.dataset, name.table)
        try:
            old = self._catalog.rows_of(name, "copy into")
        except NotFound:
            if copy.create == "CREATE_NEVER":
                raise
            return self._make(tx, name, source)
        check(partition, old.partitioning)
        if copy.operation == "CLONE" and copy.write != "WRITE_TRUNCATE":
            raise TableExists(name.project, name.dataset, name.table)
        where = within(partition, old.partitioning)
        if copy.write == "WRITE_EMPTY" and _count(tx, old, where):
            raise TableExists(name.project, name.dataset, name.table)
        if copy.write == "WRITE_TRUNCATE" and partition is not None:
            tx.db.execute(f"DELETE FROM {name.sql} WHERE {where}")
        elif copy.write == "WRITE_TRUNCATE" or not old.fields:
            tx.db.execute(f"DROP TABLE {name.sql}")
            made = self._make(tx, name, source, True)
            return replace(made, created_ms=old.created_ms, policy=old.policy)
        _check_same(old, source.fields)
        return old

    def _make(self, tx: Transaction, name: Name, source: Table, replacing: bool = False) -> Table:
        layout = {key: value for key, value in source.settings().items() if key in _LAYOUT}
        reference: dict[str, Any] = {"tableReference": {"tableId": name.table}}
        table = self._catalog.new_table(name.project, name.dataset, layout | reference)
        self._catalog.create_in(tx, table, replacing)
        return table


def _check_operation(copy: Copy, sources: list[Table]) -> None:
    """Look whether the operation is one for these tables. Raises BadValue.

    Source: Introduction to table snapshots, Introduction to table clones.
    """
    if copy.operation == "COPY":
        return
    if len(sources) != 1 or any(p.partition for p in (*copy.sources, copy.destination)):
        raise BadValue("copy.sourceTables", len(sources), f"a {copy.operation} is of one table")
    if (copy.operation == "RESTORE") and sources[0].snapshot is None:
        raise BadValue("copy.sourceTable", str(sources[0].name), "a RESTORE is of a snapshot")


def _count(tx: Transaction, table: Table, where: str) -> int:
    ((rows,),) = tx.db.execute(f"SELECT count(*) FROM {table.name.sql} WHERE {where}").fetchall()
    return int(rows)


def _pour(into: Into, place: Place, source: Table, table: Table) -> int:
    names = [quoted(field.name) for field in table.fields]
    if not names:
        return 0
    if source.is_ingested and table.is_ingested and into.partition is None:
        names.append(PSEUDO)  # each row stays in its partition
    columns, where = ", ".join(names), within(place.partition, source.partitioning)
    return into.insert(columns, f"SELECT {columns} FROM {source.name.sql} WHERE {where}", {})


def _check_same(table: Table, fields: tuple[Field, ...]) -> None:
    """Compare the schemas of source and destination.

    Raises SchemaChangeRefused unless the fields are the table's own, in any order.
    """
    if sorted(map(_shape, table.fields)) != sorted(map(_shape, fields)):
        raise SchemaChangeRefused(str(table.name), "Source and destination schemas differ")


def _shape(field: Field) -> tuple[object, ...]:
    return field.name.lower(), field.type, field.repeated, tuple(map(_shape, field.fields))
