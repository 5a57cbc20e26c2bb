"""BigQuery's methods: each parses its request, calls the domain, and writes the answer."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from localgcp.bigquery.catalog import resource as res
from localgcp.bigquery.catalog.dataset import Dataset
from localgcp.bigquery.catalog.figures import logical_bytes
from localgcp.bigquery.catalog.table import Table, anonymous_dataset
from localgcp.bigquery.errors import JobExists
from localgcp.bigquery.jobs.queries import Outcome, Query
from localgcp.bigquery.jobs.registry import Job
from localgcp.bigquery.rest import wire, wire_job
from localgcp.bigquery.rest.call import (
    Call,
    as_int64,
    int64_timestamps,
    label_filter,
    page_of,
    plain,
    some,
)
from localgcp.bigquery.rest.listing import Listing
from localgcp.bigquery.rest.policies import Policies
from localgcp.bigquery.rest.whole import MAX_WHOLE_BYTES, whole_json
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.service import Service

DEFAULT_TIMEOUT_MS = 10_000
MAX_WAIT_MS = 60_000


Answer = dict[str, Any] | None


class Api:
    """The methods, by their names in the REST reference."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._catalog, self._jobs = service.catalog, service.jobs
        self._listing = Listing(service)
        self.policies = Policies(service.catalog)

    # projects and datasets

    def projects_list(self, call: Call) -> Answer:
        """The projects that have a dataset."""
        projects = [
            {
                "kind": "bigquery#project",
                "id": project,
                "friendlyName": project,
                "numericId": str(zlib.crc32(project.encode())),
                "projectReference": {"projectId": project},
            }
            for project in self._catalog.projects()
        ]
        answer = {"kind": "bigquery#projectList", "projects": projects}
        return answer | {"totalItems": len(projects)}

    def projects_get_service_account(self, call: Call) -> Answer:
        """The account that BigQuery would use for KMS: here a name that nobody has."""
        email = f"bq-{call.path['project']}@bigquery-encryption.local"
        return {"kind": "bigquery#getServiceAccountResponse", "email": email}

    def datasets_list(self, call: Call) -> Answer:
        """Datasets of a project, page by page."""
        found = self._catalog.list_datasets(call.path["project"])
        if call.query.get("all", "").lower() == "true":
            results = self._service.anonymous.dataset(call.path["project"])
            found += [results] if results else []
        else:  # a name that begins with an underscore hides a dataset
            found = [dataset for dataset in found if not dataset.id.startswith("_")]
        keys = ("kind", "id", "datasetReference", "location", "labels", "friendlyName")
        wanted = label_filter(call)
        rows = [some(dataset.to_resource(), keys) for dataset in found if wanted(dataset.labels)]
        return {"kind": "bigquery#datasetList"} | page_of(call, "datasets", rows)

    def datasets_insert(self, call: Call) -> Answer:
        """Make a dataset."""
        return self._catalog.create_dataset(call.path["project"], call.body).to_resource()

    def datasets_get(self, call: Call) -> Answer:
        """One dataset."""
        return self._dataset(call).to_resource()

    def datasets_patch(self, call: Call) -> Answer:
        """Change what the body names."""
        path = call.path
        changed = self._catalog.change_dataset(
            path["project"], path["dataset"], call.body, call.if_match
        )
        return changed.to_resource()

    def datasets_update(self, call: Call) -> Answer:
        """Replace all that a client may set."""
        keys = ("description", "friendlyName", "labels", "defaultTableExpirationMs")
        body = {**dict.fromkeys((*keys, "defaultPartitionExpirationMs")), **call.body}
        return self.datasets_patch(replace(call, body=body))

    def datasets_delete(self, call: Call) -> Answer:
        """Delete a dataset; with deleteContents its tables, too."""
        contents = call.query.get("deleteContents", "").lower() == "true"
        self._catalog.delete_dataset(call.path["project"], call.path["dataset"], contents)
        return None

    def _dataset(self, call: Call) -> Dataset:
        project, id_ = call.path["project"], call.path["dataset"]
        results = self._service.anonymous.dataset(project) if id_.startswith("_") else None
        return results if results and results.id == id_ else self._catalog.dataset(project, id_)

    # tables

    def tables_list(self, call: Call) -> Answer:
        """Tables and views of a dataset, page by page."""
        dataset = self._dataset(call)
        keys = ("kind", "id", "tableReference", "type", "labels", "timePartitioning")
        more = ("clustering", "creationTime", "expirationTime", "friendlyName", "view")
        if dataset.id == anonymous_dataset(dataset.project):
            tables = self._service.anonymous.tables(dataset.project)
        else:
            tables = self._catalog.list_tables(dataset.project, dataset.id)
        rows = [some(table.to_resource(dataset.location), keys + more) for table in tables]
        for row in rows:
            if "view" in row:
                row["view"] = {"useLegacySql": False}
        answer = {"kind": "bigquery#tableList"} | page_of(call, "tables", rows)
        return answer | {"totalItems": len(rows)}

    def tables_insert(self, call: Call) -> Answer:
        """Make a table or a view."""
        made = self._service.create_table(call.path["project"], call.path["dataset"], call.body)
        return self._table_resource(made)

    def tables_get(self, call: Call) -> Answer:
        """One table, with its rows and bytes as of now."""
        if self._listing.is_summary(call.name):
            return self._listing.summary_table(call.name)
        if call.name.is_anonymous:
            table, held = self._service.anonymous.find(call.name)
            size = sum(logical_bytes(chunk) for c in held.columns for chunk in c.chunks)
            return table.to_resource("US") | _figures(held.num_rows, size)
        return self._table_resource(self._catalog.table(plain(call.name)))

    def tables_patch(self, call: Call) -> Answer:
        """Change what the body names; a schema may only grow and relax."""
        changed = self._service.change_table(plain(call.name), call.body, call.if_match)
        return self._table_resource(changed)

    def tables_update(self, call: Call) -> Answer:
        """Replace all that a client may set."""
        keys = ("description", "friendlyName", "labels", "clustering", "expirationTime")
        body = {**dict.fromkeys(keys), **call.body}
        return self.tables_patch(replace(call, body=body))

    def tables_delete(self, call: Call) -> Answer:
        """Delete a table and its rows."""
        self._catalog.delete_table(plain(call.name))
        return None

    def _table_resource(self, table: Table) -> dict[str, Any]:
        name = table.name
        resource = table.to_resource(self._catalog.dataset(name.project, name.dataset).location)
        if table.is_view:
            return resource
        rows, size = self._service.figures.rows(table), self._service.figures.bytes(table)
        return resource | _figures(rows, size)

    # tabledata

    def tabledata_insert_all(self, call: Call) -> Answer:
        """Stream rows in."""
        known = ("kind", "rows", "skipInvalidRows", "ignoreUnknownValues", "traceId")
        res.check_keys("insertAll request", call.body, (*known, "templateSuffix"), ())
        errors = self._service.streaming.insert_all(
            plain(call.name),
            wire.insert_rows(call.body),
            skip_invalid=bool(call.body.get("skipInvalidRows")),
            ignore_unknown=bool(call.body.get("ignoreUnknownValues")),
        )
        return wire.insert_response(errors)

    def tabledata_list(self, call: Call) -> Answer:
        """Rows of a table in the order they came, page by page."""
        start = call.number("startIndex", 0) if not call.query.get("pageToken") else 0
        return self._listing.rows(
            call.name,
            selected=call.query.get("selectedFields"),
            start=call.number("pageToken", start),
            limit=call.number("maxResults", wire.PAGE_ROWS),
            int64_timestamps=int64_timestamps(call),
        )

    # jobs

    def jobs_query(self, call: Call) -> Answer:
        """Run a query and wait for it, at most timeoutMs; requestId makes a retry the same job."""
        query = wire.read_query(call.path["project"], call.body)
        int64 = as_int64(call.body.get("formatOptions") or {})
        configuration = {"query": dict(call.body), "dryRun": query.dry_run}
        location = str(call.body.get("location") or "US")
        request = call.body.get("requestId")
        try:
            id_ = f"job_{request}" if request else None
            job = self._jobs.submit(query, configuration, location, id_)
        except JobExists:
            job = self._jobs.get(query.project, str(id_))
        self._wait(job, res.integer(call.body.get("timeoutMs") or DEFAULT_TIMEOUT_MS, "timeoutMs"))
        kind, limit = "bigquery#queryResponse", call.body.get("maxResults")
        if limit is None:
            return self._whole(kind, job, int64) or self._rows(kind, job, 0, wire.PAGE_ROWS, int64)
        return self._rows(kind, job, 0, res.integer(limit, "maxResults"), int64)

    def jobs_get_query_results(self, call: Call) -> Answer:
        """A page of a job's result; waits for the job, at most timeoutMs.

        Asked for no rows from no certain place, as the Python client does to wait, it gives all if
        they are not too many, with TIMESTAMPs in microseconds, which that client takes for granted.
        """
        job = self._job(call)
        self._wait(job, call.number("timeoutMs", DEFAULT_TIMEOUT_MS))
        start = call.number("startIndex", 0) if not call.query.get("pageToken") else 0
        start, limit = call.number("pageToken", start), call.number("maxResults", wire.PAGE_ROWS)
        kind = "bigquery#getQueryResultsResponse"
        if limit == 0 and not call.query.get("startIndex") and not call.query.get("pageToken"):
            return self._whole(kind, job, True) or self._rows(kind, job, 0, 0, True)
        return self._rows(kind, job, start, limit, int64_timestamps(call))

    def _rows(self, kind: str, job: Job, start: int, limit: int, int64: bool) -> Answer:
        """A page of the result, or that the query runs on. Raises the job's own error."""
        if not self._ended(job):
            return wire.pending_response(kind, job)
        page = self._listing.result(job, start, limit)
        rows = encode(page.fields, page.rows, int64) if page and limit else None
        return wire.query_response(kind, job, self._processed(job), page, rows)

    def _whole(self, kind: str, job: Job, int64: bool) -> Answer:
        """The result with all its rows; None if it is not there yet, or too long for one answer."""
        page = self._listing.whole(job, MAX_WHOLE_BYTES) if self._ended(job) else None
        rows = whole_json(page, int64) if page else None
        return wire.query_response(kind, job, self._processed(job), page, rows) if rows else None

    def _ended(self, job: Job) -> bool:
        """Whether it has ended. Raises its own error if it failed."""
        if not job.done.is_set():
            return False
        if job.error is not None:
            raise job.error.with_traceback(None)
        return True

    def jobs_insert(self, call: Call) -> Answer:
        """Start a job; a load comes with its file."""
        configuration = call.body.get("configuration") or {}
        reference = call.body.get("jobReference") or {}
        work = wire_job.read_work(call.path["project"], configuration, call.media)
        location = str(reference.get("location") or "US")
        job = self._jobs.submit(work, configuration, location, reference.get("jobId"))
        if isinstance(work, Query) and work.dry_run:
            job.done.wait()
            if job.error is not None:
                raise job.error.with_traceback(None)
        return self._job_resource(job)

    def jobs_get(self, call: Call) -> Answer:
        """One job."""
        return self._job_resource(self._job(call))

    def jobs_list(self, call: Call) -> Answer:
        """Jobs of a project, the newest first."""
        rows = []
        for job in self._jobs.list(call.path["project"]):
            if not wire_job.is_listed(call, job):
                continue
            row = self._job_resource(job) | {"state": job.state}
            rows.append(row | ({"errorResult": wire.error_proto(job.error)} if job.error else {}))
        return {"kind": "bigquery#jobList"} | page_of(call, "jobs", rows)

    def jobs_cancel(self, call: Call) -> Answer:
        """Ask a job to end."""
        job = self._jobs.cancel(call.path["project"], call.path["job"])
        return {"kind": "bigquery#jobCancelResponse", "job": self._job_resource(job)}

    def jobs_delete(self, call: Call) -> Answer:
        """Forget a job."""
        self._jobs.delete(call.path["project"], call.path["job"])
        return None

    def _job(self, call: Call) -> Job:
        return self._jobs.get(call.path["project"], call.path["job"])

    def _job_resource(self, job: Job) -> dict[str, Any]:
        return wire.job_resource(job, self._processed(job))

    def _wait(self, job: Job, timeout_ms: int) -> None:
        job.done.wait(min(timeout_ms, MAX_WAIT_MS) / 1000)

    def _processed(self, job: Job) -> int:
        if job.done.is_set() and isinstance(job.outcome, Outcome):
            return self._service.bytes_read(job.outcome)
        return 0


def _figures(rows: int, size: int) -> dict[str, str]:
    return {
        "numRows": str(rows),
        "numBytes": str(size),
        "numLongTermBytes": "0",
        "numTotalLogicalBytes": str(size),
        "numActiveLogicalBytes": str(size),
        "numLongTermLogicalBytes": "0",
    }


Method = Callable[[Call], Answer]
