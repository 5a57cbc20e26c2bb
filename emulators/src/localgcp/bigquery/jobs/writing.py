"""Where the rows of a query go: a new table, or one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.schema import Field, quoted, to_resource
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import NotFound, TableExists
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.jobs.results import bind
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
            return self.create(tx, name, {}, fields)
        if query.write == "WRITE_TRUNCATE":
            tx.db.execute(f"DROP TABLE {name.sql}")
            fresh = replace(table, fields=fields)
            self._catalog.make_rows(tx, fresh)
            self._catalog.write_table(tx, fresh)
            return fresh
        if query.write == "WRITE_EMPTY" and self._sizes.rows(table):
            raise TableExists(name.project, name.dataset, name.table)
        return table

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
        self, tx: Transaction, table: Table, fields: tuple[Field, ...], translation: Translation
    ) -> int:
        """Put the rows of a query into columns of a table, and say how many they are."""
        columns = ", ".join(quoted(column.name) for column in fields)
        bind(tx.db, translation)
        statement = f"INSERT INTO {table.name.sql} ({columns}) {translation.sql}"
        row = tx.db.execute(statement, dict(translation.values)).fetchone()
        tx.after.append(lambda: self._sizes.forget(table))
        return int(row[0]) if row else 0
