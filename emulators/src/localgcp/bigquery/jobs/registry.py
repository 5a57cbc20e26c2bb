"""Jobs: each runs in a thread of its own, and the result of a query stays to be read by pages.

What is known of a job is kept on disk, and the oldest go when there are too many. A result without
a destination is held in memory alone, and goes before its job does.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import duckdb

from localgcp.bigquery.errors import (
    BadValue,
    BigQueryError,
    JobExists,
    JobNotFound,
    QueryCancelled,
    ResourcesExceeded,
    TimedOut,
)
from localgcp.bigquery.failures import told, translate
from localgcp.bigquery.jobs.copies import Copies, Copy
from localgcp.bigquery.jobs.extracts import Extract, Extracts
from localgcp.bigquery.jobs.held import HeldResults
from localgcp.bigquery.jobs.job import Job, Result, Work, job_of
from localgcp.bigquery.jobs.journal import Journal
from localgcp.bigquery.jobs.loads import Load, Loads
from localgcp.bigquery.jobs.memory import Guard
from localgcp.bigquery.jobs.queries import Queries
from localgcp.bigquery.jobs.query import Outcome, Ran
from localgcp.bigquery.jobs.record import kept, restored

MAX_JOBS = 10_000
QUERY_THREADS = 8
QUERY_SECONDS = 300.0
INTERRUPT_EVERY_S = 0.05

_log = logging.getLogger(__name__)


class Jobs:
    """Runs queries, loads, copies and extracts, and remembers them."""

    def __init__(
        self,
        queries: Queries,
        loads: Loads,
        copies: Copies,
        extracts: Extracts,
        now_ms: Callable[[], int],
        bytes_read: Callable[[Outcome], int],
        memory: int,
        journal: Journal,
    ) -> None:
        """`memory` is the bytes that the process may grow by while jobs run."""
        self._queries, self._loads, self._copies = queries, loads, copies
        self._extracts = extracts
        self._now_ms, self._bytes_read = now_ms, bytes_read
        self._memory = memory
        self._guard = Guard(memory, self._interrupt_all, each=self._interrupt_overdue)
        self._pool = ThreadPoolExecutor(QUERY_THREADS, thread_name_prefix="bigquery-job")
        self._lock = threading.Lock()
        self._running: dict[int, Job] = {}
        self._held, self._journal = HeldResults(), journal
        known = [restored(record) for record in journal.read()][-MAX_JOBS:]
        self._jobs = OrderedDict(((job.project, job.id), job) for job in known)
        journal.rewrite(map(kept, known))

    def submit(
        self,
        work: Work,
        configuration: Mapping[str, Any],
        location: str,
        job_id: str | None = None,
    ) -> Job:
        """Start it. Raises JobExists, and Unavailable where it can't be kept."""
        id_ = job_id or f"job_{uuid.uuid4().hex}"
        job = job_of(work, id_, location, configuration, self._now_ms())
        with self._lock:
            if (job.project, id_) in self._jobs:
                raise JobExists(job.project, id_)
            if not job.dry_run:
                with told():
                    self._journal.write(kept(job))
            self._jobs[job.project, id_] = job
        self._pool.submit(self._run, job, work)
        return job

    def get(self, project: str, id_: str) -> Job:
        """The job of that id. Raises JobNotFound."""
        job = self._jobs.get((project, id_))
        if job is None:
            raise JobNotFound(project, id_)
        return job

    def find(self, project: str, id_: str) -> Job | None:
        """The job of that id, if it is known."""
        return self._jobs.get((project, id_))

    def list_(self, project: str) -> list[Job]:
        """The jobs of a project, the newest first; a dry run is none."""
        with self._lock:
            known = list(reversed(self._jobs.values()))
        return [job for job in known if job.project == project and not job.dry_run]

    def held(self, project: str) -> list[Job]:
        """The jobs whose results are in memory."""
        with self._lock:
            return [job for job in self._held.jobs() if job.project == project]

    def cancel(self, project: str, id_: str) -> Job:
        """Ask it to end; it does soon, as an error, unless it has ended before."""
        job = self.get(project, id_)
        if not job.cancelled and not job.done.is_set():
            job.cancelled = True
            threading.Thread(target=_interrupt, args=(job,), daemon=True).start()
        return job

    def delete(self, project: str, id_: str) -> None:
        """Forget a job, and with a script its children. Raises JobNotFound, BadValue, Unavailable.

        A child goes with its script alone (jobs.delete).
        """
        job = self.cancel(project, id_)
        if job.parent is not None:
            raise BadValue("jobId", id_, f"it is a child of {job.parent}: delete that")
        with self._lock:
            family = [j for j in self._jobs.values() if j is job or j.parent == id_]
            for each in family:
                with told():
                    self._journal.forget(project, each.id)
                self._forget(each)

    def close(self) -> None:
        """Cancel what runs and wait for it."""
        for job in list(self._jobs.values()):
            if not job.done.is_set():
                self.cancel(job.project, job.id)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._journal.close()

    def _run(self, job: Job, work: Work) -> None:
        job.work, job.started_ms, job.began = None, self._now_ms(), time.monotonic()
        self._running[id(job)] = job
        self._guard.begin()
        try:
            if job.cancelled:
                raise QueryCancelled
            job.outcome = self._outcome(job, work)
            self._settle(job)
        except Exception as error:  # noqa: BLE001 - a bug of ours must end this job, no other
            job.error = self._failure(job, error)
        finally:
            job.cursor = None
            del self._running[id(job)]
            self._guard.end()
            self._end(job)

    def _settle(self, job: Job) -> None:
        """What is said of a query's tables is what they were when it ended."""
        if isinstance(job.outcome, Outcome):
            job.referenced = tuple(table.name for table in job.outcome.tables)
            if not job.children:
                job.read_bytes = self._bytes_read(job.outcome)

    def _end(self, job: Job) -> None:
        """Keep what it came to, then tell."""
        job.ended_ms = self._now_ms()
        try:
            self._keep(job)
        finally:
            with self._lock:
                self._held.add(job)  # who is told asks for its rows at once
            job.done.set()
        with self._lock:
            while len(self._jobs) > MAX_JOBS:
                ended = (old for old in self._jobs.values() if old.done.is_set())
                self._forget(next(ended, job))

    def _keep(self, job: Job) -> None:
        if job.dry_run:
            return
        try:
            if self._journal.write(kept(job)):
                self._journal.rewrite(map(kept, list(self._jobs.values())))
        except OSError as error:
            _log.warning("job %s is not kept over a restart: %s", job.id, error)

    def _forget(self, job: Job) -> None:
        self._held.drop(job)
        self._jobs.pop((job.project, job.id), None)

    def _child(self, parent: Job, ran: Ran) -> None:
        """A part of a script that has ended, as a job of its own."""
        now = self._now_ms()
        id_ = f"script_job_{uuid.uuid4().hex}_{parent.children}"
        configuration = {"query": {"query": ran.text, "useLegacySql": False}}
        child = Job(parent.project, id_, parent.location, "QUERY", configuration, now)
        child.text, child.parent, child.evaluation = ran.text, parent.id, ran.evaluation
        child.created_ms = child.started_ms = now - int(ran.seconds * 1000)
        child.outcome, child.error = ran.outcome, ran.error
        parent.children += 1
        self._settle(child)
        parent.read_bytes += child.read_bytes
        with self._lock:
            self._jobs[child.project, id_] = child
        self._end(child)

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
        for job in list(self._running.values()):
            cursor = job.cursor
            if cursor is not None:
                job.exceeded = True
                cursor.interrupt()

    def _interrupt_overdue(self) -> None:
        oldest = time.monotonic() - QUERY_SECONDS
        for job in list(self._running.values()):
            cursor = job.cursor
            if cursor is not None and job.began < oldest:
                job.overdue = True
                cursor.interrupt()

    def _outcome(self, job: Job, work: Work) -> Result:
        match work:
            case Load():
                return self._loads.run(work)
            case Copy():
                return self._copies.run(work)
            case Extract():
                return self._extracts.run(work)
            case _:
                return self._queries.run(
                    work,
                    lambda db: setattr(job, "cursor", db),
                    lambda ran: self._child(job, ran),
                )

    def sweep(self) -> None:
        """Drop the results that are past their day."""
        with self._lock:
            self._held.sweep(self._now_ms())


def _interrupt(job: Job) -> None:
    """Until it ends: DuckDB forgets an interrupt that comes before the query has begun."""
    while not job.done.is_set():
        cursor = job.cursor
        if cursor is not None:
            with suppress(duckdb.ConnectionException):  # it was closed meanwhile
                cursor.interrupt()
        job.done.wait(INTERRUPT_EVERY_S)
