"""0 · An order: its model, its table, its fake. Next: the registry."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from event_types.base import INT64_MAX, Event, EventType, Money, Query, Record, Text, Timestamp
from event_types.population import population

Status = Literal["pending", "processing", "shipped", "delivered"]


class Item(Record):
    """One line of an order."""

    product_id: Text
    """Joins with inventory.product_id."""
    product_name: Text
    """The product's name when it was ordered."""
    quantity: Annotated[int, Field(ge=1, le=INT64_MAX)]
    """How many."""
    price: Money
    """Price of one, in US dollars."""


class Address(Record):
    """Where an order goes."""

    street: Text
    """House and street."""
    city: Text
    """Town or city."""
    country: Text
    """ISO 3166-1 alpha-2 country code."""


class Order(Event):
    """A customer's order, published at each change of its status."""

    event_type: Literal["order"]
    """Always `order`."""
    order_id: Text
    """The order; several events may speak of one."""
    customer_id: Text
    """Who ordered. `customer-017` is `user-017` in user_activity."""
    order_date: Timestamp
    """The event's own time: when the order was placed."""
    status: Status
    """pending, processing, shipped or delivered."""
    items: list[Item]
    """What was ordered."""
    shipping_address: Address
    """Where it goes."""
    total_amount: Money
    """Sum of quantity times price, in US dollars."""


def fake(rng: Random, now: datetime) -> Order:
    """A believable order placed at `now`; its total is the sum of its items."""
    people = population()
    customer = rng.choice(people.customers)
    items = [
        Item(
            product_id=product.product_id,
            product_name=product.name,
            quantity=rng.randint(1, 4),
            price=product.price,
        )
        for product in rng.sample(people.products, k=rng.randint(1, 4))
    ]
    return Order(
        event_type="order",
        order_id=f"order-{rng.getrandbits(48):012x}",
        customer_id=customer.customer_id,
        order_date=now,
        status=rng.choices(("pending", "processing", "shipped", "delivered"), (6, 2, 1, 1))[0],
        items=items,
        shipping_address=Address(
            street=customer.street, city=customer.city, country=customer.country
        ),
        total_amount=round(sum(item.quantity * item.price for item in items), 2),
    )


ORDER = EventType(
    name="order",
    model=Order,
    table="orders",
    partition_by="event_date",
    cluster_by=("customer_id", "status"),
    event_time="order_date",
    fake=fake,
    description="Orders, one row for each change of an order's status.",
    why_partition=(
        "Revenue and volume are asked for by day or by a range of days, and old days are dropped "
        "whole; a day of the order's own time stays right when events arrive late."
    ),
    why_cluster=(
        "customer_id first, because one customer's orders are the most frequent look-up and it "
        "has the most values; status second, to narrow operational lists such as all pending."
    ),
    queries=(
        Query(
            "A customer's orders of the last 30 days",
            "SELECT order_id, order_date, status, total_amount FROM {table}\n"
            "WHERE event_date >= DATE_SUB(CURRENT_DATE(), INTERVAL 30 DAY)\n"
            "  AND customer_id = 'customer-017'\n"
            "ORDER BY order_date DESC",
        ),
        Query(
            "Revenue by day and status",
            "SELECT event_date, status, COUNT(*) AS orders, ROUND(SUM(total_amount), 2) AS revenue"
            "\nFROM {table}\n"
            "WHERE event_date BETWEEN '2024-01-01' AND '2024-01-31'\n"
            "GROUP BY event_date, status ORDER BY event_date, status",
        ),
        Query(
            "The best-selling products of a day",
            "SELECT item.product_id, SUM(item.quantity) AS sold\n"
            "FROM {table}, UNNEST(items) AS item\n"
            "WHERE event_date = '2024-01-15'\n"
            "GROUP BY item.product_id ORDER BY sold DESC LIMIT 10",
        ),
    ),
)
