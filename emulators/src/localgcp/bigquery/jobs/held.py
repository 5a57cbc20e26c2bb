"""The results in memory: within a bound, and for a day."""

from __future__ import annotations

from collections import OrderedDict

from localgcp.bigquery.jobs.job import Job

MAX_HELD_BYTES = 512 * 1024 * 1024
RESULT_KEPT_MS = 24 * 3600 * 1000  # Using cached query results: "approximately 24 hours"


class HeldResults:
    """The ended jobs whose rows are held, in the order of their ends. Not thread-safe."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[tuple[str, str], tuple[Job, int]] = OrderedDict()
        self._bytes = 0

    def add(self, job: Job) -> None:
        """Hold what a job came to; the oldest results make room for it."""
        if not job.has_rows:
            return
        size = job.held_bytes  # none of a result without rows, which is a table too
        self._jobs[job.project, job.id] = job, size
        self._bytes += size
        while self._bytes > MAX_HELD_BYTES and len(self._jobs) > 1:
            self.drop(next(iter(self._jobs.values()))[0])

    def drop(self, job: Job) -> None:
        """Let a job's rows go, if they are held."""
        _, size = self._jobs.pop((job.project, job.id), (job, 0))
        self._bytes -= size
        job.drop_result()

    def jobs(self) -> list[Job]:
        """Those whose rows are held."""
        return [job for job, _ in self._jobs.values()]

    def sweep(self, now_ms: int) -> None:
        """Drop the results that are past their day."""
        for job in self.jobs():
            if job.ended_ms is not None and job.ended_ms <= now_ms - RESULT_KEPT_MS:
                self.drop(job)
