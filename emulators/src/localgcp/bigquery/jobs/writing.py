"""Where the rows of a query go: a new table, or one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog import table as tables
from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.schema import Field, quoted, to_resource
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import BadValue, NotFound, TableExists
from localgcp.bigquery.jobs import load_schema
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.jobs.results import bind
from localgcp.bigquery.rows.partition import Into, check, within
from localgcp.bigquery.store import Transaction

if TYPE_CHECKING:
    from localgcp.bigquery.googlesql.statements import Translation


class Writing:
    """Makes tables and fills them, within a transaction."""

    def __init__(self, catalog: Catalog, sizes: Sizes) -> None:
        self._catalog, self._sizes = catalog, sizes

    def destination(self, tx: Transaction, query: Query, fields: tuple[Field, ...]) -> Table:
        """The destination of a query, made, emptied or as it is. Raises NotFound, TableExists."""
        name = query.destination
        assert name is not None
        try:
            table = self._catalog.rows_of(name, "write a result to")
        except NotFound:
            if query.create == "CREATE_NEVER":
                raise
            return self.create(tx, name, query.layout, fields)
        check(query.partition, table.partitioning)
        if query.write == "WRITE_EMPTY" and self._count(tx, table, query.partition):
            raise TableExists(name.project, name.dataset, name.table)
        if query.write == "WRITE_TRUNCATE" and query.partition is not None:
            where = within(query.partition, table.partitioning)
            tx.db.execute(f"DELETE FROM {name.sql} WHERE {where}")
            return table
        if query.write == "WRITE_TRUNCATE" and query.layout:
            tx.db.execute(f"DROP TABLE {name.sql}")
            made = self.create(tx, name, query.layout, fields, True)
            return replace(made, created_ms=table.created_ms, policy=table.policy)
        if query.layout and tables.apply(table, query.layout, table.modified_ms) != table:
            raise BadValue("query", dict(query.layout), f"{name} is laid out otherwise")
        if query.write == "WRITE_TRUNCATE":
            tx.db.execute(f"DROP TABLE {name.sql}")
            fresh = replace(table, fields=fields)
            self._catalog.make_rows(tx, fresh)
            self._catalog.write_table(tx, fresh)
            return fresh
        return self._grown(tx, table, query, fields)

    def _grown(
        self, tx: Transaction, table: Table, query: Query, fields: tuple[Field, ...]
    ) -> Table:
        """The table with what the schemaUpdateOptions let the result's columns add to it."""
        if not query.updates:
            return table
        after = load_schema.widened(str(table.name), table.fields, fields, query.updates)
        grown = self._catalog.alter_in(tx, table, after)
        self._catalog.write_table(tx, grown)
        return grown

    @staticmethod
    def _count(tx: Transaction, table: Table, partition: str | None) -> int:
        where = within(partition, table.partitioning)
        counting = f"SELECT count(*) FROM {table.name.sql} WHERE {where}"
        ((rows,),) = tx.db.execute(counting).fetchall()
        return int(rows)

    def create(
        self,
        tx: Transaction,
        name: Name,
        resource: Mapping[str, Any],
        fields: tuple[Field, ...],
        replacing: bool = False,
    ) -> Table:
        """A new table or view of these columns."""
        full = {
            "schema": {"fields": to_resource(fields)},
            **resource,
            "tableReference": {"tableId": name.table},
        }
        table = self._catalog.new_table(name.project, name.dataset, full)
        self._catalog.create_in(tx, table, replacing)
        return table

    def insert(
        self,
        tx: Transaction,
        table: Table,
        fields: tuple[Field, ...],
        translation: Translation,
        partition: str | None = None,
    ) -> int:
        """Put the rows of a query into columns of a table, and say how many they are.

        Raises Invalid for a row that is not of the `partition`.
        """
        columns = ", ".join(quoted(column.name) for column in fields)
        bind(tx.db, translation)
        into = Into(tx, table, partition)
        rows = into.insert(columns, translation.sql, translation.values)
        tx.after.append(lambda: self._sizes.forget(table))
        return rows
