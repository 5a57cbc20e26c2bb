"""Rows by pages: of tables, of results, and of the partitions that `list_partitions` reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.schema import Field, quoted
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import BadValue, Invalid
from localgcp.bigquery.jobs.anonymous import name_of
from localgcp.bigquery.jobs.job import Job
from localgcp.bigquery.jobs.query import Outcome
from localgcp.bigquery.jobs.results import first_bytes
from localgcp.bigquery.rest.call import undecorated
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.rows.partition import check, within
from localgcp.bigquery.service import Service

if TYPE_CHECKING:
    import pyarrow as pa

MAX_PAGE_BYTES = 10_000_000  # jobs.query, maxResults: "responses are also limited to 10 MB"
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


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows in their order: `start` is the place of the first, `total` counts all."""

    fields: tuple[Field, ...]
    rows: pa.Table
    start: int
    total: int

    @property
    def token(self) -> str | None:
        """What asks for the next page; None on the last one."""
        end = self.start + int(self.rows.num_rows)
        return str(end) if self.start < end < self.total else None


class Listing:
    """Pages of a table's or a result's rows."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def rows(
        self, name: Name, *, selected: str | None, start: int, limit: int, int64_timestamps: bool
    ) -> dict[str, Any]:
        """A page, from row `start`. Raises TableNotFound, NotATable, BadValue."""
        if self.is_summary(name):
            return self._summary_rows(name, selected)
        name, partition = undecorated(name)
        page = self._page(name, selected, start, limit, partition=partition)
        return {
            "kind": "bigquery#tableDataList",
            "totalRows": str(page.total),
            "rows": encode(page.fields, page.rows, int64_timestamps),
        } | ({"pageToken": page.token} if page.token else {})

    def result(self, job: Job, start: int, limit: int) -> Page | None:
        """A page of what a query came to; None for a statement that gives no rows.

        Raises TableNotFound for a result that is past its time, or whose table is gone.
        """
        outcome = job.outcome
        if not isinstance(outcome, Outcome) or outcome.kind != "SELECT" or outcome.dry_run:
            return None
        if outcome.rows is not None:
            return _cut(outcome.fields, outcome.rows, start, limit)
        return self._page(outcome.target or name_of(job), None, start, limit)

    def whole(self, job: Job, limit: int) -> Page | None:
        """All rows of what a query came to; None if there are none, or more than `limit` bytes.

        Raises what `result` raises.
        """
        outcome = job.outcome
        if not isinstance(outcome, Outcome) or outcome.kind != "SELECT" or outcome.dry_run:
            return None
        if outcome.rows is not None:
            rows = outcome.rows
            whole = Page(outcome.fields, rows, 0, int(rows.num_rows))
            return whole if rows.nbytes <= limit else None
        if outcome.target is None:
            return None
        table = self._service.catalog.rows_of(outcome.target, "list the rows of")
        if self._service.sizes.bytes(table) > limit:
            return None
        page = self._page(outcome.target, None, 0, self._service.sizes.rows(table), limit)
        return None if page.token else page

    def _page(
        self,
        name: Name,
        selected: str | None,
        start: int,
        limit: int,
        size: int = MAX_PAGE_BYTES,
        partition: str | None = None,
    ) -> Page:
        if name.is_anonymous:
            table, rows = self._service.anonymous.find(name)
            fields = _select(table.fields, selected.split(",")) if selected else table.fields
            return _cut(fields, rows.select([f.name for f in fields]), start, limit)
        table = self._service.catalog.rows_of(name, "list the rows of")
        fields = _select(table.fields, selected.split(",")) if selected else table.fields
        check(partition, table.partitioning)
        where = within(partition, table.partitioning)
        columns = ", ".join(quoted(field.name) for field in fields) or "NULL"
        rows_of = f"FROM {name.sql} WHERE {where}"
        query = f"SELECT {columns} {rows_of} LIMIT {limit} OFFSET {start}"
        with self._service.store.read() as db:
            ((total,),) = db.execute(f"SELECT count(*) {rows_of}").fetchall()
            rows = first_bytes(db.sql(query), size)
        return Page(fields, rows if fields else rows.select([]), start, total)

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
        return {"kind": "bigquery#tableDataList", "totalRows": str(len(rows)), "rows": rows}


def _cut(fields: tuple[Field, ...], rows: pa.Table, start: int, limit: int) -> Page:
    """A page of rows in memory: at least one row, and otherwise at most MAX_PAGE_BYTES."""
    page = rows.slice(start, limit)
    while page.num_rows > 1 and page.nbytes > MAX_PAGE_BYTES:
        page = page.slice(0, max(1, page.num_rows * MAX_PAGE_BYTES // page.nbytes))
    return Page(fields, page, start, int(rows.num_rows))


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
