"""INFORMATION_SCHEMA of a dataset: TABLES, VIEWS, COLUMNS and PARTITIONS, from the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.partitioning import ID_FORMATS
from localgcp.bigquery.catalog.schema import Field, arrow_type, quoted
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.errors import SqlNotSupported
from localgcp.bigquery.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

_STANDARD = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
_IDENTITY = ("table_catalog", "table_schema", "table_name")
_COLUMNS = {
    "TABLES": ("table_type", "is_insertable_into", "is_typed", "creation_time"),
    "VIEWS": ("view_definition", "check_option", "use_standard_sql"),
    "COLUMNS": (
        *("column_name", "ordinal_position", "is_nullable", "data_type"),
        *("is_partitioning_column", "clustering_ordinal_position"),
    ),
    "PARTITIONS": ("partition_id", "total_rows", "last_modified_time", "storage_tier"),
}
_TYPES = {
    **dict.fromkeys(("ordinal_position", "clustering_ordinal_position", "total_rows"), "INTEGER"),
    **dict.fromkeys(("creation_time", "last_modified_time"), "TIMESTAMP"),
}
Rows = Iterator[dict[str, Any]]


class InformationSchema:
    """The views of INFORMATION_SCHEMA, built when asked."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store, self._catalog = store, catalog
        self._rows = {
            "TABLES": self._table,
            "VIEWS": self._view,
            "COLUMNS": self._columns,
            "PARTITIONS": self._partitions,
        }

    def __call__(self, project: str, dataset: str, view: str) -> pa.Table:
        """One view's rows. Raises SqlNotSupported, DatasetNotFound."""
        import pyarrow as pa

        if view not in _COLUMNS:
            raise SqlNotSupported(f"INFORMATION_SCHEMA.{view}")
        rows_of, names = self._rows[view], (*_IDENTITY, *_COLUMNS[view])
        tables = self._catalog.list_tables(project, dataset)
        rows = [row for table in tables for row in rows_of(table)]
        fields = [Field(name, _TYPES.get(name, "STRING")) for name in names]
        layout = pa.schema([(field.name, arrow_type(field)) for field in fields])
        return pa.Table.from_pylist(rows, layout)

    def partition_ids(self, table: Table) -> list[tuple[str, int]]:
        """Each partition's id and number of rows, in order; rows without a date are __NULL__."""
        if table.partitioning is None:
            return []
        column, form = quoted(table.partitioning.column), ID_FORMATS[table.partitioning.unit]
        with self._store.read() as db:
            return db.execute(
                f"SELECT coalesce(strftime(CAST({column} AS TIMESTAMP), '{form}'), '__NULL__')"
                f" AS id, count(*) FROM {table.name.sql} GROUP BY id ORDER BY id"
            ).fetchall()

    def _identity(self, table: Table) -> dict[str, Any]:
        name = table.name
        return {
            "table_catalog": name.project,
            "table_schema": name.dataset,
            "table_name": name.table,
        }

    def _table(self, table: Table) -> Rows:
        yield self._identity(table) | {
            "table_type": "VIEW" if table.is_view else "BASE TABLE",
            "is_insertable_into": "NO" if table.is_view else "YES",
            "is_typed": "NO",
            "creation_time": _moment(table.created_ms),
        }

    def _view(self, table: Table) -> Rows:
        if table.is_view:
            yield self._identity(table) | {
                "view_definition": table.query,
                "use_standard_sql": "YES",
            }

    def _columns(self, table: Table) -> Rows:
        partition = table.partitioning.column if table.partitioning else None
        clustering = {name: place for place, name in enumerate(table.clustering, 1)}
        for place, field in enumerate(table.fields, 1):
            yield self._identity(table) | {
                "column_name": field.name,
                "ordinal_position": place,
                "is_nullable": "NO" if field.required else "YES",
                "data_type": standard_type(field),
                "is_partitioning_column": "YES" if field.name == partition else "NO",
                "clustering_ordinal_position": clustering.get(field.name),
            }

    def _partitions(self, table: Table) -> Rows:
        for id_, rows in self.partition_ids(table):
            yield self._identity(table) | {
                "partition_id": id_,
                "total_rows": rows,
                "last_modified_time": _moment(table.modified_ms),
                "storage_tier": "ACTIVE",
            }


def standard_type(field: Field) -> str:
    """GoogleSQL's name for a field's type: ARRAY<STRUCT<x INT64>>."""
    name = _STANDARD.get(field.type, field.type)
    limits = (field.length, field.precision, field.scale)
    if numbers := [str(limit) for limit in limits if limit is not None]:
        name += f"({', '.join(numbers)})"
    if field.fields:
        inner = ", ".join(f"{member.name} {standard_type(member)}" for member in field.fields)
        name = f"STRUCT<{inner}>"
    return f"ARRAY<{name}>" if field.repeated else name


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
