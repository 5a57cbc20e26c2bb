"""What is POSTed to a push endpoint: a message in an envelope, or its data alone.

Pages "Push subscriptions", section "Wrapped messages", and "Payload unwrapping".
"""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any

from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.wire import layout

# RFC 9110, section 5.6.2; and what belongs to the connection, or to the emulator.
_HEADER = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_OWN = frozenset(
    (
        *("authorization", "connection", "content-length", "host", "keep-alive", "te", "trailer"),
        *("transfer-encoding", "upgrade", "user-agent"),
    )
)


def laid_out(subscription: Subscription, entry: Entry) -> tuple[bytes, dict[str, str]]:
    """The body and the headers for one message, as its subscription wants them."""
    push = subscription.config.push_config
    if push is None or push.no_wrapper is None:
        return _envelope(subscription, entry), {"Content-Type": "application/json"}
    proto = layout.proto(entry.shown)
    return proto.data, _metadata(subscription, entry) if push.no_wrapper.write_metadata else {}


def _metadata(subscription: Subscription, entry: Entry) -> dict[str, str]:
    """What else there is to a message, as headers; an attribute that can be none is left out."""
    proto = layout.proto(entry.shown)
    attempt = subscription.delivery_attempt(entry)
    said = {
        "subscription-name": subscription.name,
        "message-id": proto.message_id,
        "publish-time": _time(entry),
        "ordering-key": proto.ordering_key,
        "delivery-attempt": str(attempt or ""),
    }
    headers = {key: value for key, value in proto.attributes.items() if _may_be_header(key, value)}
    for key, value in said.items():
        if value and _is_one_line(value):
            headers[f"x-goog-pubsub-{key}"] = value
    return headers


def _may_be_header(key: str, value: str) -> bool:
    name = key.lower()
    own = name in _OWN or name.startswith("x-goog-pubsub-")
    return bool(_HEADER.fullmatch(key)) and not own and _is_one_line(value)


def _is_one_line(value: str) -> bool:
    return all(character.isprintable() or character == "\t" for character in value)


def _time(entry: Entry) -> str:
    published = datetime.fromtimestamp(entry.message.published, UTC)
    return published.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _envelope(subscription: Subscription, entry: Entry) -> bytes:
    """The JSON body of one message; the snake_case names are there as in the real service."""
    proto = layout.proto(entry.shown)
    time = _time(entry)
    message: dict[str, Any] = {
        "messageId": proto.message_id,
        "message_id": proto.message_id,
        "publishTime": time,
        "publish_time": time,
        # Even when empty: functions-framework answers 400 to a message that lacks it.
        "data": base64.b64encode(proto.data).decode(),
    }
    if proto.attributes:
        message["attributes"] = dict(proto.attributes)
    if proto.ordering_key:
        message["orderingKey"] = proto.ordering_key
    envelope: dict[str, Any] = {"message": message, "subscription": subscription.name}
    attempt = subscription.delivery_attempt(entry)
    if attempt:
        envelope["deliveryAttempt"] = attempt
    return json.dumps(envelope).encode()
