"""What is POSTed to a push endpoint (page "Push subscriptions", section "Wrapped messages")."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.wire import layout


def wrap(subscription: Subscription, entry: Entry) -> bytes:
    """The JSON body of one message; the snake_case names are there as in the real service."""
    proto = layout.proto(entry.message)
    published = datetime.fromtimestamp(entry.message.published, UTC)
    time = published.isoformat(timespec="milliseconds").replace("+00:00", "Z")
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
