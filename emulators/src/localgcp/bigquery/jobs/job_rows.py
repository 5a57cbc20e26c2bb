"""Jobs as rows of INFORMATION_SCHEMA.JOBS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localgcp.bigquery.catalog.information_views import moment
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.jobs.anonymous import destination
from localgcp.bigquery.jobs.job import Job
from localgcp.bigquery.jobs.query import Outcome
from localgcp.bigquery.jobs.registry import Jobs

USER = "local@emulator"


def rows(jobs: Jobs, project: str) -> Iterator[dict[str, Any]]:
    """The jobs of a project, the newest first; a script's follow it, as jobs of their own."""
    for job in jobs.list_(project):
        yield _row(job) | (_of_query(job) if job.is_query else {})


def _row(job: Job) -> dict[str, Any]:
    error = job.error if job.done.is_set() else None
    labels = job.configuration.get("labels") or {}
    return {
        "creation_time": moment(job.created_ms),
        "project_id": job.project,
        "user_email": USER,
        "job_id": job.id,
        "job_type": job.kind,
        "parent_job_id": job.parent,
        "start_time": moment(job.started_ms) if job.started_ms is not None else None,
        "end_time": moment(job.ended_ms) if job.ended_ms is not None else None,
        "state": job.state,
        "error_result": {"message": error.message, "location": error.location} if error else None,
        "labels": [{"key": key, "value": value} for key, value in labels.items()],
        "referenced_tables": [],
    }


def _of_query(job: Job) -> dict[str, Any]:
    asked = job.configuration.get("query") or {}
    row: dict[str, Any] = {"query": job.text, "cache_hit": False}
    row["priority"] = asked.get("priority") or "INTERACTIVE"
    written = destination(job) if job.done.is_set() else None
    row["destination_table"] = _reference(written) if written is not None else None
    if not job.done.is_set() or not isinstance(job.outcome, Outcome):
        return row
    return row | {
        "statement_type": "SCRIPT" if job.outcome.script else job.outcome.kind,
        "total_bytes_processed": job.read_bytes,
        "total_bytes_billed": 0,
        "referenced_tables": [_reference(name) for name in job.referenced],
    }


def _reference(name: Name) -> dict[str, str]:
    return {"project_id": name.project, "dataset_id": name.dataset, "table_id": name.table}
