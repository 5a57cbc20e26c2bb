"""Dataflow API v1b3, projects.jobs and projects.locations.jobs: to look at a job and drain it."""

from __future__ import annotations

import asyncio
from typing import Any

from localgcp.asgi import Reply, Request, Route
from localgcp.console.domain.logs import Asked, Logs
from localgcp.console.domain.running import Running, Seen
from localgcp.console.errors import Invalid
from localgcp.console.wire.answers import MOST_BODY

_ENDED = ("JOB_STATE_DONE", "JOB_STATE_DRAINED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED")
_FILTERS = ("ALL", "ACTIVE", "TERMINATED", "UNKNOWN")
_IMPORTANCE = {"DEBUG": "DEBUG", "WARNING": "WARNING", "ERROR": "ERROR", "CRITICAL": "ERROR"}
_NUMBERS = {5: "JOB_STATE_CANCELLED", 8: "JOB_STATE_DRAINED"}
_ANY = "-"
MOST_MESSAGES = 1_000


class DataflowCalls:
    """The methods over what runs."""

    def __init__(self, running: Running, logs: Logs) -> None:
        self._running, self._logs = running, logs

    def routes(self) -> list[Route]:
        """Every method, regional and not."""
        regional = "/v1b3/projects/{project}/locations/{region}/jobs"
        anywhere = "/v1b3/projects/{project}/jobs"
        found = [Route("GET", f"{anywhere}:aggregated", self._list)]
        for base in (regional, anywhere):
            found += [
                Route("GET", base, self._list),
                Route("GET", f"{base}/{{job}}", self._get),
                Route("PUT", f"{base}/{{job}}", self._update),
                Route("GET", f"{base}/{{job}}/metrics", self._metrics),
                Route("GET", f"{base}/{{job}}/messages", self._messages),
            ]
        return found

    async def _list(self, request: Request, project: str, region: str = _ANY) -> Reply:
        wanted = request.query.get("filter", "UNKNOWN")
        if wanted not in _FILTERS:
            raise Invalid("filter", wanted, f"it is one of {', '.join(_FILTERS)}")
        seen = await asyncio.to_thread(self._running.jobs, project, region)
        named = request.query.get("name")
        found = [
            self._resource(project, each)
            for each in seen
            if (wanted not in ("ACTIVE", "TERMINATED"))
            or (each.state in _ENDED) == (wanted == "TERMINATED")
        ]
        return Reply.json({"jobs": [each for each in found if named in (None, each["name"])]})

    async def _get(self, request: Request, project: str, job: str, region: str = _ANY) -> Reply:
        seen = await asyncio.to_thread(self._running.job, project, region, job)
        return Reply.json(self._resource(project, seen))

    async def _update(self, request: Request, project: str, job: str, region: str = _ANY) -> Reply:
        asked = await request.json(MOST_BODY)
        state = asked.get("requestedState")
        if isinstance(state, int):  # Google's Python library writes an enum as its number
            state = _NUMBERS.get(state, str(state))
        if not isinstance(state, str):
            raise Invalid("requestedState", state, "it should be a state of a job")
        seen = await asyncio.to_thread(self._running.ask_for, project, region, job, state)
        return Reply.json({**self._resource(project, seen), "requestedState": state})

    async def _metrics(self, request: Request, project: str, job: str, region: str = _ANY) -> Reply:
        seen = await asyncio.to_thread(self._running.job, project, region, job)
        now = self._running.now()
        return Reply.json({"metricTime": now, "metrics": list(_metrics(seen, now))})

    async def _messages(
        self, request: Request, project: str, job: str, region: str = _ANY
    ) -> Reply:
        seen = await asyncio.to_thread(self._running.job, project, region, job)
        wanted = f'resource.type="dataflow_step" resource.labels.job_id="{seen.job.id}"'
        asked = Asked(frozenset((project,)), wanted, newest_first=True, size=MOST_MESSAGES)
        found, _ = await asyncio.to_thread(self._logs.read, self._running.facts, asked)
        return Reply.json({"jobMessages": [_message(each) for each in reversed(found)]})

    def _resource(self, project: str, seen: Seen) -> dict[str, Any]:
        """A Job; `currentStateTime` is when the state was first seen."""
        job = seen.job
        return {
            "id": job.id,
            "projectId": project,
            "name": job.name,
            "type": "JOB_TYPE_STREAMING",
            "currentState": seen.state,
            "currentStateTime": seen.since,
            "createTime": job.started,
            "startTime": job.started,
            "location": self._running.facts.region,
            "environment": {"userAgent": {"name": "Apache Beam SDK for Python"}},
        }


def _metrics(seen: Seen, now: str) -> list[dict[str, Any]]:
    """The user's counters by their names, and what the runner counts."""
    figures = seen.figures
    found = []
    for whole, value in figures.get("counters", {}).items():
        namespace, _, name = str(whole).rpartition(".")
        context = {"namespace": namespace} if namespace else {}
        found.append({"origin": "user", "name": name, "context": context, "value": value})
    for name in ("pulled", "acked", "outstanding", "failed_bundles", "dropped_late"):
        if name in figures:
            origin = "localgcp/beam"
            found.append({"origin": origin, "name": name, "context": {}, "value": figures[name]})
    return [
        {
            "name": {name: each[name] for name in ("origin", "name", "context")},
            "scalar": each["value"],
            "updateTime": now,
        }
        for each in found
    ]


def _message(entry: dict[str, Any]) -> dict[str, Any]:
    payload = entry.get("jsonPayload", {})
    text = entry.get("textPayload") or payload.get("message", "")
    importance = _IMPORTANCE.get(entry["severity"], "BASIC")
    return {
        "id": entry["insertId"],
        "time": entry["timestamp"],
        "messageText": text,
        "messageImportance": f"JOB_MESSAGE_{importance}",
    }
