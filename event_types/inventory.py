"""0 · A move of stock: its model, its table, its fake. Next: the registry."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from event_types.base import Event, EventType, Query, Text, Timestamp
from event_types.population import population

Reason = Literal["restock", "sale", "return", "damage"]


class Inventory(Event):
    """A change of one product's stock in one warehouse."""

    event_type: Literal["inventory"]
    """Always `inventory`."""
    inventory_id: Text
    """This move of stock."""
    product_id: Text
    """Joins with orders.items.product_id."""
    warehouse_id: Text
    """Where the stock is."""
    quantity_change: Annotated[int, Field(ge=-100, le=100)]
    """Units that came (above 0) or went (below 0), -100 to 100."""
    reason: Reason
    """restock, sale, return or damage."""
    timestamp: Timestamp
    """The event's own time: when the stock moved."""


def fake(rng: Random, now: datetime) -> Inventory:
    """A believable move of stock at `now`: sales and damage take away, the others add."""
    people = population()
    reason: Reason = rng.choices(("sale", "restock", "return", "damage"), (12, 4, 2, 1))[0]
    quantity = {
        "sale": -rng.randint(1, 5),
        "restock": rng.randint(20, 100),
        "return": rng.randint(1, 3),
        "damage": -rng.randint(1, 10),
    }[reason]
    return Inventory(
        event_type="inventory",
        inventory_id=f"inv-{rng.getrandbits(48):012x}",
        product_id=rng.choice(people.products).product_id,
        warehouse_id=rng.choice(people.warehouses),
        quantity_change=quantity,
        reason=reason,
        timestamp=now,
    )


INVENTORY = EventType(
    name="inventory",
    model=Inventory,
    table="inventory",
    partition_by="event_date",
    cluster_by=("product_id", "warehouse_id"),
    event_time="timestamp",
    fake=fake,
    description="Moves of stock, one row for each change of a product's stock in a warehouse.",
    why_partition=(
        "Stock is summed from a day on, and compared day by day; a day of the move's own time "
        "keeps a late scan in the day it belongs to."
    ),
    why_cluster=(
        "product_id first, because stock is asked for by product far more often than by place; "
        "warehouse_id second, so that one product's place is a short read."
    ),
    queries=(
        Query(
            "How a product's stock moved, by warehouse",
            "SELECT warehouse_id, SUM(quantity_change) AS net_change FROM {table}\n"
            "WHERE event_date >= '2024-01-01' AND product_id = 'prod-001'\n"
            "GROUP BY warehouse_id ORDER BY warehouse_id",
        ),
        Query(
            "What was lost to damage, by day",
            "SELECT event_date, -SUM(quantity_change) AS units FROM {table}\n"
            "WHERE event_date BETWEEN '2024-01-01' AND '2024-01-31' AND reason = 'damage'\n"
            "GROUP BY event_date ORDER BY event_date",
        ),
    ),
)
