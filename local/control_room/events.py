"""What the view of events asks: search, and one event's way."""

from __future__ import annotations

from typing import Any

from local.asking import warehouse
from local.control_room.room import Api, Call, Room
from local.search import TABLES, search
from local.trace import trace

MOST, SHOWN = 200, 60


def kinds(room: Room, call: Call) -> Any:
    """Every event type, with the dotted paths of its fields."""
    return {name: table.schema_to_api() for name, table in TABLES.items()}


def find(room: Room, call: Call) -> Any:
    """The newest events that hold a text: `q`, `kind`, `field`, `limit`."""
    asked = call.query
    found = search(
        warehouse(room.stack),
        asked.get("q", ""),
        asked.get("kind", ""),
        asked.get("field", ""),
        call.number("limit", SHOWN, MOST),
    )
    return {"events": found}


def follow(room: Room, call: Call) -> Any:
    """One event, hop by hop."""
    return trace(room.stack, call.path["id"]).as_json()


APIS = (
    Api("GET", "/api/kinds", kinds),
    Api("GET", "/api/events", find),
    Api("GET", "/api/events/{id:path}", follow),
)
