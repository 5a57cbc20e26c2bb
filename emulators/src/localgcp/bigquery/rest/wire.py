"""The API's JSON: requests read into the domain's terms, the domain's answers written out.

Shapes follow the BigQuery REST reference, v2: Job, QueryRequest, QueryResponse, ErrorProto.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.catalog.schema import to_resource
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import (
    Aborted,
    AlreadyExists,
    BadValue,
    BigQueryError,
    InUse,
    Invalid,
    InvalidQuery,
    LoadFailed,
    NotFound,
    NotSupported,
    PreconditionFailed,
    ResourcesExceeded,
    TooLarge,
    Unavailable,
    Warned,
)
from localgcp.bigquery.googlesql import parameters
from localgcp.bigquery.jobs.anonymous import destination
from localgcp.bigquery.jobs.copies import Copied
from localgcp.bigquery.jobs.extracts import Extracted
from localgcp.bigquery.jobs.job_rows import USER, kind_of
from localgcp.bigquery.jobs.loads import Loaded
from localgcp.bigquery.jobs.query import Outcome, Query
from localgcp.bigquery.jobs.registry import Job
from localgcp.bigquery.rest import wire_copy, wire_extract, wire_load
from localgcp.bigquery.rest.listing import Page
from localgcp.bigquery.rest.routine_calls import routine_reference
from localgcp.bigquery.rows.streaming import InsertError, Row

PAGE_ROWS = 50_000

# Kind of failure -> HTTP status, BigQuery's reason, Google's canonical code (Error messages).
STATUS: tuple[tuple[type[BigQueryError], int, str, str], ...] = (
    (NotFound, 404, "notFound", "NOT_FOUND"),
    (AlreadyExists, 409, "duplicate", "ALREADY_EXISTS"),
    (InUse, 400, "resourceInUse", "FAILED_PRECONDITION"),
    (PreconditionFailed, 412, "conditionNotMet", "FAILED_PRECONDITION"),
    (Aborted, 409, "aborted", "ABORTED"),
    (ResourcesExceeded, 400, "resourcesExceeded", "RESOURCE_EXHAUSTED"),
    (InvalidQuery, 400, "invalidQuery", "INVALID_ARGUMENT"),
    (Invalid, 400, "invalid", "INVALID_ARGUMENT"),
    (TooLarge, 413, "uploadTooLarge", "INVALID_ARGUMENT"),
    (Unavailable, 503, "backendError", "UNAVAILABLE"),
    (BigQueryError, 500, "internalError", "INTERNAL"),
)

# Of a query's configuration: what is understood, what cannot change an answer, what is refused.
_UNDERSTOOD = {"query", "defaultDataset", "destinationTable", "writeDisposition"} | {
    *("createDisposition", "useLegacySql", "parameterMode", "queryParameters", "dryRun"),
}
_HARMLESS = {"priority", "useQueryCache", "maximumBytesBilled", "allowLargeResults", "labels"} | {
    *("flattenResults", "preserveNulls", "jobTimeoutMs", "reservation", "maxSlots", "kind"),
    *("location", "timeoutMs", "maxResults", "formatOptions", "requestId", "jobCreationMode"),
    *("arrowSerializationOptions", "maximumBillingTier"),
}
_REFUSED = {"timePartitioning", "rangePartitioning", "clustering", "schemaUpdateOptions"} | {
    *("tableDefinitions", "userDefinedFunctionResources", "createSession", "scriptOptions"),
    *("destinationEncryptionConfiguration", "connectionProperties", "continuous"),
    *("writeIncrementalResults", "queryResultsFormat", "systemVariables"),
}


def status_of(error: BigQueryError) -> tuple[int, str, str]:
    """HTTP status, reason and canonical code."""
    return next(rest for kind, *rest in STATUS if isinstance(error, kind))  # type: ignore[return-value]


def error_proto(error: BigQueryError) -> dict[str, str]:
    """ErrorProto, as jobs carry it."""
    proto = {"reason": status_of(error)[1], "message": error.message}
    return proto | ({"location": error.location} if error.location else {})


def error_body(error: BigQueryError) -> dict[str, Any]:
    """Google's error envelope."""
    status, reason, code = status_of(error)
    detail = {"message": error.message, "domain": "global", "reason": reason}
    if error.location:
        detail |= {"location": error.location, "locationType": "parameter"}
    return {"error": {"code": status, "message": error.message, "errors": [detail], "status": code}}


# insertAll


def insert_rows(body: Mapping[str, Any]) -> list[Row]:
    """The rows of a TableDataInsertAllRequest. Raises NotSupported, BadValue."""
    if body.get("templateSuffix"):
        raise NotSupported("templateSuffix of an insertAll request", "templateSuffix")
    rows = body.get("rows") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadValue("rows", type(rows).__name__, "a list of objects")
    return [Row(_insert_id(row), row.get("json")) for row in rows]


