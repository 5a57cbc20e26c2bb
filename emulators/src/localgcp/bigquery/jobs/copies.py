"""Copy jobs: the rows of one table or of several, with their layout, into another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.schema import Field, quoted
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import BadValue, NotFound, SchemaChangeRefused, TableExists
from localgcp.bigquery.store import Store, Transaction

_LAYOUT = ("schema", "timePartitioning", "clustering", "requirePartitionFilter")


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy: where the rows come from and where they go."""

    project: str
    sources: tuple[Name, ...]
    destination: Name
    write: str = "WRITE_EMPTY"
    create: str = "CREATE_IF_NEEDED"


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
            raise BadValue("copy.destinationTable", str(copy.destination), "it is a source, too")
        with self._store.write() as tx:
            sources = [self._catalog.rows_of(name, "copy") for name in copy.sources]
            for other in sources[1:]:
                _check_same(sources[0], other.fields)
            size = sum(self._sizes.bytes(source) for source in sources)
            table = self._prepare(tx, copy, sources[0])
            rows = sum(_pour(tx, source, table) for source in sources)
            self._catalog.write_table(tx, replace(table, modified_ms=self._catalog.now_ms()))
            tx.after.append(lambda: self._sizes.forget(table))
        return Copied(rows, size)

    def _prepare(self, tx: Transaction, copy: Copy, source: Table) -> Table:
        """The table that takes the rows, as it is before they come."""
        name = copy.destination
        try:
            old = self._catalog.rows_of(name, "copy into")
        except NotFound:
            if copy.create == "CREATE_NEVER":
                raise
            return self._make(tx, name, source)
        if copy.write == "WRITE_EMPTY" and self._sizes.rows(old):
            raise TableExists(name.project, name.dataset, name.table)
        if copy.write == "WRITE_TRUNCATE" or not old.fields:
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


def _pour(tx: Transaction, source: Table, table: Table) -> int:
    columns = ", ".join(quoted(field.name) for field in table.fields)
    if not columns:
        return 0
    inserting = f"INSERT INTO {table.name.sql} ({columns}) SELECT {columns} FROM {source.name.sql}"
    ((rows,),) = tx.db.execute(inserting).fetchall()
    return int(rows)


def _check_same(table: Table, fields: tuple[Field, ...]) -> None:
    """Compare the schemas of source and destination.

    Raises SchemaChangeRefused unless the fields are the table's own, in any order.
    """
    if sorted(map(_shape, table.fields)) != sorted(map(_shape, fields)):
        raise SchemaChangeRefused(str(table.name), "Source and destination schemas differ")


def _shape(field: Field) -> tuple[object, ...]:
    return field.name.lower(), field.type, field.repeated, tuple(map(_shape, field.fields))
