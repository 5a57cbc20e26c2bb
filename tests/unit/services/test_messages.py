from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from itertools import islice
from random import Random
from typing import Any

import pytest

from event_types import registry
from event_types.base import EventType
from event_types.dead_letter import Reason
from event_types.validate import InvalidEvent, validate
from services.generator.defects import DEFECTS
from services.generator.messages import Message, Messages
from services.generator.mix import Kind
from services.generator.models import GenerationRequest
from tests.unit.services.fakes import START


def made(count: int, **asked: Any) -> list[Message]:
    request = GenerationRequest.model_validate(
        {"events_per_minute": count, "duration_minutes": 1, **asked}
    )
    messages = Messages(request, seed=3)
    return list(islice(iter(lambda: messages.next(START), None), count))


def bodies(messages: list[Message], event_type: str) -> list[dict[str, Any]]:
    return [
        json.loads(each.data) for each in messages if each.attributes["event_type"] == event_type
    ]


@pytest.mark.parametrize("event_type", registry.ALL, ids=lambda each: each.name)
@pytest.mark.parametrize("reason", DEFECTS)
def test_a_defect_is_refused_for_its_own_reason(reason: Reason, event_type: EventType) -> None:
    event = event_type.fake(Random(1), START)
    broken = DEFECTS[reason](json.loads(event.model_dump_json()), event_type)
    with pytest.raises(InvalidEvent) as caught:
        validate(broken)
    assert caught.value.reason is reason


def test_what_is_meant_to_be_invalid_is_and_nothing_else() -> None:
    messages = made(900, invalid_ratio=0.1, late_ratio=0.1, duplicate_ratio=0.1)
    for message in messages:
        if message.kind is Kind.INVALID:
            with pytest.raises(InvalidEvent):
                validate(message.data)
        elif message.kind in (Kind.SOUND, Kind.LATE):
            assert validate(message.data).event_type == message.attributes["event_type"]


def test_late_events_happened_before_and_no_others_did() -> None:
    for message in made(600, late_ratio=0.5, late_by_minutes=60):
        event = validate(message.data)
        late = START - registry.by_name(event.event_type).time_of(event)
        if message.kind is Kind.LATE:
            assert timedelta(minutes=1) <= late <= timedelta(minutes=60)
        else:
            assert late == timedelta(0)


def test_a_duplicate_is_a_message_that_came_before() -> None:
    seen: set[str] = set()
    for message in made(600, duplicate_ratio=0.3):
        event_id = message.attributes["event_id"]
        assert (event_id in seen) == (message.kind is Kind.DUPLICATE)
        seen.add(event_id)


def test_orders_are_of_users_who_were_there_and_move_stock() -> None:
    messages = made(6_000)
    orders = bodies(messages, "order")
    visitors = {body["user_id"].removeprefix("user-") for body in bodies(messages, "user_activity")}
    buyers = [body["customer_id"].removeprefix("customer-") for body in orders]
    assert sum(buyer in visitors for buyer in buyers) > 0.9 * len(buyers)
    ordered = {(item["product_id"], item["quantity"]) for body in orders for item in body["items"]}
    sales = [body for body in bodies(messages, "inventory") if body["reason"] == "sale"]
    matched = sum((body["product_id"], -body["quantity_change"]) in ordered for body in sales)
    assert matched > 0.8 * len(sales)


def test_an_order_goes_through_its_statuses_in_order() -> None:
    stages = ["pending", "processing", "shipped", "delivered"]
    history: dict[str, list[str]] = {}
    for body in bodies(made(6_000), "order"):
        history.setdefault(body["order_id"], []).append(body["status"])
    assert max(Counter(map(len, history.values()))) > 1
    for statuses in history.values():
        first = stages.index(statuses[0])
        assert statuses == stages[first : first + len(statuses)]


def test_a_visit_begins_with_a_login_and_ends_with_a_logout() -> None:
    visits: dict[str, list[str]] = {}
    for body in bodies(made(3_000), "user_activity"):
        visits.setdefault(body["metadata"]["session_id"], []).append(body["activity_type"])
    for acts in visits.values():
        assert acts[0] == "login"
        assert "login" not in acts[1:]
        assert "logout" not in acts[:-1]
        assert acts.count("remove_from_cart") <= acts.count("add_to_cart")


@pytest.mark.parametrize("event_type", registry.ALL, ids=lambda each: each.name)
def test_a_type_alone_is_valid_as_well(event_type: EventType) -> None:
    for message in made(300, event_types=[event_type.name]):
        assert isinstance(validate(message.data), event_type.model)
