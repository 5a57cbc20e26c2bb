"""Jobs as rows of INFORMATION_SCHEMA.JOBS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from localgcp.bigquery.catalog.information_views import moment
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.jobs.anonymous import destination
from localgcp.bigquery.jobs.copies import Copy
from localgcp.bigquery.jobs.extracts import Extract
from localgcp.bigquery.jobs.loads import Load
from localgcp.bigquery.jobs.query import Outcome, Query
from localgcp.bigquery.jobs.registry import Job, Jobs, Work

USER = "local@emulator"
BytesRead = Callable[[Outcome], int]


def kind_of(work: Work) -> str:
    """JobConfiguration.jobType."""
    names: dict[type, str] = {Load: "LOAD", Copy: "COPY", Extract: "EXTRACT"}
    return names.get(type(work), "QUERY")


def rows(jobs: Jobs, bytes_read: BytesRead, project: str) -> Iterator[dict[str, Any]]:
    """The jobs of a project, the newest first."""
    for job in jobs.list(project):
        yield _row(job) | (_of_query(job, bytes_read) if isinstance(job.work, Query) else {})


def _row(job: Job) -> dict[str, Any]:
    error = job.error if job.done.is_set() else None
    labels = job.configuration.get("labels") or {}
    return {
        "creation_time": moment(job.created_ms),
        "project_id": job.project,
        "user_email": USER,
        "job_id": job.id,
        "job_type": kind_of(job.work),
        "start_time": moment(job.started_ms) if job.started_ms is not None else None,
        "end_time": moment(job.ended_ms) if job.ended_ms is not None else None,
        "state": job.state,
        "error_result": {"message": error.message, "location": error.location} if error else None,
        "labels": [{"key": key, "value": value} for key, value in labels.items()],
        "referenced_tables": [],
    }


def _of_query(job: Job, bytes_read: BytesRead) -> dict[str, Any]:
    assert isinstance(job.work, Query)
    asked = job.configuration.get("query") or {}
    row: dict[str, Any] = {"query": job.work.sql, "cache_hit": False}
    row["priority"] = asked.get("priority") or "INTERACTIVE"
    written = destination(job) if job.done.is_set() else None
    row["destination_table"] = _reference(written) if written is not None else None
    if not job.done.is_set() or not isinstance(job.outcome, Outcome):
        return row
    return row | {
        "statement_type": job.outcome.kind,
        "total_bytes_processed": bytes_read(job.outcome),
        "total_bytes_billed": 0,
        "referenced_tables": [_reference(table.name) for table in job.outcome.tables],
    }


def _reference(name: Name) -> dict[str, str]:
    return {"project_id": name.project, "dataset_id": name.dataset, "table_id": name.table}
