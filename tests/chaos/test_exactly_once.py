"""The views show each event once, whoever sent, delivered or stored it more often."""

from __future__ import annotations

import json
from typing import Any

from local import chaos
from tests.chaos.conftest import Loaded

BATCHES, EVENTS = 10, 60


def test_two_jobs_a_publisher_that_repeats_itself_and_lost_acks_show_in_no_view(
    loaded: Loaded,
) -> None:
    """The second job stores by the Storage Write API, which knows no row again."""
    sent: dict[str, bytes] = {}
    with loaded.second_pipeline("--sink", "storage_write"):
        chaos.turn(loaded.stack, "acks-lost", True)
        for _ in range(BATCHES):
            batch = loaded.orders(EVENTS)
            sent |= batch
            for _ in range(2):  # as a publisher whose first answer was lost
                loaded.publish(batch)
        chaos.turn(loaded.stack, "acks-lost", False)
        loaded.drained()

    (stored,) = loaded.rows(
        "SELECT COUNT(*) AS rows_, COUNT(DISTINCT event_id) AS ids FROM {d}.orders"
    )
    assert stored["ids"] == len(sent)
    assert stored["rows_"] > len(sent)  # else the view had nothing to do
    shown = loaded.rows("SELECT * FROM {d}.orders_deduplicated")
    assert len(shown) == len(sent)
    assert {row["event_id"]: told(row) for row in shown} == {
        event_id: told(json.loads(data)) for event_id, data in sent.items()
    }
    assert loaded.rows("SELECT * FROM {d}.dead_letter_events") == []


def told(order: dict[str, Any]) -> tuple[object, ...]:
    """What of an order is the same in JSON and in a row."""
    products = tuple(item["product_id"] for item in order["items"])
    return order["order_id"], order["customer_id"], order["total_amount"], products
