"""What the view of topics asks and does: peek, publish by hand, seek."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote, urlencode

from local.control_room.room import Api, BadCall, Call, Room
from local.publish import publish_all
from local.wire import ask

MOST, SHOWN = 200, 40


def topics(room: Room, call: Call) -> Any:
    """Every topic with its subscriptions, and what waits in each."""
    url = room.stack.url("pubsub")
    return {
        "topics": ask("GET", f"{url}/_emulator/topics")["topics"],
        "subscriptions": ask("GET", f"{url}/_emulator/subscriptions")["subscriptions"],
    }


def messages(room: Room, call: Call) -> Any:
    """Messages of a `topic` or a `subscription`, none of them taken."""
    place = {name: call.query[name] for name in ("topic", "subscription") if call.query.get(name)}
    asked = {**place, "limit": str(call.number("limit", SHOWN, MOST))}
    url = f"{room.stack.url('pubsub')}/_emulator/messages?{urlencode(asked)}"
    return {"messages": [_readable(each) for each in ask("GET", url)["messages"]]}


def _readable(message: dict[str, Any]) -> dict[str, Any]:
    raw = base64.b64decode(message["data"])
    try:
        return {**message, "data": raw.decode(), "encoding": "utf-8"}
    except UnicodeDecodeError:
        return {**message, "encoding": "base64"}


def publish(room: Room, call: Call) -> Any:
    """Publish one message; to the events topic recorded like the generator's."""
    topic, data = call.text("topic"), call.text("data").encode()
    attributes = call.body.get("attributes", {})
    if not isinstance(attributes, dict) or not all(
        isinstance(each, str) for pair in attributes.items() for each in pair
    ):
        raise BadCall("attributes", attributes, "should be an object of texts")
    if topic == room.stack.names.topic:
        (event_id,) = publish_all(room.stack.names, (data,), attributes)
        return {"id": event_id}
    message = {"data": base64.b64encode(data).decode(), "attributes": attributes}
    answer = ask("POST", _v1(room, topic, ":publish"), {"messages": [message]})
    return {"id": answer["messageIds"][0]}


def seek(room: Room, call: Call) -> Any:
    """Seek a subscription to a time: back to replay, to now to drop all that waits."""
    body = {"time": call.text("time")}
    return ask("POST", _v1(room, call.text("subscription"), ":seek"), body)


def _v1(room: Room, resource: str, method: str) -> str:
    return f"{room.stack.url('pubsub')}/v1/{quote(resource)}{method}"


APIS = (
    Api("GET", "/api/topics", topics),
    Api("GET", "/api/messages", messages),
    Api("POST", "/api/publish", publish),
    Api("POST", "/api/seek", seek),
)
