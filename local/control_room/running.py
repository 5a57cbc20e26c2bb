"""What the flow's view asks: who is who, the scenarios, the tasks, the account."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from event_types import registry
from event_types.dead_letter import REASONS
from local.control_room.room import Api, Call, Room
from local.wire import ask


def about(room: Room, call: Call) -> dict[str, Any]:
    """The names of record, where each part listens, and the event types."""
    names = room.stack.names
    return {
        "project": names.project_id,
        "environment": names.environment,
        "topic": names.topic,
        "subscription": names.subscription,
        "function": names.table_manager,
        "job": names.job,
        "dataset": names.dataset,
        "bucket": names.bucket,
        "window_seconds": names.window_seconds,
        "generator_docs": f"{room.stack.url('generator')}/docs",
        "types": [{"name": each.name, "table": each.table} for each in registry.ALL],
        "reasons": {str(reason): text for reason, text in REASONS.items()},
    }


def scenarios(room: Room, call: Call) -> Any:
    """Every request that has a name."""
    return ask("GET", f"{room.stack.url('generator')}/scenarios")


def tasks(room: Room, call: Call) -> Any:
    """Every task of the generator, the newest first."""
    return ask("GET", f"{room.stack.url('generator')}/generate/status")


def start_scenario(room: Room, call: Call) -> Any:
    """Start one by its name."""
    name = quote(call.path["name"], safe="")
    return ask("POST", f"{room.stack.url('generator')}/scenarios/{name}/start")


def generate(room: Room, call: Call) -> Any:
    """Start a load of the user's own; the generator checks it."""
    return ask("POST", f"{room.stack.url('generator')}/generate/start", dict(call.body))


def stop_task(room: Room, call: Call) -> Any:
    """Stop one task."""
    task = quote(call.path["id"], safe="")
    return ask("DELETE", f"{room.stack.url('generator')}/generate/stop/{task}")


def reconcile(room: Room, call: Call) -> Any:
    """Read every id back now."""
    room.account.start()
    return room.account.as_json()


def alerts(room: Room, call: Call) -> Any:
    """Every rule of the cloud's, by the last look."""
    return {"alerts": room.alerts.as_json()}


APIS = (
    Api("GET", "/api/about", about),
    Api("GET", "/api/scenarios", scenarios),
    Api("GET", "/api/tasks", tasks),
    Api("GET", "/api/alerts", alerts),
    Api("POST", "/api/scenarios/{name}/start", start_scenario),
    Api("POST", "/api/generate", generate),
    Api("DELETE", "/api/tasks/{id}", stop_task),
    Api("POST", "/api/reconcile", reconcile),
)