def _insert_id(row: Mapping[str, Any]) -> str | None:
    id_ = row.get("insertId") or None
    if id_ is not None and not isinstance(id_, str):
        raise BadValue("rows.insertId", id_, "an insertId is text")
    return id_


def insert_response(errors: Iterable[InsertError]) -> dict[str, Any]:
    """TableDataInsertAllResponse."""
    response: dict[str, Any] = {"kind": "bigquery#tableDataInsertAllResponse"}
    listed = [
        {
            "index": error.index,
            "errors": [
                {
                    "reason": error.reason,
                    "location": error.location,
                    "debugInfo": "",
                    "message": error.message,
                }
            ],
        }
        for error in errors
    ]
    return response | ({"insertErrors": listed} if listed else {})


# Queries and jobs


def read_query(project: str, config: Mapping[str, Any], dry_run: bool = False) -> Query:
    """A QueryRequest, or the `query` part of a JobConfiguration. Raises Invalid and its kin."""
    resources.check_keys("query", config, _UNDERSTOOD | _HARMLESS | _REFUSED, _REFUSED)
    if config.get("useLegacySql", True):
        raise NotSupported("legacy SQL; set useLegacySql to false", "useLegacySql")
    dataset = config.get("defaultDataset") or {}
    if dataset.get("projectId", project) != project:
        raise NotSupported("a defaultDataset of another project", "defaultDataset")
    target = config.get("destinationTable")
    return Query(
        sql=str(resources.required(config, "query", "query")),
        project=project,
        dataset=dataset.get("datasetId"),
        parameters=parameters.parse(config.get("queryParameters") or ()),
        destination=_destination(project, target) if target else None,
        write=config.get("writeDisposition") or "WRITE_EMPTY",
        create=config.get("createDisposition") or "CREATE_IF_NEEDED",
        dry_run=dry_run or bool(config.get("dryRun")),
    )


def _destination(project: str, target: Mapping[str, Any]) -> Name:
    table = str(resources.required(target, "tableId", "destinationTable.tableId"))
    if "$" in table:
        raise NotSupported(f"partition decorator in {table}", "destinationTable.tableId")
    dataset = str(resources.required(target, "datasetId", "destinationTable.datasetId"))
    return Name(target.get("projectId") or project, dataset, table)


def job_resource(job: Job, processed: int) -> dict[str, Any]:
    """The API's Job; `processed` is the bytes of the tables that it read."""
    times = {
        "creationTime": job.created_ms,
        "startTime": job.started_ms,
        "endTime": job.ended_ms if job.done.is_set() else None,
    }
    statistics: dict[str, Any] = {k: str(v) for k, v in times.items() if v is not None}
    if isinstance(job.outcome, Loaded):
        statistics["load"] = wire_load.statistics(job.outcome)
    elif isinstance(job.outcome, Copied):
        statistics["copy"] = wire_copy.statistics(job.outcome)
    elif isinstance(job.outcome, Extracted):
        statistics["extract"] = wire_extract.statistics(job.outcome)
    elif isinstance(job.work, Query) and isinstance(job.outcome, Outcome):
        statistics["totalBytesProcessed"] = str(processed)
        statistics["query"] = _query_statistics(job.outcome, processed, job.work.dry_run)
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


def _configuration(job: Job) -> dict[str, Any]:
    """JobConfiguration, in the end with the table that a query wrote."""
    configuration = {"jobType": kind_of(job.work), **job.configuration}
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


def _query_statistics(outcome: Outcome, processed: int, dry_run: bool) -> dict[str, Any]:
    statistics: dict[str, Any] = {
        "statementType": outcome.kind,
        "totalBytesProcessed": str(processed),
        "totalBytesBilled": "0",
        "cacheHit": False,
        "referencedTables": [table_reference(table.name) for table in outcome.tables],
    }
    if dry_run:
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


def query_response(
    kind: str,
    job: Job,
    processed: int,
    page: Page | None,
    rows: object | None,
) -> dict[str, Any]:
    """A page of a finished job's result, None if it has no rows. Raises Invalid for a load job.

    `rows` are the page's in the wire's form. Without them the answer has no `rows`, not even an
    empty list: the official clients would take that for the first page.
    """
    outcome = job.outcome
    if not isinstance(outcome, Outcome):
        raise Invalid(
            f"Cannot return the rows of {job.id}: it is a {kind_of(job.work).lower()} job"
        )
    response = pending_response(kind, job) | {"jobComplete": True}
    response |= {"totalBytesProcessed": str(processed), "cacheHit": False} | _affected(outcome)
    if outcome.kind == "SELECT":
        response["schema"] = {"fields": to_resource(outcome.fields)}
    if page is None:
        return response
    response["totalRows"] = str(page.total)
    if rows is not None:
        response["rows"] = rows
        response |= {"pageToken": page.token} if page.token else {}
    return response
