"""1 · Ways to break an event, each for a reason that the pipeline's dead letter knows."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import orjson

from event_types.base import EventType
from event_types.dead_letter import Reason

Body = dict[str, Any]


def cut_short(body: Body, event_type: EventType) -> bytes:
    """A body whose end got lost on the way."""
    return orjson.dumps(body)[:-1]


def wrap_in_array(body: Body, event_type: EventType) -> bytes:
    """A producer that sends batches where one event is expected."""
    return orjson.dumps([body])


def misname(body: Body, event_type: EventType) -> bytes:
    """A type that nobody registered."""
    return orjson.dumps({**body, "event_type": f"{event_type.name}_v0"})


def drop_field(body: Body, event_type: EventType) -> bytes:
    """An event without its own time."""
    return orjson.dumps(
        {name: value for name, value in body.items() if name != event_type.event_time}
    )


def add_field(body: Body, event_type: EventType) -> bytes:
    """A field that no column can take."""
    return orjson.dumps({**body, "debug": True})


def change_type(body: Body, event_type: EventType) -> bytes:
    """A number where text is due."""
    return orjson.dumps({**body, event_type.cluster_by[0]: 17})


def empty_text(body: Body, event_type: EventType) -> bytes:
    """A key with no value."""
    return orjson.dumps({**body, event_type.cluster_by[0]: ""})


DEFECTS: dict[Reason, Callable[[Body, EventType], bytes]] = {
    Reason.NOT_JSON: cut_short,
    Reason.NOT_AN_OBJECT: wrap_in_array,
    Reason.UNKNOWN_EVENT_TYPE: misname,
    Reason.MISSING_FIELD: drop_field,
    Reason.UNKNOWN_FIELD: add_field,
    Reason.WRONG_TYPE: change_type,
    Reason.VALUE_OUT_OF_RANGE: empty_text,
}


def break_event(data: bytes, event_type: EventType, rng: Random) -> bytes:
    """The event's JSON with one defect, each as likely as any other."""
    defect = DEFECTS[rng.choice(tuple(DEFECTS))]
    return defect(orjson.loads(data), event_type)
