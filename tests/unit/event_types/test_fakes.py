"""Fakes are deterministic, valid, and speak of the same people and goods."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from event_types import registry
from event_types.base import EventType
from event_types.inventory import INVENTORY, Inventory
from event_types.order import ORDER, Order
from event_types.population import population
from event_types.user_activity import USER_ACTIVITY, UserActivity
from event_types.validate import validate

NOW = datetime(2026, 3, 4, 5, 6, 7, 89000, tzinfo=UTC)


def fakes(kind: EventType, seed: int, count: int = 300) -> list[str]:
    rng = Random(seed)
    return [kind.fake(rng, NOW).model_dump_json() for _ in range(count)]


@pytest.mark.parametrize("kind", registry.ALL, ids=lambda kind: kind.name)
def test_same_seed_same_events(kind: EventType) -> None:
    assert fakes(kind, 7) == fakes(kind, 7)
    assert fakes(kind, 7) != fakes(kind, 8)


@pytest.mark.parametrize("kind", registry.ALL, ids=lambda kind: kind.name)
def test_fakes_are_valid_events_of_now(kind: EventType) -> None:
    for text in fakes(kind, 1):
        event = validate(text.encode())
        assert isinstance(event, kind.model)
        assert kind.time_of(event) == NOW


def test_totals_add_up() -> None:
    rng = Random(2)
    for _ in range(300):
        order = ORDER.fake(rng, NOW)
        assert isinstance(order, Order)
        total = sum(item.quantity * item.price for item in order.items)
        assert order.total_amount == pytest.approx(total, abs=0.005)


def test_ids_join_across_types() -> None:
    rng = Random(3)
    products = {each.product_id for each in population().products}
    users = {each.user_id: each.customer_id for each in population().customers}
    for _ in range(300):
        order, move, activity = (kind.fake(rng, NOW) for kind in (ORDER, INVENTORY, USER_ACTIVITY))
        assert isinstance(order, Order)
        assert isinstance(move, Inventory)
        assert isinstance(activity, UserActivity)
        assert {item.product_id for item in order.items} <= products
        assert move.product_id in products
        assert order.customer_id in users.values()
        assert activity.user_id in users


def test_stock_moves_in_the_direction_of_its_reason() -> None:
    rng = Random(4)
    for _ in range(300):
        move = INVENTORY.fake(rng, NOW)
        assert isinstance(move, Inventory)
        assert (move.quantity_change < 0) == (move.reason in ("sale", "damage"))
