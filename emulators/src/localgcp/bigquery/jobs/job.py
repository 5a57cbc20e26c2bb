"""One job: what was asked, how far it is, and what it came to."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import BigQueryError
from localgcp.bigquery.jobs.copies import Copied, Copy
from localgcp.bigquery.jobs.extracts import Extract, Extracted
from localgcp.bigquery.jobs.loads import Load, Loaded
from localgcp.bigquery.jobs.query import Interruptible, Outcome, Query

Work = Query | Load | Copy | Extract
Result = Outcome | Loaded | Copied | Extracted


def kind_of(work: Work) -> str:
    """JobConfiguration.jobType."""
    names: dict[type, str] = {Load: "LOAD", Copy: "COPY", Extract: "EXTRACT"}
    return names.get(type(work), "QUERY")


@dataclass(slots=True)
class Job:
    """One job; times are milliseconds since the epoch.

    `work` is there until it begins, for a load's file is no part of what is remembered. `parent`
    is the id of the script that it is a child of, `evaluation` what of the script it ran.
    """

    project: str
    id: str
    location: str
    kind: str
    configuration: Mapping[str, Any]
    created_ms: int
    work: Work | None = None
    text: str = ""  # a query's
    dry_run: bool = False
    started_ms: int | None = None
    ended_ms: int | None = None
    outcome: Result | None = None
    error: BigQueryError | None = None
    read_bytes: int = 0  # of the tables that a query read, as they were then
    referenced: tuple[Name, ...] = ()
    parent: str | None = None
    evaluation: str | None = None
    children: int = 0
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
    def is_query(self) -> bool:
        """Whether it is a query job, a script's included."""
        return self.kind == "QUERY"

    @property
    def has_rows(self) -> bool:
        """Whether its result is held, be it empty."""
        return isinstance(self.outcome, Outcome) and self.outcome.rows is not None

    @property
    def held_bytes(self) -> int:
        """Memory of the result."""
        rows = self.outcome.rows if isinstance(self.outcome, Outcome) else None
        return rows.nbytes if rows is not None else 0

    def drop_result(self) -> None:
        """Forget the rows, if any are held; the job itself stays."""
        if isinstance(self.outcome, Outcome) and self.outcome.rows is not None:
            self.outcome = replace(self.outcome, rows=None)


def job_of(
    work: Work, id_: str, location: str, configuration: Mapping[str, Any], created_ms: int
) -> Job:
    """A job that has yet to begin."""
    job = Job(work.project, id_, location, kind_of(work), configuration, created_ms, work)
    if isinstance(work, Query):
        job.text, job.dry_run = work.sql, work.dry_run
    return job
