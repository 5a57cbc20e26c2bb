"""The methods of jobs, and of the queries that are jobs as well."""

from __future__ import annotations

from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.errors import JobExists, JobNotFound
from localgcp.bigquery.jobs.job import Job
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rest import wire, wire_job, wire_status
from localgcp.bigquery.rest.call import MethodCall, as_int64, int64_timestamps
from localgcp.bigquery.rest.listing import Listing
from localgcp.bigquery.rest.methods import PROJECT, Answer, Method
from localgcp.bigquery.rest.whole import MAX_WHOLE_BYTES, whole_json
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.service import Service

DEFAULT_TIMEOUT_MS = 10_000
MAX_WAIT_MS = 60_000
SOON_S = 2.0
QUERY_SOON_S = 0.1

_JOB = PROJECT + "/jobs/{job}"


class JobCalls:
    """`jobs.*`."""

    def __init__(self, service: Service, listing: Listing) -> None:
        self._service, self._jobs, self._listing = service, service.jobs, listing
        self.start = Method("POST", PROJECT + "/jobs", self.insert, waits=True)

    def methods(self) -> list[Method]:
        """Each with its path."""
        return [
            Method("POST", PROJECT + "/queries", self.query, waits=True),
            Method("GET", PROJECT + "/queries/{job}", self.get_query_results, waits=True),
            Method("GET", PROJECT + "/jobs", self.list_),
            self.start,
            Method("GET", _JOB, self.get),
            Method("POST", _JOB + "/cancel", self.cancel),
            Method("DELETE", _JOB + "/delete", self.delete),
        ]

    def query(self, call: MethodCall) -> Answer:
        """Run a query and wait for it, at most timeoutMs; requestId makes a retry the same job."""
        query = wire.read_query(call.path["project"], call.body)
        int64 = as_int64(call.body.get("formatOptions") or {})
        configuration = wire.configuration_of(call.body)
        location = str(call.body.get("location") or "US")
        request = call.body.get("requestId")
        try:
            id_ = f"job_{request}" if request else None
            job = self._jobs.submit(query, configuration, location, id_)
        except JobExists:
            job = self._jobs.get(query.project, str(id_))
        self._wait(
            job, resources.integer(call.body.get("timeoutMs") or DEFAULT_TIMEOUT_MS, "timeoutMs")
        )
        kind, limit = "bigquery#queryResponse", call.body.get("maxResults")
        if limit is None:
            return self._whole(kind, job, int64) or self._rows(kind, job, 0, wire.PAGE_ROWS, int64)
        return self._rows(kind, job, 0, resources.integer(limit, "maxResults"), int64)

    def get_query_results(self, call: MethodCall) -> Answer:
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
            return wire_status.pending_response(kind, job)
        page = self._listing.result(job, start, limit)
        rows = encode(page.fields, page.rows, int64) if page and limit else None
        return wire_status.query_response(kind, job, page, rows)

    def _whole(self, kind: str, job: Job, int64: bool) -> Answer:
        """The result with all its rows; None if it is not there yet, or too long for one answer."""
        page = self._listing.whole(job, MAX_WHOLE_BYTES) if self._ended(job) else None
        rows = whole_json(page, int64) if page else None
        return wire_status.query_response(kind, job, page, rows) if rows else None

    def _ended(self, job: Job) -> bool:
        """Whether it has ended. Raises its own error if it failed."""
        if not job.done.is_set():
            return False
        if job.error is not None:
            raise job.error.with_traceback(None)
        return True

    def insert(self, call: MethodCall) -> Answer:
        """Start a job; a load comes with its file.

        One that moves rows is given a moment to end: who finds it running looks again by a clock of
        whole seconds. So is a query, by less: one that can't run is told as failed at once.
        """
        configuration = call.body.get("configuration") or {}
        reference = call.body.get("jobReference") or {}
        work = wire_job.read_work(call.path["project"], configuration, call.media)
        location = str(reference.get("location") or "US")
        job = self._jobs.submit(work, configuration, location, reference.get("jobId"))
        if isinstance(work, Query) and work.dry_run:
            job.done.wait()
            if job.error is not None:
                raise job.error.with_traceback(None)
        job.done.wait(QUERY_SOON_S if isinstance(work, Query) else SOON_S)
        return self._resource(job)

    def get(self, call: MethodCall) -> Answer:
        """One job."""
        return self._resource(self._job(call))

    def list_(self, call: MethodCall) -> Answer:
        """Jobs of a project, the newest first; `parentJobId` asks for those of a script.

        All are one user's. A page begins after the job that its token names, so that none comes
        twice for those that were started meanwhile.
        """
        jobs = self._jobs.list_(call.path["project"])
        wanted = [job for job in jobs if wire_job.is_listed(call, job)]
        page, token = wire_job.page(call, wanted)
        answer = {"kind": "bigquery#jobList", "jobs": [self._listed(call, job) for job in page]}
        return answer | ({"nextPageToken": token} if token else {})

    def _listed(self, call: MethodCall, job: Job) -> dict[str, Any]:
        """JobListFormatObject: the configuration is for `projection=full` alone."""
        row = self._resource(job) | {"state": job.state}
        if call.query.get("projection", "minimal").lower() != "full":
            del row["configuration"]
        return row | ({"errorResult": wire.error_proto(job.error)} if job.error else {})

    def cancel(self, call: MethodCall) -> Answer:
        """Ask a job to end."""
        job = self._job(call)
        self._jobs.cancel(job.project, job.id)
        return {"kind": "bigquery#jobCancelResponse", "job": self._resource(job)}

    def delete(self, call: MethodCall) -> Answer:
        """Forget a job, wherever it ran: the Python client may give None for its location."""
        self._jobs.delete(call.path["project"], call.path["job"])
        return None

    def _job(self, call: MethodCall) -> Job:
        """The job, which is in its location alone. Raises JobNotFound."""
        job = self._jobs.get(call.path["project"], call.path["job"])
        location = call.query.get("location") or job.location
        if location.lower() != job.location.lower():
            raise JobNotFound(job.project, job.id)
        return job

    def _resource(self, job: Job) -> dict[str, Any]:
        parent = self._jobs.find(job.project, job.parent) if job.parent else None
        return wire_status.job_resource(job, parent)

    def _wait(self, job: Job, timeout_ms: int) -> None:
        job.done.wait(min(timeout_ms, MAX_WAIT_MS) / 1000)
