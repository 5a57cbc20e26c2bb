"""A JobConfiguration on the wire -> the work that it asks for; which jobs a list asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.errors import BadValue, NotSupported
from localgcp.bigquery.jobs.job import Job, Work
from localgcp.bigquery.rest import wire, wire_copy, wire_extract, wire_load
from localgcp.bigquery.rest.call import MethodCall

_KNOWN = (
    "query",
    "load",
    "copy",
    "extract",
    "dryRun",
    "labels",
    "jobTimeoutMs",
    "jobType",
    "reservation",
)
_STATES = ("pending", "running", "done")


def read_work(project: str, configuration: Mapping[str, Any], media: bytes | None) -> Work:
    """The one part that says what to do. Raises MissingField, BadValue, NotSupported."""
    resources.check_keys("job configuration", configuration, (*_KNOWN, "maxSlots"), ())
    wire.check_labels(configuration.get("labels"))
    dry_run = bool(configuration.get("dryRun"))
    for kind in ("load", "copy", "extract"):
        if kind in configuration and dry_run:
            raise NotSupported(f"dryRun of a {kind} job", "configuration.dryRun")
    if "load" in configuration:
        return wire_load.read_load(project, configuration["load"], media)
    if "copy" in configuration:
        return wire_copy.read_copy(project, configuration["copy"])
    if "extract" in configuration:
        return wire_extract.read_extract(project, configuration["extract"])
    query = resources.required(configuration, "query", "configuration.query")
    return wire.read_query(project, query, dry_run)


def is_listed(call: MethodCall, job: Job) -> bool:
    """Whether jobs.list with this query is asked for the job, whoever's it is. Raises BadValue."""
    earliest, latest = call.number("minCreationTime", 0), call.number("maxCreationTime", 0)
    states = [state.lower() for state in call.query.get("stateFilter", "").split(",") if state]
    for state in states:
        if state not in _STATES:
            raise BadValue("stateFilter", state, f"one of {', '.join(_STATES)}")
    if job.parent != (call.query.get("parentJobId") or None):
        return False
    if job.created_ms < earliest or (latest and job.created_ms > latest):
        return False
    return not states or job.state.lower() in states


def page(call: MethodCall, jobs: list[Job]) -> tuple[list[Job], str | None]:
    """The page that jobs.list with this query asks for, and the token of the next. Raises BadValue.

    A token is the last job's time and id: a job of that time may be forgotten meanwhile.
    """
    token, size = call.query.get("pageToken"), call.number("maxResults", 1000) or 1000
    start = 0
    if token:
        when, _, id_ = token.partition(":")
        last = resources.integer(when, "pageToken")
        ids = [job.id for job in jobs]
        older = (place for place, job in enumerate(jobs) if job.created_ms < last)
        start = ids.index(id_) + 1 if id_ in ids else next(older, len(jobs))
    found = jobs[start : start + size]
    more = bool(found) and start + size < len(jobs)
    return found, f"{found[-1].created_ms}:{found[-1].id}" if more else None
