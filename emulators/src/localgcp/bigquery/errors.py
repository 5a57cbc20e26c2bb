"""What can go wrong in BigQuery's domain: one class a failure. No status codes here.

The eight kinds at the top are what the wire distinguishes (`wire.py` maps each to Google's status
and reason); the classes below them are the failures themselves, worded as BigQuery words them.
"""

from __future__ import annotations

from dataclasses import dataclass


class BigQueryError(Exception):
    """Base of every failure that a client is told of; `location` names the field at fault."""

    def __init__(self, message: str, location: str = "") -> None:
        self.message, self.location = message, location
        super().__init__(message)


class NotFound(BigQueryError):
    """A thing that was named does not exist."""


class AlreadyExists(BigQueryError):
    """A thing that should be made exists."""


class Invalid(BigQueryError):
    """The request itself is wrong."""


class InvalidQuery(BigQueryError):
    """The SQL is wrong, or failed while it ran."""


class InUse(BigQueryError):
    """The thing cannot go while others need it."""


class PreconditionFailed(BigQueryError):
    """The resource has changed since the client read it."""


class Aborted(BigQueryError):
    """Another client has changed the same thing meanwhile: read it again, then write."""


class TooLarge(BigQueryError):
    """More than BigQuery takes in one request."""


class Unavailable(BigQueryError):
    """Nothing is wrong with the request; later it may succeed (a full disk)."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The emulator cannot store or read its data now; try again later: {why}")


class EvaluatorAway(Unavailable):
    """The process that reads GoogleSQL is not there; without it nothing would be checked."""

    def __init__(self, why: str) -> None:
        BigQueryError.__init__(self, f"The SQL evaluator is not available; try again later: {why}")


class DatasetNotFound(NotFound):
    """No such dataset."""

    def __init__(self, project: str, dataset: str) -> None:
        super().__init__(f"Not found: Dataset {project}:{dataset}")


class TableNotFound(NotFound):
    """No such table or view."""

    def __init__(self, project: str, dataset: str, table: str) -> None:
        super().__init__(f"Not found: Table {project}:{dataset}.{table}")


class JobNotFound(NotFound):
    """No such job: never made, or forgotten (jobs live in memory, the oldest go first)."""

    def __init__(self, project: str, job: str) -> None:
        super().__init__(f"Not found: Job {project}:{job}")


class DatasetExists(AlreadyExists):
    """The dataset is there."""

    def __init__(self, project: str, dataset: str) -> None:
        super().__init__(f"Already Exists: Dataset {project}:{dataset}")


class TableExists(AlreadyExists):
    """The table or view is there."""

    def __init__(self, project: str, dataset: str, table: str) -> None:
        super().__init__(f"Already Exists: Table {project}:{dataset}.{table}")


class JobExists(AlreadyExists):
    """A job of this id was made before."""

    def __init__(self, project: str, job: str) -> None:
        super().__init__(f"Already Exists: Job {project}:{job}")


class DatasetInUse(InUse):
    """A dataset that holds tables is deleted only with deleteContents."""

    def __init__(self, project: str, dataset: str) -> None:
        super().__init__(f"Dataset {project}:{dataset} is still in use")


class EtagMismatch(PreconditionFailed):
    """If-Match named another version."""

    def __init__(self, etag: str, current: str) -> None:
        super().__init__(f"Precondition check failed: etag {etag} is not the current {current}")


class PolicyChanged(Aborted):
    """The etag of a policy is not that of the current one."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"There were concurrent policy changes to {table}. Please retry the whole"
            " read-modify-write with exponential backoff."
        )


class MissingField(Invalid):
    """A field that the request needs is absent."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Required parameter is missing: {name}", name)


class BadValue(Invalid):
    """A field of the request holds what it cannot hold."""

    def __init__(self, name: str, value: object, why: str) -> None:
        super().__init__(f"Invalid value for {name}: {value!r}: {why}", name)


class NotSupported(Invalid):
    """BigQuery knows this, the emulator does not: refused, never ignored."""

    def __init__(self, what: str, location: str = "") -> None:
        super().__init__(f"not supported by the emulator: {what}", location)


class SchemaChangeRefused(Invalid):
    """A schema patch that is neither an addition nor a relaxation."""

    def __init__(self, table: str, why: str) -> None:
        super().__init__(f"Provided Schema does not match Table {table}. {why}", "schema")


class NotATable(Invalid):
    """Rows were sent to, or asked of, a view, or sent to a snapshot."""

    def __init__(self, name: str, action: str, kind: str = "view") -> None:
        super().__init__(f"Cannot {action} {name}: it is a {kind}")


class NoRows(Invalid):
    """An insertAll with nothing in it."""

    def __init__(self) -> None:
        super().__init__("No rows present in the request.", "rows")


class TooManyRows(Invalid):
    """An insertAll with more rows than one request takes."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"too many rows present in the request, limit: {limit} row count: {count}")


