"""The anonymous tables that hold the results of queries without a destination.

BigQuery writes every result to a table: without a destinationTable it is a temporary one, in a
hidden dataset of the user and project, kept for about 24 hours (Writing query results, "Temporary
and permanent tables"; Using cached query results). Here the rows stay in memory with their job.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog.dataset import Dataset
from localgcp.bigquery.catalog.table import Name, Table, anonymous_dataset
from localgcp.bigquery.errors import TableNotFound
from localgcp.bigquery.jobs.held import RESULT_KEPT_MS
from localgcp.bigquery.jobs.job import Job
from localgcp.bigquery.jobs.query import Outcome
from localgcp.bigquery.jobs.registry import Jobs

if TYPE_CHECKING:
    import pyarrow as pa


def name_of(job: Job) -> Name:
    """The anonymous table of a query job."""
    digest = hashlib.sha256(f"{job.project}:{job.location}.{job.id}".encode()).hexdigest()
    return Name(job.project, anonymous_dataset(job.project), f"anon{digest}")


def destination(job: Job) -> Name | None:
    """The table that a finished query job wrote; None for one that wrote none."""
    outcome = job.outcome
    if not isinstance(outcome, Outcome) or outcome.kind.startswith("DROP"):
        return None
    if outcome.kind == "SELECT" and outcome.target is None:
        return name_of(job)
    return outcome.target


class AnonymousTables:
    """The results that are held, as tables."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def dataset(self, project: str) -> Dataset | None:
        """The anonymous dataset; None while no query of the project has a result."""
        made = [table.created_ms for table, _ in self._held(project)]
        return Dataset(project, anonymous_dataset(project), min(made), min(made)) if made else None

    def tables(self, project: str) -> list[Table]:
        """All results of a project that are held, by id."""
        return sorted((table for table, _ in self._held(project)), key=lambda t: t.name.table)

    def find(self, name: Name) -> tuple[Table, pa.Table]:
        """A result's table and rows. Raises TableNotFound: never made, or past its time."""
        for table, rows in self._held(name.project):
            if table.name == name:
                return table, rows
        raise TableNotFound(name.project, name.dataset, name.table)

    def _held(self, project: str) -> Iterator[tuple[Table, pa.Table]]:
        for job in self._jobs.held(project):
            outcome = job.outcome
            if isinstance(outcome, Outcome) and outcome.rows is not None:
                yield _table(job, outcome), outcome.rows


def _table(job: Job, outcome: Outcome) -> Table:
    ended = job.ended_ms or job.created_ms
    return Table(name_of(job), ended, ended, outcome.fields, expiration_ms=ended + RESULT_KEPT_MS)
