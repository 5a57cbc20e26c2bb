"""The API's JSON: requests read into the domain's terms, and errors written out.

Shapes follow the BigQuery REST reference, v2: QueryRequest, TableDataInsertAllRequest, ErrorProto.
Jobs are written out by `wire_status`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import (
    Aborted,
    AlreadyExists,
    BadValue,
    BigQueryError,
    InUse,
    Invalid,
    InvalidQuery,
    NotFound,
    NotSupported,
    PreconditionFailed,
    QueryCancelled,
    ResourcesExceeded,
    TooLarge,
    Unavailable,
)
from localgcp.bigquery.googlesql import parameters
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rest import wire_load
from localgcp.bigquery.rest.call import undecorated
from localgcp.bigquery.rows.streaming import InsertError, Row

PAGE_ROWS = 50_000
MAX_LABEL = 63

# Kind of failure -> HTTP status, BigQuery's reason, Google's canonical code (Error messages).
STATUS: tuple[tuple[type[BigQueryError], int, str, str], ...] = (
    (NotFound, 404, "notFound", "NOT_FOUND"),
    (AlreadyExists, 409, "duplicate", "ALREADY_EXISTS"),
    (InUse, 400, "resourceInUse", "FAILED_PRECONDITION"),
    (PreconditionFailed, 412, "conditionNotMet", "FAILED_PRECONDITION"),
    (Aborted, 409, "aborted", "ABORTED"),
    (QueryCancelled, 499, "stopped", "CANCELLED"),
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
    *("timePartitioning", "rangePartitioning", "clustering", "schemaUpdateOptions"),
}
_HARMLESS = {"priority", "useQueryCache", "maximumBytesBilled", "allowLargeResults", "labels"} | {
    *("flattenResults", "preserveNulls", "jobTimeoutMs", "reservation", "maxSlots", "kind"),
    *("location", "timeoutMs", "maxResults", "formatOptions", "requestId", "jobCreationMode"),
    *("arrowSerializationOptions", "maximumBillingTier"),
}
_REFUSED = {
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
    if isinstance(id_, str | None):
        return id_
    if isinstance(id_, int | float) and not isinstance(id_, bool):
        return str(id_)  # as JSON of Google's gives a number where it wants text
    raise BadValue("rows.insertId", id_, "an insertId is text")


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


# Queries


def read_query(project: str, config: Mapping[str, Any], dry_run: bool = False) -> Query:
    """A QueryRequest, or the `query` part of a JobConfiguration. Raises Invalid and its kin."""
    resources.check_keys("query", config, _UNDERSTOOD | _HARMLESS | _REFUSED, _REFUSED)
    if config.get("useLegacySql", True):
        raise NotSupported("legacy SQL; set useLegacySql to false", "useLegacySql")
    dataset = config.get("defaultDataset") or {}
    if dataset.get("projectId", project) != project:
        raise NotSupported("a defaultDataset of another project", "defaultDataset")
    target = config.get("destinationTable")
    name, partition = _destination(project, target) if target else (None, None)
    return Query(
        sql=str(resources.required(config, "query", "query")),
        project=project,
        dataset=dataset.get("datasetId"),
        parameters=parameters.parse(config.get("queryParameters") or ()),
        destination=name,
        partition=partition,
        layout={key: config[key] for key in wire_load.LAYOUT if config.get(key)},
        updates=wire_load.updates(config, partition is not None, "query"),
        write=config.get("writeDisposition") or "WRITE_EMPTY",
        create=config.get("createDisposition") or "CREATE_IF_NEEDED",
        dry_run=dry_run or bool(config.get("dryRun")),
    )


_OF_REQUEST = {"timeoutMs", "maxResults", "formatOptions", "requestId", "jobCreationMode"} | {
    *("kind", "location", "arrowSerializationOptions"),
}
_OF_JOB = {"dryRun", "labels", "jobTimeoutMs", "reservation", "maxSlots"}


def configuration_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """The JobConfiguration that a QueryRequest stands for. Raises BadValue."""
    check_labels(request.get("labels"))
    apart = _OF_REQUEST | _OF_JOB
    query = {key: value for key, value in request.items() if key not in apart}
    return {"query": query} | {key: request[key] for key in _OF_JOB if key in request}


def check_labels(labels: object) -> None:
    """Hold a job's labels against the rules (JobConfiguration, labels). Raises BadValue."""
    if labels is not None and not isinstance(labels, dict):
        raise BadValue("configuration.labels", labels, "an object")
    for key, value in (labels or {}).items():
        _check_label("key", key)
        _check_label("value", value)
        if not key[:1].isalpha():
            raise BadValue("configuration.labels, key", key, "it begins with a letter")


def _check_label(what: str, text: object) -> None:
    why = f"at most {MAX_LABEL} lowercase letters, digits, underscores and dashes"
    plain = text.replace("_", "a").replace("-", "a") if isinstance(text, str) else " "
    if len(plain) > MAX_LABEL or plain != plain.lower() or not (plain or "a").isalnum():
        raise BadValue(f"configuration.labels, {what}", text, why)


def _destination(project: str, target: Mapping[str, Any]) -> tuple[Name, str | None]:
    """A table and, by its decorator, a partition of it. Raises MissingField, NotSupported."""
    table = str(resources.required(target, "tableId", "destinationTable.tableId"))
    dataset = str(resources.required(target, "datasetId", "destinationTable.datasetId"))
    return undecorated(Name(target.get("projectId") or project, dataset, table))