@dataclass(frozen=True, slots=True)
class Warned:
    """A bad row of a file, and the object that it is in."""

    message: str
    uri: str = ""


class LoadFailed(Invalid):
    """Too many lines of a file are no rows of its table; `told` describes the first of them."""

    def __init__(self, rows: int, bad: int, told: tuple[Warned, ...], uri: str = "") -> None:
        self.told = told
        super().__init__(
            "Error while reading data, error message: the table encountered too many errors,"
            f" giving up. Rows: {rows}; errors: {bad}. Please look into the errors[] collection for"
            " more details.",
            uri,
        )


class UploadNotFound(NotFound):
    """No such resumable upload: never begun, finished, or pushed out by newer ones."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"Not found: Upload {id_}")


class RequestTooLarge(TooLarge):
    """A body beyond the documented limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"Request payload size exceeds the limit: {limit} bytes.")


class ResponseTooLarge(InvalidQuery):
    """A result that the emulator would not hold in memory."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"Response too large to return: it exceeds {limit} bytes; add LIMIT, or name a"
            " destinationTable"
        )


class SyntaxRefused(InvalidQuery):
    """The parser does not understand the SQL; line and column count from 1."""

    def __init__(self, what: str, line: int, column: int) -> None:
        super().__init__(f"Syntax error: {what} at [{line}:{column}]", "query")


class NameUnknown(InvalidQuery):
    """A column that no table in scope has."""

    def __init__(self, name: str, line: int | None, column: int | None) -> None:
        where = f" at [{line}:{column}]" if line is not None else ""
        super().__init__(f"Unrecognized name: {name}{where}", "query")


class SqlNotSupported(InvalidQuery):
    """GoogleSQL that is right but has no translation: better refused than answered wrongly."""

    def __init__(self, what: str) -> None:
        super().__init__(f"not supported by the emulator: {what}", "query")


class EvaluatorBound(SqlNotSupported):
    """Only the reference evaluator knows the statement, and its tables are too large for it."""

    def __init__(self, rows: int, size: int) -> None:
        super().__init__(
            f"this statement over tables of more than {rows} rows or {size} bytes: only the"
            " reference evaluator knows it"
        )


class DuplicateColumn(InvalidQuery):
    """Two columns of a result have one name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Duplicate column names in the result are not supported. Found duplicate(s): {name}"
        )


class PartitionFilterMissing(InvalidQuery):
    """The table asks for a filter on its partition column, the query has none."""

    def __init__(self, table: str, column: str) -> None:
        super().__init__(
            f"Cannot query over table '{table}' without a filter over column(s) '{column}' that can"
            " be used for partition elimination"
        )


class QueryFailed(InvalidQuery):
    """The SQL was understood, and its evaluation failed."""


class MatchedTwice(QueryFailed):
    """A row is to be changed to more than one thing."""

    def __init__(self) -> None:
        super().__init__("UPDATE/MERGE must match at most one source row for each target row")


class ResourcesExceeded(QueryFailed):
    """More memory than the emulator has for a query."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Resources exceeded during query execution: {why}")


class TimedOut(QueryFailed):
    """It ran for longer than a statement may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Operation timed out: it ran for more than {seconds:g} seconds")


class RecursionUnbounded(QueryFailed):
    """A recursive CTE goes on past its 500th iteration (Recursive CTEs, "Limits")."""

    def __init__(self) -> None:
        super().__init__("A recursive CTE has reached the maximum number of iterations: 500")


class QueryCancelled(BigQueryError):
    """Someone cancelled the job."""

    def __init__(self) -> None:
        super().__init__("Job execution was cancelled: User requested cancellation")
