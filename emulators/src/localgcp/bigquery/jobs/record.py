"""A job as it is kept on disk: all of it but the rows of its result, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from localgcp.bigquery import errors
from localgcp.bigquery.catalog.routines import RoutineName
from localgcp.bigquery.catalog.schema import field_of
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import BigQueryError, LoadFailed, Unavailable, Warned
from localgcp.bigquery.jobs.copies import Copied
from localgcp.bigquery.jobs.extracts import Extracted
from localgcp.bigquery.jobs.job import Job, Result
from localgcp.bigquery.jobs.loads import Loaded
from localgcp.bigquery.jobs.query import Outcome

# What an error is on the wire hangs on its kind, the nearest first; its text is kept as it is.
_KINDS: tuple[type[BigQueryError], ...] = (
    errors.LoadFailed,
    errors.QueryCancelled,
    errors.ResourcesExceeded,
    errors.NotFound,
    errors.AlreadyExists,
    errors.InUse,
    errors.PreconditionFailed,
    errors.Aborted,
    errors.InvalidQuery,
    errors.Invalid,
    errors.TooLarge,
    errors.Unavailable,
    errors.BigQueryError,
)
_BY_NAME = {kind.__name__: kind for kind in _KINDS}
_PLAIN = (
    *("project", "id", "location", "kind", "configuration", "created_ms", "started_ms"),
    *("ended_ms", "text", "dry_run", "read_bytes", "parent", "evaluation", "children"),
)


class Interrupted(Unavailable):
    """The emulator ended while the job ran."""

    def __init__(self) -> None:
        BigQueryError.__init__(self, "The emulator ended while the job ran; start it again")


def kept(job: Job) -> dict[str, Any]:
    """What `restored` reads."""
    record = {name: getattr(job, name) for name in _PLAIN}
    record["referenced"] = [asdict(name) for name in job.referenced]
    if job.ended_ms is not None and job.error is not None:
        record["error"] = _error(job.error)
    elif job.ended_ms is not None and job.outcome is not None:
        record["outcome"] = {"is": type(job.outcome).__name__, **_outcome(job.outcome)}
    return record


def restored(record: Mapping[str, Any]) -> Job:
    """A job that was kept; one that had not ended ends now, as an error."""
    plain = {name: record[name] for name in _PLAIN}
    job = Job(**plain, referenced=tuple(Name(**each) for each in record["referenced"]))
    if "error" in record:
        job.error = _failure(record["error"])
    elif "outcome" in record:
        job.outcome = _result(record["outcome"])
    else:
        job.error = Interrupted()
        job.ended_ms = job.ended_ms or job.started_ms or job.created_ms
    job.done.set()
    return job


def _error(error: BigQueryError) -> dict[str, Any]:
    kind = next(each for each in _KINDS if isinstance(error, each))
    told = [asdict(each) for each in error.told] if isinstance(error, LoadFailed) else []
    return {
        "is": kind.__name__,
        "message": error.message,
        "location": error.location,
        "told": told,
    }


def _failure(record: Mapping[str, Any]) -> BigQueryError:
    kind = _BY_NAME[record["is"]]
    error = kind.__new__(kind)  # its text is made already
    BigQueryError.__init__(error, record["message"], record["location"])
    if isinstance(error, LoadFailed):
        error.told = tuple(Warned(**each) for each in record["told"])
    return error


def _outcome(outcome: Result) -> dict[str, Any]:
    if not isinstance(outcome, Outcome):
        return asdict(outcome)
    return {
        "kind": outcome.kind,
        "fields": [asdict(field) for field in outcome.fields],
        "affected": dict(outcome.affected),
        "target": asdict(outcome.target) if outcome.target else None,
        "operation": outcome.operation,
        "routine": asdict(outcome.routine) if outcome.routine else None,
        "schema": outcome.schema,
        "dry_run": outcome.dry_run,
        "script": outcome.script,
    }


def _result(record: Mapping[str, Any]) -> Result:
    kind, values = record["is"], {key: record[key] for key in record if key != "is"}
    if kind == "Loaded":
        warnings = [Warned(**each) for each in values["warnings"]]
        return Loaded(**{**values, "warnings": warnings})
    if kind == "Copied":
        return Copied(**values)
    if kind == "Extracted":
        return Extracted(tuple(values["files"]), values["read_bytes"])
    target, routine, schema = (values[key] for key in ("target", "routine", "schema"))
    return Outcome(
        **values
        | {
            "fields": tuple(field_of(each) for each in values["fields"]),
            "target": Name(**target) if target else None,
            "routine": RoutineName(**routine) if routine else None,
            "schema": tuple(schema) if schema else None,
        }
    )
