"""The messages that the demo sends by hand: three good ones, and twenty that no table can take."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from event_types.validate import MAX_BYTES

THREE = (
    b'{"event_type":"order","order_id":"test-order-001","customer_id":"customer-123",'
    b'"order_date":"2024-01-15T10:30:00Z","status":"pending","items":[{"product_id":"prod-001",'
    b'"product_name":"Test Product","quantity":2,"price":29.99}],"shipping_address":{"street":'
    b'"123 Test St","city":"Test City","country":"US"},"total_amount":59.98}',
    b'{"event_type":"inventory","inventory_id":"inv-001","product_id":"prod-001",'
    b'"warehouse_id":"wh-us-central","quantity_change":-2,"reason":"sale",'
    b'"timestamp":"2024-01-15T10:35:00Z"}',
    b'{"event_type":"user_activity","user_id":"user-123","activity_type":"view_product",'
    b'"ip_address":"192.168.1.100","user_agent":"Mozilla/5.0 Test Browser",'
    b'"timestamp":"2024-01-15T10:40:00Z","metadata":{"session_id":"sess-123","platform":"web"}}',
)
_ORDER, _INVENTORY, _ACTIVITY = (json.loads(each) for each in THREE)


def _changed(event: dict[str, Any], **changes: object) -> bytes:
    return json.dumps({**event, **changes}).encode()


def _without(event: dict[str, Any], field: str) -> bytes:
    return json.dumps({name: value for name, value in event.items() if name != field}).encode()


def order_at(moment: datetime) -> bytes:
    """An order of `moment`: made by hand, so that no faker is needed where it is sent."""
    return _changed(_ORDER, order_id="check", order_date=moment.isoformat())


def malformed() -> tuple[bytes, ...]:
    """Twenty messages, at least one for every reason that `validate` knows."""
    return (
        b"not json at all",
        b'{"event_type":"order",',
        b"\xff\xfe\x00\x01",
        b"[1, 2, 3]",
        b'"order"',
        b"null",
        _changed(_ORDER, event_type="refund"),
        _changed(_ORDER, event_type=7),
        b"{}",
        _without(_ORDER, "customer_id"),
        _without(_ACTIVITY, "metadata"),
        _changed(_INVENTORY, colour="red"),
        _changed(_ACTIVITY, metadata={**_ACTIVITY["metadata"], "referrer": "mail"}),
        _changed(_INVENTORY, quantity_change="two"),
        _changed(_ORDER, items={"product_id": "prod-001"}),
        _changed(_ACTIVITY, timestamp="yesterday"),
        _changed(_INVENTORY, quantity_change=101),
        _changed(_ORDER, status="lost"),
        _changed(_ORDER, total_amount=-1.0),
        _changed(_ACTIVITY, user_agent="x" * (MAX_BYTES + 1)),
    )
