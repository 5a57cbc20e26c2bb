"""Tells the console what runs in the stack, so that gcloud finds the job, function and service."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

from local.attached import Reachable
from local.errors import NotDone
from local.wire import Refused, ask, get

JOB_ID = "%Y-%m-%d_%H_%M_%S"
"""How Dataflow begins a job's id: with the time of its start."""


RUNS = ("STARTING", "RUNNING", "DRAINING")
"""The states of a job that is under way."""


def tell(stack: Reachable) -> None:
    """Put the facts where the console takes them. Raises NotDone with what it says."""
    try:
        ask("PUT", _page(stack), facts(stack, datetime.now(UTC)))
    except Refused as refusal:
        raise NotDone(f"console: {refusal}") from refusal


def keep_told(stack: Reachable) -> None:
    """Tell them unless they were told of a job that is under way: it is the same one.

    Raises NotDone.
    """
    told, job = get(_page(stack)) or {}, get(f"{stack.url('pipeline')}/status") or {}
    if not told.get("jobs") or job.get("state") not in RUNS:
        tell(stack)


def _page(stack: Reachable) -> str:
    return f"{stack.url('console')}/_emulator/facts"


def facts(stack: Reachable, now: datetime) -> dict[str, Any]:
    """What runs, by the names of record; all of it has begun by `now`."""
    names, started = stack.names, now.isoformat(timespec="milliseconds")
    function, service = stack.url("table_manager"), stack.url("generator")
    version = f"{sys.version_info.major}{sys.version_info.minor}"
    return {
        "project": names.project_id,
        "region": names.region,
        "jobs": [
            {
                "id": f"{now.strftime(JOB_ID)}-{now.microsecond:06}",
                "name": names.job,
                "started": started,
                "status": f"{stack.url('pipeline')}/status",
                "drain": f"{stack.url('pipeline')}/drain",
                "log": "pipeline",
            }
        ],
        "functions": [
            {
                "name": names.table_manager,
                "url": function,
                "started": started,
                "health": f"{function}/robots.txt",
                "log": "table_manager",
                "runtime": f"python{version}",
                "entry_point": "manage_table",
                "topic": names.table_requests_topic,
            }
        ],
        "services": [
            {
                "name": names.generator,
                "url": service,
                "started": started,
                "health": f"{service}/readiness",
                "log": "generator",
            }
        ],
    }
