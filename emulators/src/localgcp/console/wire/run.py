"""Cloud Run Admin API v1 (Knative serving): what gcloud run services list and describe ask."""

from __future__ import annotations

import asyncio
from typing import Any

from localgcp.asgi import Reply, Request, Route
from localgcp.console.domain.facts import Service
from localgcp.console.domain.running import Running
from localgcp.console.errors import NotFound

_VERSION = "serving.knative.dev/v1"
_ANY = "-"
CONDITIONS = ("Ready", "ConfigurationsReady", "RoutesReady")


class RunCalls:
    """The methods over what runs."""

    def __init__(self, running: Running) -> None:
        self._running = running

    def routes(self) -> list[Route]:
        """By namespace, as one region's endpoint has it, and by location, as the global one."""
        found = []
        for base in (
            "/apis/serving.knative.dev/v1/namespaces/{project}/services",
            "/v1/namespaces/{project}/services",
            "/v1/projects/{project}/locations/{region}/services",
        ):
            found += [
                Route("GET", base, self._list),
                Route("GET", f"{base}/{{service}}", self._get),
            ]
        return found

    async def _list(self, request: Request, project: str, region: str = _ANY) -> Reply:
        found = await asyncio.to_thread(self._running.services, project, region)
        items = [self._resource(each, is_well) for each, is_well in found]
        kind = {"apiVersion": _VERSION, "kind": "ServiceList"}
        return Reply.json({**kind, "metadata": {}, "items": items})

    async def _get(self, request: Request, project: str, service: str, region: str = _ANY) -> Reply:
        for each, is_well in await asyncio.to_thread(self._running.services, project, region):
            if each.name == service:
                return Reply.json(self._resource(each, is_well))
        raise NotFound("service", f"namespaces/{project}/services/{service}")

    def _resource(self, service: Service, is_well: bool) -> dict[str, Any]:
        facts = self._running.facts
        revision = f"{service.name}-00001-lcl"
        metadata = {
            "name": service.name,
            "namespace": facts.project,
            "creationTimestamp": service.started,
            "generation": 1,
            "labels": {"cloud.googleapis.com/location": facts.region},
        }
        container = {"name": service.name, "ports": [{"containerPort": _port(service.url)}]}
        traffic = [{"percent": 100, "latestRevision": True}]
        template = {"metadata": {"name": revision}, "spec": {"containers": [container]}}
        status = {
            "observedGeneration": 1,
            "conditions": [
                {
                    "type": kind,
                    "status": "True" if is_well else "False",
                    "lastTransitionTime": service.started,
                }
                for kind in CONDITIONS
            ],
            "latestReadyRevisionName": revision,
            "latestCreatedRevisionName": revision,
            "traffic": [{**each, "revisionName": revision} for each in traffic],
            "url": service.url,
            "address": {"url": service.url},
        }
        return {
            "apiVersion": _VERSION,
            "kind": "Service",
            "metadata": metadata,
            "spec": {"template": template, "traffic": traffic},
            "status": status,
        }


def _port(url: str) -> int:
    port = url.rpartition(":")[2].rstrip("/")
    return int(port) if port.isdecimal() else 80
