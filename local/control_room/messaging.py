"""What the view of topics asks and does: peek, publish by hand, seek, purge."""

from __future__ import annotations

from typing import Any

from local import topics as places
from local.control_room.room import Api, BadCall, Call, Room

MOST, SHOWN = 200, 40


def topics(room: Room, call: Call) -> Any:
    """Every topic with its subscriptions, and what waits in each."""
    return places.overview(room.stack)


def messages(room: Room, call: Call) -> Any:
    """Messages of a `topic` or a `subscription`, none of them taken."""
    kinds = [kind for kind in (places.TOPIC, places.SUBSCRIPTION) if call.query.get(kind)]
    if len(kinds) != 1:
        raise BadCall("topic", call.query, "should be one topic or subscription")
    limit = call.number("limit", SHOWN, MOST)
    return {"messages": places.peek(room.stack, kinds[0], call.query[kinds[0]], limit)}


def publish(room: Room, call: Call) -> Any:
    """Publish one message; to the events topic recorded like the generator's."""
    attributes = call.body.get("attributes", {})
    if not isinstance(attributes, dict) or not all(
        isinstance(each, str) for pair in attributes.items() for each in pair
    ):
        raise BadCall("attributes", attributes, "should be an object of texts")
    topic, data = call.text("topic"), call.text("data").encode()
    return {"id": places.publish(room.stack, topic, data, attributes)}


def seek(room: Room, call: Call) -> Any:
    """Seek a subscription to a time."""
    places.seek(room.stack, call.text("subscription"), call.text("time"))


def purge(room: Room, call: Call) -> Any:
    """Drop all that waits in a subscription."""
    places.purge(room.stack, call.text("subscription"))


APIS = (
    Api("GET", "/api/topics", topics),
    Api("GET", "/api/messages", messages),
    Api("POST", "/api/publish", publish),
    Api("POST", "/api/seek", seek),
    Api("POST", "/api/purge", purge),
)
