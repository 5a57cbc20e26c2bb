"""Jobs written out: their resources, their state and statistics, and the answers of queries.

Shapes follow the BigQuery REST reference, v2: Job, JobStatistics, QueryResponse.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.catalog.schema import to_resource
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import Invalid, LoadFailed, Warned
from localgcp.bigquery.jobs.anonymous import destination
from localgcp.bigquery.jobs.copies import Copied
from localgcp.bigquery.jobs.extracts import Extracted
from localgcp.bigquery.jobs.job import Job
from localgcp.bigquery.jobs.job_rows import USER
from localgcp.bigquery.jobs.loads import Loaded
from localgcp.bigquery.jobs.query import Outcome
from localgcp.bigquery.rest import wire_copy, wire_extract, wire_load
from localgcp.bigquery.rest.listing import Page
from localgcp.bigquery.rest.routine_calls import routine_reference
from localgcp.bigquery.rest.wire import error_proto


def job_resource(job: Job, parent: Job | None = None) -> dict[str, Any]:
    """The API's Job; `parent` is the script that it is a child of."""
    times = {
        "creationTime": job.created_ms,
        "startTime": job.started_ms,
        "endTime": job.ended_ms if job.done.is_set() else None,
    }
    statistics: dict[str, Any] = {k: str(v) for k, v in times.items() if v is not None}
    statistics |= _statistics(job) | _of_script(job, parent)
    resource = {
        "kind": "bigquery#job",
        "id": f"{job.project}:{job.location}.{job.id}",
        "jobReference": _job_reference(job),
        "configuration": _configuration(job),
        "statistics": statistics,
        "status": _job_status(job),
        "user_email": USER,
    }
    return resource | {"etag": resources.etag(resource)}


def _statistics(job: Job) -> dict[str, Any]:
    """What the job came to, by its kind."""
    match job.outcome:
        case Loaded():
            return {"load": wire_load.statistics(job.outcome)}
        case Copied():
            return {"copy": wire_copy.statistics(job.outcome)}
        case Extracted():
            return {"extract": wire_extract.statistics(job.outcome)}
        case Outcome():
            processed = {"totalBytesProcessed": str(job.read_bytes)}
            return {**processed, "query": _query_statistics(job, job.outcome)}
        case _:
            return {}


def _of_script(job: Job, parent: Job | None) -> dict[str, Any]:
    """How many children a script has, or what of its script a child is (ScriptStatistics)."""
    if job.children:
        return {"numChildJobs": str(job.children)}
    if job.parent is None:
        return {}
    frame: dict[str, Any] = {"text": job.text}
    before, found, after = parent.text.partition(job.text) if parent is not None else ("", "", "")
    if found and job.text not in after:  # else there is no telling which of them it was
        frame |= _place("start", before) | _place("end", before + found)
    script = {"evaluationKind": job.evaluation, "stackFrames": [frame]}
    return {"parentJobId": job.parent, "scriptStatistics": script}


def _place(which: str, before: str) -> dict[str, int]:
    """Line and column of what follows a text, from 1."""
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return {f"{which}Line": line, f"{which}Column": column}


def _configuration(job: Job) -> dict[str, Any]:
    """JobConfiguration, in the end with the table that a query wrote."""
    configuration = {"jobType": job.kind, **job.configuration}
    written = destination(job) if job.done.is_set() else None
    if written is not None and "query" in configuration:
        query = {**configuration["query"], "destinationTable": table_reference(written)}
        configuration["query"] = query
    return configuration


def _job_status(job: Job) -> dict[str, Any]:
    """JobStatus; a load that left out bad rows has errors and yet no errorResult."""
    status: dict[str, Any] = {"state": job.state}
    told: Iterable[Warned] = job.outcome.warnings if isinstance(job.outcome, Loaded) else ()
    errors = []
    if job.error is not None and job.done.is_set():
        errors = [status.setdefault("errorResult", error_proto(job.error))]
        told = job.error.told if isinstance(job.error, LoadFailed) else ()
    for each in told:
        where = {"location": each.uri} if each.uri else {}
        errors.append({"reason": "invalid", "message": each.message} | where)
    return status | ({"errors": errors} if errors else {})


def _job_reference(job: Job) -> dict[str, str]:
    return {"projectId": job.project, "jobId": job.id, "location": job.location}


def _query_statistics(job: Job, outcome: Outcome) -> dict[str, Any]:
    statistics: dict[str, Any] = {
        "statementType": "SCRIPT" if outcome.script else outcome.kind,
        "totalBytesProcessed": str(job.read_bytes),
        "totalBytesBilled": "0",
        "cacheHit": False,
        "referencedTables": [table_reference(name) for name in job.referenced],
    }
    if job.dry_run:
        statistics["schema"] = {"fields": to_resource(outcome.fields)}
    if outcome.operation is not None:
        statistics["ddlOperationPerformed"] = outcome.operation
        if outcome.target is not None:
            statistics["ddlTargetTable"] = table_reference(outcome.target)
        if outcome.routine is not None:
            statistics["ddlTargetRoutine"] = routine_reference(outcome.routine)
        if outcome.schema is not None:
            project, dataset = outcome.schema
            statistics["ddlTargetDataset"] = {"projectId": project, "datasetId": dataset}
    return statistics | _affected(outcome)


def _affected(outcome: Outcome) -> dict[str, Any]:
    if not outcome.affected:
        return {}
    total = str(sum(outcome.affected.values()))
    counts = {"INSERT": "insertedRowCount", "UPDATE": "updatedRowCount"}
    counts["DELETE"] = "deletedRowCount"
    stats = {counts[k]: str(n) for k, n in outcome.affected.items() if k in counts}
    return {"numDmlAffectedRows": total} | ({"dmlStats": stats} if stats else {})


def table_reference(name: Name) -> dict[str, str]:
    """TableReference."""
    return {"projectId": name.project, "datasetId": name.dataset, "tableId": name.table}


def pending_response(kind: str, job: Job) -> dict[str, Any]:
    """What is said of a query that runs on."""
    return {"kind": kind, "jobReference": _job_reference(job), "jobComplete": False}


def query_response(kind: str, job: Job, page: Page | None, rows: object | None) -> dict[str, Any]:
    """A page of a finished job's result, None if it has no rows. Raises Invalid for a load job.

    `rows` are the page's in the wire's form. Without them the answer has no `rows`, not even an
    empty list: the official clients would take that for the first page.
    """
    outcome = job.outcome
    if not isinstance(outcome, Outcome):
        raise Invalid(f"Cannot return the rows of {job.id}: it is a {job.kind.lower()} job")
    response = pending_response(kind, job) | {"jobComplete": True}
    response |= {"totalBytesProcessed": str(job.read_bytes), "cacheHit": False} | _affected(outcome)
    if outcome.kind == "SELECT":
        response["schema"] = {"fields": to_resource(outcome.fields)}
    if page is None:
        return response
    response["totalRows"] = str(page.total)
    if rows is not None:
        response["rows"] = rows
        response |= {"pageToken": page.token} if page.token else {}
    return response
