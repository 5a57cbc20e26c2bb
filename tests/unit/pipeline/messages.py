"""Messages as producers publish them."""

from __future__ import annotations

import json
from typing import Any

from apache_beam.io.gcp.pubsub import PubsubMessage

INVENTORY: dict[str, Any] = {
    "event_type": "inventory",
    "inventory_id": "inv-001",
    "product_id": "prod-001",
    "warehouse_id": "wh-us-central",
    "quantity_change": -2,
    "reason": "sale",
    "timestamp": "2024-01-15T10:35:00Z",
}
USER_ACTIVITY: dict[str, Any] = {
    "event_type": "user_activity",
    "user_id": "user-123",
    "activity_type": "view_product",
    "ip_address": "192.168.1.100",
    "user_agent": "Mozilla/5.0 Test Browser",
    "timestamp": "2024-01-15T10:40:00Z",
    "metadata": {"session_id": "sess-123", "platform": "web"},
}


def message(event_id: str, event: object, **attributes: str) -> PubsubMessage:
    """A message of an event, or of any data at all, with an `event_id` attribute."""
    data = event if isinstance(event, bytes) else json.dumps(event).encode()
    return PubsubMessage(data, {"event_id": event_id, **attributes}, f"message-{event_id}")
