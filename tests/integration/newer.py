"""The order of a newer release, which has optional fields more than today's."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from pydantic import Field

from event_types import registry
from event_types.base import Record, Text
from event_types.order import ORDER, Item, Order
from tests.unit.services.fakes import START


class NewItem(Item):
    """A line of an order that may tell its colour."""

    colour: Text | None = None


class Gift(Record):
    """For whom an order is."""

    recipient: Text


class NewOrder(Order):
    """An order of the newer release; one of the older release is valid too."""

    items: list[NewItem]  # type: ignore[assignment]
    coupon: Text | None = None
    channel: Text = "web"
    tags: list[Text] = Field(default_factory=list)
    gift: Gift | None = None


NEW_ORDER = replace(ORDER, model=NewOrder)
EVENT_TYPES = tuple(NEW_ORDER if each is ORDER else each for each in registry.ALL)
NEWER: dict[str, dict[str, Any]] = {
    "coupon": {"coupon": "SPRING"},
    "channel": {"channel": "app"},
    "tags": {"tags": ["vip"]},
    "gift": {"gift": {"recipient": "Ada"}},
    "all": {"coupon": "SPRING", "channel": "app", "tags": ["vip"], "gift": {"recipient": "Ada"}},
}
"""What an order of the newer release may carry."""
SAME: dict[str, dict[str, Any]] = {
    "none": {},
    "nulls": {"coupon": None, "gift": None},
    "defaults": {"channel": "web", "tags": []},
}
"""What one may say without carrying anything: an older release leaves it all out."""


def order(number: int, fields: dict[str, Any], colour: str | None = None) -> dict[str, Any]:
    """An order as JSON, of the older release but for `fields` and its first item's colour."""
    made = ORDER.fake(Random(number), START).model_dump(mode="json")
    if colour:
        made["items"][0]["colour"] = colour
    return {**made, **fields}
