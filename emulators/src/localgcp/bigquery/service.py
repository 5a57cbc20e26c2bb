"""The parts of the domain put together over one store."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.dataset import Dataset
from localgcp.bigquery.catalog.expiry import Expiry
from localgcp.bigquery.catalog.routines import StoredRoutines
from localgcp.bigquery.catalog.schema import to_resource
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Table, apply
from localgcp.bigquery.googlesql.macros import MACROS
from localgcp.bigquery.jobs import job_rows
from localgcp.bigquery.jobs.anonymous import AnonymousTables
from localgcp.bigquery.jobs.copies import Copies
from localgcp.bigquery.jobs.extracts import Extracts
from localgcp.bigquery.jobs.journal import Journal
from localgcp.bigquery.jobs.loads import Loads
from localgcp.bigquery.jobs.objects import Objects
from localgcp.bigquery.jobs.queries import Queries
from localgcp.bigquery.jobs.query import Outcome
from localgcp.bigquery.jobs.registry import Jobs
from localgcp.bigquery.rows import partition
from localgcp.bigquery.rows.insert_ids import InsertIds
from localgcp.bigquery.rows.streaming import Streaming
from localgcp.bigquery.store import MEMORY_LIMIT, Store
from localgcp.bigquery.streams.read_sessions import ReadSessions
from localgcp.bigquery.streams.write_streams import WriteStreams

if TYPE_CHECKING:
    import pyarrow as pa

    from localgcp.bigquery.googlesql.reference.client import Reference

JOBS = "jobs.jsonl"


class Service:
    """One BigQuery: `clock` gives seconds since the epoch, `uptime` those that it has run."""

    def __init__(
        self,
        path: Path | None,
        clock: Callable[[], float] = time.time,
        uptime: Callable[[], float] = time.monotonic,
        memory_limit: int = MEMORY_LIMIT,
        storage: Callable[[], str | None] = lambda: None,
        reference: Reference | None = None,
    ) -> None:
        """Open the database file (None: in memory). Raises StoreBusy.

        `storage` gives the base URL of Cloud Storage, where jobs read and write objects. Without a
        `reference` evaluator what DuckDB cannot do is refused.
        """
        self.store = Store(path, memory_limit, MACROS)
        self.catalog = Catalog(self.store, clock)
        self.sizes = Sizes(self.store)
        self.insert_ids = InsertIds(self.store, uptime)
        self.streaming = Streaming(self.store, self.catalog, self.sizes, clock, self.insert_ids)
        self.routines = StoredRoutines(self.store, self.catalog)
        parts, objects = (self.store, self.catalog, self.sizes), Objects(storage)
        self.queries = Queries(*parts, self.routines, objects, reference)
        self.expiry = Expiry(*parts)
        self.loads, copies = Loads(*parts, objects), Copies(*parts)
        extracts = Extracts(*parts, objects, self._held)
        now_ms, memory = self.catalog.now_ms, 2 * memory_limit
        journal = Journal(path.with_name(JOBS) if path is not None else None)
        work = (self.queries, self.loads, copies, extracts)
        self.jobs = Jobs(*work, now_ms, self.bytes_read, memory, journal)
        self.queries.information_schema.jobs = partial(job_rows.rows, self.jobs)
        self.anonymous = AnonymousTables(self.jobs)
        self.write_streams = WriteStreams(*parts)
        self.read_sessions = ReadSessions(*parts, self.queries, self._held)

    def _held(self, name: Name) -> tuple[Table, pa.Table]:
        return self.anonymous.find(name)

    def dataset(self, project: str, id_: str) -> Dataset:
        """One dataset, that of queries' results included. Raises NotFound."""
        results = self.anonymous.dataset(project) if id_.startswith("_") else None
        return results if results and results.id == id_ else self.catalog.dataset(project, id_)

    def create_table(self, project: str, dataset: str, resource: Mapping[str, Any]) -> Table:
        """Make a table, or a view, whose schema is then that of its query."""
        table = self.catalog.new_table(project, dataset, resource)
        return self.catalog.create_table(self._with_view_fields(table))

    def change_table(self, name: Name, resource: Mapping[str, Any], etag: str | None) -> Table:
        """Patch a table or a view."""
        if resource.get("view"):
            now = apply(self.catalog.table(name), resource, 0)
            fields = to_resource(self.queries.view_fields(now))
            resource = {**resource, "schema": {"fields": fields}}
        return self.catalog.change_table(name, resource, etag)

    def delete_partition(self, name: Name, id_: str) -> None:
        """Delete the rows of a partition. Raises NotFound, NotATable, BadValue."""
        with self.store.write() as tx:
            table = self.catalog.rows_of(name, "delete rows of")
            partition.check(id_, table.partitioning)
            where = partition.within(id_, table.partitioning)
            tx.db.execute(f"DELETE FROM {name.sql} WHERE {where}")
            self.catalog.touch(tx, table)
            tx.after.append(lambda: self.sizes.forget(table))

    def _with_view_fields(self, table: Table) -> Table:
        if not table.is_view:
            return table
        return replace(table, fields=self.queries.view_fields(table))

    def sweep(self) -> None:
        """Delete what is past its time."""
        self.expiry.sweep()
        self.insert_ids.sweep()
        self.jobs.sweep()
        self.write_streams.sweep()
        self.read_sessions.sweep()

    def bytes_read(self, outcome: Outcome) -> int:
        """Bytes of what a statement read: of all its tables, if it is not known of which part."""
        if outcome.reads is not None:
            of = self.sizes.part
            return sum(of(r.table, r.columns, r.partitions, r.values) for r in outcome.reads)
        names = {table.name: table for table in outcome.tables if not table.is_view}
        return sum(self.sizes.known_bytes(table) for table in names.values())

    def close(self) -> None:
        """End the jobs and let the file go."""
        self.jobs.close()
        self.store.close()
