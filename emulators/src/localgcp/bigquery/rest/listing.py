"""tabledata.list, and the summary of partitions that `client.list_partitions` reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from localgcp.bigquery.catalog.schema import Field, quoted
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import BadValue, Invalid, NotSupported
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.service import Service

SUMMARY = "$__PARTITIONS_SUMMARY__"
_SUMMARY_FIELDS = tuple(
    Field(name, kind)
    for name, kind in (
        ("project_id", "STRING"),
        ("dataset_id", "STRING"),
        ("table_id", "STRING"),
        ("partition_id", "STRING"),
        ("creation_time", "INTEGER"),
        ("last_modified_time", "INTEGER"),
    )
)


class Listing:
    """Pages of a table's rows."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def rows(
        self, name: Name, *, selected: str | None, start: int, limit: int, int64_timestamps: bool
    ) -> dict[str, Any]:
        """A page, from row `start`. Raises TableNotFound, NotATable, BadValue."""
        if self.is_summary(name):
            return self._summary_rows(name, selected)
        if "$" in name.table:
            raise NotSupported(f"partition decorator in table {name.table}", "tableId")
        table = self._service.catalog.rows_of(name, "list the rows of")
        fields = _select(table.fields, selected.split(",")) if selected else table.fields
        columns = ", ".join(quoted(field.name) for field in fields)
        page: list[Any] = []
        total = self._service.figures.rows(table)
        if fields and limit:
            query = f"SELECT {columns} FROM {name.sql} LIMIT {limit} OFFSET {start}"
            with self._service.store.read() as db:
                page = encode(fields, db.sql(query).to_arrow_table(), int64_timestamps)
        return _answer(page, start, total)

    def is_summary(self, name: Name) -> bool:
        """Whether the name is that of a table's partitions."""
        return name.table.endswith(SUMMARY)

    def summary_table(self, name: Name) -> dict[str, Any]:
        """The Table resource of the summary. Raises TableNotFound, Invalid."""
        table = self._partitioned(name)
        location = self._service.catalog.dataset(name.project, name.dataset).location
        summary = replace(
            table, name=name, fields=_SUMMARY_FIELDS, partitioning=None, clustering=()
        )
        return summary.to_resource(location)

    def _partitioned(self, name: Name) -> Table:
        plain = replace(name, table=name.table.removesuffix(SUMMARY))
        table = self._service.catalog.rows_of(plain, "list the partitions of")
        if table.partitioning is None:
            raise Invalid(
                f"Cannot read partition information from a table that is not partitioned: {plain}"
            )
        return table

    def _summary_rows(self, name: Name, selected: str | None) -> dict[str, Any]:
        table = self._partitioned(name)
        wanted = selected.split(",") if selected else [f.name for f in _SUMMARY_FIELDS]
        rows = []
        for id_, _ in self._service.queries.information_schema.partition_ids(table):
            values = {
                "project_id": name.project,
                "dataset_id": name.dataset,
                "table_id": table.name.table,
                "partition_id": id_,
                "creation_time": str(table.created_ms),
                "last_modified_time": str(table.modified_ms),
            }
            rows.append({"f": [{"v": values[key]} for key in values if key in wanted]})
        return _answer(rows, 0, len(rows))


def _answer(page: list[Any], start: int, total: int) -> dict[str, Any]:
    answer = {"kind": "bigquery#tableDataList", "totalRows": str(total), "rows": page}
    more = page and start + len(page) < total
    return answer | ({"pageToken": str(start + len(page))} if more else {})


def _select(fields: tuple[Field, ...], paths: list[str]) -> tuple[Field, ...]:
    """The fields that `a,b.c` picks, in the schema's order. Raises BadValue for an unknown one."""
    chosen: dict[str, list[str]] = {}
    for path in paths:
        head, _, rest = path.strip().partition(".")
        chosen.setdefault(head.lower(), []).append(rest)
    known = {field.name.lower() for field in fields}
    for head in chosen:
        if head not in known:
            raise BadValue("selectedFields", head, "the schema has no such field")
    picked = []
    for field in fields:
        inner = chosen.get(field.name.lower())
        if inner is None:
            continue
        whole = "" in inner
        picked.append(field if whole else replace(field, fields=_select(field.fields, inner)))
    return tuple(picked)
