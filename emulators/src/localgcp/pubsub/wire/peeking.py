"""Looks at messages without taking them: those of a topic or a subscription, and one's way.

These pages are not part of the Pub/Sub API.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from google.protobuf import json_format

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.errors import InvalidArgument
from localgcp.pubsub.wire import layout

MOST = 1000
SHOWN = 50


def trace(broker: Broker, query: Mapping[str, str]) -> dict[str, Any]:
    """`?event_id=`: `{"messages": [...]}`, each whole and with its steps; [] when forgotten.

    Raises InvalidArgument.
    """
    event_id = _given(query, "event_id")
    return {
        "messages": [
            {
                **_shown(message),
                "steps": [step._asdict() for step in broker.trace.steps(message.id)],
            }
            for message in broker.trace.find(event_id)
        ]
    }


def messages(broker: Broker, query: Mapping[str, str]) -> dict[str, Any]:
    """`?topic=` or `?subscription=`, `&limit=`: messages as they are, none of them taken.

    Of a topic the newest published first, as far as they are remembered; of a subscription the
    oldest unacked first. Raises InvalidArgument, NotFound.
    """
    limit = _limit(query)
    if "topic" in query:
        topic = broker.topic(query["topic"])
        return {"messages": [_shown(m) for m in islice(broker.trace.latest(topic.name), limit)]}
    subscription = broker.subscription(_given(query, "subscription"))
    held = islice(subscription.unacked, limit)
    return {"messages": [_held(subscription, message) for message in held]}


def _held(subscription: Subscription, message: Message) -> dict[str, Any]:
    entry = subscription.unacked.known(message.id)
    leased, failures = (entry.lease is not None, entry.failures) if entry else (False, 0)
    return {**_shown(message), "leased": leased, "failures": failures}


def _shown(message: Message) -> dict[str, Any]:
    shown: dict[str, Any] = json_format.MessageToDict(layout.proto(message))
    return {"data": "", "attributes": {}, **shown}


def _given(query: Mapping[str, str], name: str) -> str:
    if not query.get(name):
        raise InvalidArgument(f"The page needs ?{name}= (argument={name}).")
    return query[name]


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(SHOWN))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST:
        raise InvalidArgument(f"limit should be 1 to {MOST} (argument=limit, value={text}).")
    return int(text)
