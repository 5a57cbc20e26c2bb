"""Jobs: each runs in a thread of its own, and the result of a query stays to be read by pages.

Jobs live in memory: a restart forgets them, and the oldest go when there are too many. A result
without a destination goes before its job does: after a day, or when results take too much memory.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb

from localgcp.bigquery.errors import (
    BigQueryError,
    JobExists,
    JobNotFound,
    QueryCancelled,
    ResourcesExceeded,
    TimedOut,
)
from localgcp.bigquery.failures import translate
from localgcp.bigquery.jobs.copies import Copied, Copies, Copy
from localgcp.bigquery.jobs.extracts import Extract, Extracted, Extracts
from localgcp.bigquery.jobs.loads import Load, Loaded, Loads
from localgcp.bigquery.jobs.memory import Guard
from localgcp.bigquery.jobs.queries import Queries
from localgcp.bigquery.jobs.query import Interruptible, Outcome, Query

MAX_JOBS = 1000
MAX_HELD_BYTES = 512 * 1024 * 1024
RESULT_KEPT_MS = 24 * 3600 * 1000  # Using cached query results: "approximately 24 hours"
QUERY_THREADS = 8
QUERY_SECONDS = 300.0
INTERRUPT_EVERY_S = 0.05

Work = Query | Load | Copy | Extract
Result = Outcome | Loaded | Copied | Extracted


@dataclass(slots=True)
class Job:
    """One job; times are milliseconds since the epoch."""

    project: str
    id: str
    location: str
    configuration: Mapping[str, Any]
    work: Work
    created_ms: int
    started_ms: int | None = None
    ended_ms: int | None = None
    outcome: Result | None = None
    error: BigQueryError | None = None
    done: threading.Event = field(default_factory=threading.Event)
    cancelled: bool = False
    exceeded: bool = False
    overdue: bool = False
    began: float = 0.0  # by time.monotonic, when it started
    cursor: Interruptible | None = None

    @property
    def state(self) -> str:
        """PENDING, RUNNING or DONE."""
        if self.done.is_set():
            return "DONE"
        return "PENDING" if self.started_ms is None else "RUNNING"

    @property
    def held_bytes(self) -> int:
        """Memory of the result."""
        rows = self.outcome.rows if isinstance(self.outcome, Outcome) else None
        return rows.nbytes if rows is not None else 0

    def drop_result(self) -> None:
        """Forget the rows, if any are held; the job itself stays."""
        if isinstance(self.outcome, Outcome) and self.outcome.rows is not None:
            self.outcome = replace(self.outcome, rows=None)


class Jobs:
    """Runs queries, loads, copies and extracts, and remembers them."""

    def __init__(
        self,
        queries: Queries,
        loads: Loads,
        copies: Copies,
        extracts: Extracts,
        now_ms: Callable[[], int],
        memory: int,
    ) -> None:
        """`memory` is the bytes that the process may grow by while jobs run."""
        self._queries, self._loads, self._copies = queries, loads, copies
        self._extracts = extracts
        self._now_ms = now_ms
        self._memory = memory
        self._guard = Guard(memory, self._interrupt_all, each=self._interrupt_overdue)
        self._pool = ThreadPoolExecutor(QUERY_THREADS, thread_name_prefix="bigquery-job")
        self._lock = threading.Lock()
        self._jobs: OrderedDict[tuple[str, str], Job] = OrderedDict()

    def submit(
        self,
        work: Work,
        configuration: Mapping[str, Any],
        location: str,
        job_id: str | None = None,
    ) -> Job:
        """Start it. Raises JobExists."""
        id_ = job_id or f"job_{uuid.uuid4().hex}"
        job = Job(work.project, id_, location, configuration, work, self._now_ms())
        with self._lock:
            if (job.project, id_) in self._jobs:
                raise JobExists(job.project, id_)
            self._jobs[job.project, id_] = job
        self._pool.submit(self._run, job)
        return job

    def get(self, project: str, id_: str) -> Job:
        """The job of that id. Raises JobNotFound."""
        job = self._jobs.get((project, id_))
        if job is None:
            raise JobNotFound(project, id_)
        return job

    def list(self, project: str) -> list[Job]:
        """All jobs of a project, the newest first."""
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if job.project == project]

    def cancel(self, project: str, id_: str) -> Job:
        """Ask it to end; it does soon, as an error, unless it has ended before."""
        job = self.get(project, id_)
        if not job.cancelled and not job.done.is_set():
            job.cancelled = True
            threading.Thread(target=_interrupt, args=(job,), daemon=True).start()
        return job

    def delete(self, project: str, id_: str) -> None:
        """Forget a job. Raises JobNotFound."""
        self.cancel(project, id_)
        with self._lock:
            self._jobs.pop((project, id_), None)

    def close(self) -> None:
        """Cancel what runs and wait for it."""
        for job in list(self._jobs.values()):
            if not job.done.is_set():
                self.cancel(job.project, job.id)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, job: Job) -> None:
        job.started_ms, job.began = self._now_ms(), time.monotonic()
        self._guard.begin()
        try:
            if job.cancelled:
                raise QueryCancelled
            job.outcome = self._outcome(job)
        except Exception as error:  # noqa: BLE001 - a bug of ours must end this job, no other
            job.error = self._failure(job, error)
        finally:
            job.cursor = None
            self._guard.end()
            job.ended_ms = self._now_ms()
            job.done.set()
            self._evict(job)

    def _failure(self, job: Job, error: Exception) -> BigQueryError:
        """What to remember: no traceback, which would hold what the query had in hand."""
        if job.overdue:
            return TimedOut(QUERY_SECONDS)
        if job.exceeded:
            return ResourcesExceeded(f"more than {self._memory} bytes of memory")
        if isinstance(error, BigQueryError):
            error.__cause__ = error.__context__ = None
            return error.with_traceback(None)
        failure = translate(error)
        return failure or BigQueryError(f"internal error: {type(error).__name__}: {error}")

    def _interrupt_all(self) -> None:
        for job in list(self._jobs.values()):
            cursor = job.cursor
            if cursor is not None and not job.done.is_set():
                job.exceeded = True
                cursor.interrupt()

    def _interrupt_overdue(self) -> None:
        oldest = time.monotonic() - QUERY_SECONDS
        for job in list(self._jobs.values()):
            cursor = job.cursor
            if cursor is not None and job.began < oldest and not job.done.is_set():
                job.overdue = True
                cursor.interrupt()

    def _outcome(self, job: Job) -> Result:
        if isinstance(job.work, Load):
            load, job.work = job.work, job.work.without_data()  # remember the job, not its file
            return self._loads.run(load)
        if isinstance(job.work, Copy):
            return self._copies.run(job.work)
        if isinstance(job.work, Extract):
            return self._extracts.run(job.work)
        return self._queries.run(job.work, lambda db: setattr(job, "cursor", db))

    def sweep(self) -> None:
        """Drop the results that are past their day."""
        oldest = self._now_ms() - RESULT_KEPT_MS
        for job in list(self._jobs.values()):
            if job.ended_ms is not None and job.ended_ms <= oldest:
                job.drop_result()

    def _evict(self, newest: Job) -> None:
        """Make room for what `newest` came to: the oldest results go, then the oldest jobs."""
        with self._lock:
            ended = [job for job in self._jobs.values() if job.done.is_set() and job is not newest]
            held = sum(job.held_bytes for job in (*ended, newest))
            for job in sorted(ended, key=lambda job: job.ended_ms or 0):
                if held > MAX_HELD_BYTES:
                    held -= job.held_bytes
                    job.drop_result()
            for job in ended[: max(0, len(self._jobs) - MAX_JOBS)]:
                del self._jobs[job.project, job.id]


def _interrupt(job: Job) -> None:
    """Until it ends: DuckDB forgets an interrupt that comes before the query has begun."""
    while not job.done.is_set():
        cursor = job.cursor
        if cursor is not None:
            with suppress(duckdb.ConnectionException):  # it was closed meanwhile
                cursor.interrupt()
        job.done.wait(INTERRUPT_EVERY_S)
