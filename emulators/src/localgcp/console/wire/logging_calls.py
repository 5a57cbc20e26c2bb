"""Cloud Logging API v2: entries.list, entries.write and projects.logs.list."""

from __future__ import annotations

import asyncio
from typing import Any

from localgcp.asgi import Reply, Request, Route
from localgcp.console.domain.logs import MOST_PAGE, Asked, Logs
from localgcp.console.domain.running import Running
from localgcp.console.errors import Invalid, NotSupported
from localgcp.console.wire.answers import MOST_BODY

_ORDERS = {"": False, "timestamp": False, "timestamp asc": False, "timestamp desc": True}
_PAGE = 50
_LIST = frozenset(("resourceNames", "projectIds", "filter", "orderBy", "pageSize", "pageToken"))
_SHARED = ("logName", "resource", "labels")
_WRITE = frozenset(("entries", "logName", "resource", "labels", "partialSuccess", "dryRun"))


class LoggingCalls:
    """The methods over the logs of what runs."""

    def __init__(self, running: Running, logs: Logs) -> None:
        self._running, self._logs = running, logs

    def routes(self) -> list[Route]:
        """Every method."""
        return [
            Route("POST", "/v2/entries:list", self._list),
            Route("POST", "/v2/entries:write", self._write),
            Route("GET", "/v2/projects/{project}/logs", self._names),
        ]

    async def _list(self, request: Request) -> Reply:
        asked = _asked(await request.json(MOST_BODY))
        found, token = await asyncio.to_thread(self._logs.read, self._running.facts, asked)
        page: dict[str, Any] = {"entries": found} if found else {}
        return Reply.json({**page, "nextPageToken": token} if token else page)

    async def _write(self, request: Request) -> Reply:
        asked = await request.json(MOST_BODY)
        _known(asked, _WRITE)
        shared = {name: each for name, each in asked.items() if name in _SHARED}
        if not asked.get("dryRun"):
            self._logs.write(asked.get("entries", []), shared)
        return Reply.json({})

    async def _names(self, request: Request, project: str) -> Reply:
        found = await asyncio.to_thread(self._logs.names, self._running.facts, project)
        return Reply.json({"logNames": found})


def _asked(body: dict[str, Any]) -> Asked:
    _known(body, _LIST)
    order, size = body.get("orderBy", ""), body.get("pageSize", _PAGE)
    names = body.get("resourceNames", [])
    names = names + [f"projects/{each}" for each in body.get("projectIds", [])]
    if order not in _ORDERS:
        raise Invalid("orderBy", order, "it is timestamp asc or timestamp desc")
    if not isinstance(size, int) or size < 0:
        raise Invalid("pageSize", size, "it should be a whole number")
    if not names:
        raise Invalid("resourceNames", names, "it should name a project")
    for name in ("filter", "pageToken"):
        if not isinstance(body.get(name, ""), str):
            raise Invalid(name, body[name], "it should be a text")
    return Asked(
        frozenset(map(_project, names)),
        body.get("filter", ""),
        _ORDERS[order],
        min(size or _PAGE, MOST_PAGE),
        body.get("pageToken", ""),
    )


def _known(body: dict[str, Any], names: frozenset[str]) -> None:
    if unknown := body.keys() - names:
        raise Invalid(min(unknown), body[min(unknown)], "there is no such field")


def _project(name: Any) -> str:
    kind, _, project = str(name).partition("/")
    if kind != "projects" or not project:
        raise Invalid("resourceNames", name, "it should be projects/PROJECT")
    if "/" in project:
        raise NotSupported(f"log buckets and views: {name}")
    return project
