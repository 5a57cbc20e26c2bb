"""INFORMATION_SCHEMA of a dataset, a region or a project, and __TABLES__, built when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog import information_views as views
from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.dataset import Dataset
from localgcp.bigquery.catalog.information_views import Row
from localgcp.bigquery.catalog.schema import arrow_type
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.errors import InvalidQuery, SqlNotSupported
from localgcp.bigquery.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT_REGION = "us"
_SAME = {"JOBS_BY_PROJECT": "JOBS", "JOBS_BY_USER": "JOBS"}


def is_of_project(view: str) -> bool:
    """Whether a view is of a region or a project, never of a dataset."""
    return _SAME.get(view, view) in views.OF_REGIONS


_OF_ROUTINES = ("ROUTINES", "ROUTINE_OPTIONS", "PARAMETERS")


class InformationSchema:
    """The views, by the names of their pages."""

    def __init__(self, store: Store, catalog: Catalog, sizes: Sizes) -> None:
        self._store, self._catalog, self._sizes = store, catalog, sizes
        self.jobs: Callable[[str], Iterable[Row]] = lambda project: ()
        self._of_tables: dict[str, Callable[[Table], Iterator[Row]]] = {
            "TABLES": views.of_table,
            "TABLE_OPTIONS": views.options_of_table,
            "VIEWS": views.of_view,
            "COLUMNS": views.columns_of,
            "COLUMN_FIELD_PATHS": views.field_paths_of,
            "PARTITIONS": self._partitions,
            "TABLE_STORAGE": self._storage,
            "__TABLES__": self._summary,
        }

    def __call__(self, project: str, scope: str | None, view: str) -> pa.Table:
        """One view's rows; `scope` is a dataset or region-LOCATION, None the project.

        Raises SqlNotSupported, InvalidQuery, DatasetNotFound.
        """
        import pyarrow as pa

        view = _SAME.get(view, view)
        if view not in views.COLUMNS:
            raise SqlNotSupported(f"INFORMATION_SCHEMA.{view}")
        region = scope is None or scope.lower().startswith("region-")
        _check_scope(view, scope, region)
        rows = list(self._rows(project, scope, view))
        layout = pa.schema([(field.name, arrow_type(field)) for field in views.COLUMNS[view]])
        return pa.Table.from_pylist(rows, layout)

    def _rows(self, project: str, scope: str | None, view: str) -> Iterable[Row]:
        if view == "JOBS":
            return self.jobs(project)
        datasets = self._datasets(project, scope)
        if view == "SCHEMATA":
            return map(views.of_dataset, datasets)
        if view == "SCHEMATA_OPTIONS":
            return chain.from_iterable(map(views.options_of_dataset, datasets))
        if view in _OF_ROUTINES and self._catalog.has_parts(datasets):
            raise SqlNotSupported(f"INFORMATION_SCHEMA.{view} where there is a routine")
        rows_of = self._of_tables.get(view)
        if rows_of is None:  # nothing of this kind can be made
            return ()
        tables = (t for d in datasets for t in self._catalog.list_tables(project, d.id))
        return chain.from_iterable(map(rows_of, tables))

    def _datasets(self, project: str, scope: str | None) -> list[Dataset]:
        if scope is not None and not scope.lower().startswith("region-"):
            return [self._catalog.dataset(project, scope)]
        region = (scope or f"region-{DEFAULT_REGION}").lower().removeprefix("region-")
        found = self._catalog.list_datasets(project)
        shown = (dataset for dataset in found if not dataset.id.startswith("_"))
        return [dataset for dataset in shown if dataset.location.lower() == region]

    def partition_ids(self, table: Table) -> list[tuple[str, int]]:
        """Each partition's id and number of rows, in order; rows without a value are __NULL__,
        those outside of all ranges __UNPARTITIONED__."""
        if table.partitioning is None:
            return []
        counting = f"SELECT {table.partitioning.id_sql} AS id, count(*) FROM {table.name.sql}"
        with self._store.read() as db:
            return db.execute(f"{counting} GROUP BY id ORDER BY id").fetchall()

    def _partitions(self, table: Table) -> Iterator[Row]:
        for id_, rows in self.partition_ids(table):
            yield views.identity(table) | {
                "partition_id": id_,
                "total_rows": rows,
                "last_modified_time": views.moment(table.modified_ms),
                "storage_tier": "ACTIVE",
            }

    def _storage(self, table: Table) -> Iterator[Row]:
        if table.is_view:
            return
        size = self._sizes.bytes(table)
        yield views.identity(table) | {
            "project_id": table.name.project,
            "creation_time": views.moment(table.created_ms),
            "total_rows": self._sizes.rows(table),
            "total_partitions": len(self.partition_ids(table)),
            "total_logical_bytes": size,
            "active_logical_bytes": size,
            "long_term_logical_bytes": 0,
            "storage_last_modified_time": views.moment(table.modified_ms),
            "deleted": False,
            "table_type": "BASE TABLE",
        }

    def _summary(self, table: Table) -> Iterator[Row]:
        name = table.name
        yield {
            "project_id": name.project,
            "dataset_id": name.dataset,
            "table_id": name.table,
            "creation_time": table.created_ms,
            "last_modified_time": table.modified_ms,
            "row_count": 0 if table.is_view else self._sizes.rows(table),
            "size_bytes": 0 if table.is_view else self._sizes.bytes(table),
            "type": 2 if table.is_view else 1,
        }


def _check_scope(view: str, scope: str | None, region: bool) -> None:
    """Refuse a view of something else. Raises InvalidQuery."""
    if view in views.OF_REGIONS and not region:
        raise InvalidQuery(f"INFORMATION_SCHEMA.{view} is not of a dataset: {scope}", "query")
    of_project = view in views.OF_REGIONS or (scope is not None and view not in views.OF_DATASETS)
    if region and not of_project:
        raise InvalidQuery(f"{view} must be qualified with a dataset", "query")
