"""Cloud Functions API v2 (and v1's locations): what gcloud functions list and describe ask."""

from __future__ import annotations

import asyncio
from typing import Any

from localgcp.asgi import Reply, Request, Route
from localgcp.console.domain.facts import Function
from localgcp.console.domain.running import Running, works
from localgcp.console.errors import NotFound

_TRIGGER = "google.cloud.pubsub.topic.v1.messagePublished"


class FunctionCalls:
    """The methods over what runs."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def routes(self) -> list[Route]:
        """Every method. The first generation has no function here."""
        places = "projects/{project}/locations"
        functions = f"{places}/{{region}}/functions"
        return [
            Route("GET", f"/v1/{places}", self._places),
            Route("GET", f"/v2/{places}", self._places),
            Route("GET", f"/v2/{functions}", self._list),
            Route("GET", f"/v2/{functions}/{{function}}", self._get),
            Route("GET", f"/v1/{functions}", self._none),
            Route("GET", f"/v1/{functions}/{{function}}", self._no),
        ]

    async def _places(self, request: Request, project: str) -> Reply:
        region = self._running.facts.region
        name = f"projects/{project}/locations/{region}"
        return Reply.json({"locations": [{"name": name, "locationId": region}]})

    async def _list(self, request: Request, project: str, region: str) -> Reply:
        facts = self._running.facts
        if project != facts.project or region not in ("-", facts.region):
            return Reply.json({"functions": []})
        found = [await self._resource(each) for each in facts.functions]
        return Reply.json({"functions": found})

    async def _get(self, request: Request, project: str, region: str, function: str) -> Reply:
        facts = self._running.facts
        if (project, region) == (facts.project, facts.region):
            for each in facts.functions:
                if each.name == function:
                    return Reply.json(await self._resource(each))
        raise NotFound("function", f"projects/{project}/locations/{region}/functions/{function}")

    async def _none(self, request: Request, project: str, region: str) -> Reply:
        return Reply.json({})

    async def _no(self, request: Request, project: str, region: str, function: str) -> Reply:
        raise NotFound("function", f"projects/{project}/locations/{region}/functions/{function}")

    async def _resource(self, function: Function) -> dict[str, Any]:
        facts = self._running.facts
        place = f"projects/{facts.project}/locations/{facts.region}"
        is_well = await asyncio.to_thread(works, function.service)
        found: dict[str, Any] = {
            "name": f"{place}/functions/{function.name}",
            "environment": "GEN_2",
            "state": "ACTIVE" if is_well else "FAILED",
            "url": function.url,
            "createTime": function.started,
            "updateTime": function.started,
            "buildConfig": {"runtime": function.runtime, "entryPoint": function.entry_point},
            "serviceConfig": {
                "service": f"{place}/services/{function.name}",
                "uri": function.url,
            },
        }
        if function.topic:
            trigger = {"eventType": _TRIGGER, "pubsubTopic": function.topic}
            found["eventTrigger"] = {"triggerRegion": facts.region, **trigger}
        return found
