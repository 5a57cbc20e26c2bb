"""Topics and subscriptions by hand: look at what is in them, publish, seek, drop what waits."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from local.attached import Reachable
from local.errors import NoSuchPlace
from local.wire import ask

TOPIC, SUBSCRIPTION = "topic", "subscription"


def overview(stack: Reachable) -> dict[str, Any]:
    """Every topic and every subscription, with what waits in each. Raises Refused."""
    url = stack.url("pubsub")
    return {
        "topics": ask("GET", f"{url}/_emulator/topics")["topics"],
        "subscriptions": ask("GET", f"{url}/_emulator/subscriptions")["subscriptions"],
    }


def place_of(stack: Reachable, name: str) -> tuple[str, str]:
    """Kind and full name of a topic or subscription, by that or its last part.

    Raises NoSuchPlace, Refused.
    """
    there = overview(stack)
    known = {
        each["name"]: kind
        for kind, found in ((TOPIC, there["topics"]), (SUBSCRIPTION, there["subscriptions"]))
        for each in found
    }
    for full, kind in known.items():
        if name in (full, full.rpartition("/")[2]):
            return kind, full
    raise NoSuchPlace(name, [full.rpartition("/")[2] for full in known])


def peek(stack: Reachable, kind: str, name: str, limit: int) -> list[dict[str, Any]]:
    """Messages of one, none of them taken; `data` is text, or base64 where it is none."""
    asked = urlencode({kind: name, "limit": limit})
    found = ask("GET", f"{stack.url('pubsub')}/_emulator/messages?{asked}")["messages"]
    return [_readable(each) for each in found]


def _readable(message: dict[str, Any]) -> dict[str, Any]:
    raw = base64.b64decode(message["data"])
    try:
        return {**message, "data": raw.decode(), "encoding": "utf-8"}
    except UnicodeDecodeError:
        return {**message, "encoding": "base64"}


def publish(stack: Reachable, topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
    """Publish one message, to the events topic recorded like the generator's; gives its id.

    Raises NotSent, Refused.
    """
    if topic == stack.names.topic:
        from local.publish import publish_all  # the clients take a second to load

        (event_id,) = publish_all(stack.names, (data,), attributes)
        return event_id
    message = {"data": base64.b64encode(data).decode(), "attributes": dict(attributes)}
    answer = ask("POST", _v1(stack, topic, ":publish"), {"messages": [message]})
    return str(answer["messageIds"][0])


def seek(stack: Reachable, subscription: str, time: str) -> None:
    """Seek a subscription to a time, RFC 3339: back to have messages again. Raises Refused."""
    ask("POST", _v1(stack, subscription, ":seek"), {"time": time})


def purge(stack: Reachable, subscription: str) -> None:
    """Drop all that waits in a subscription, as a seek to now does. Raises Refused."""
    seek(stack, subscription, datetime.now(UTC).isoformat())


def _v1(stack: Reachable, resource: str, method: str) -> str:
    return f"{stack.url('pubsub')}/v1/{quote(resource)}{method}"
