"""Switches, over an emulator that is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import pytest

from local import chaos
from local.attached import Attached
from local.errors import NoSwitch
from local.laptop import Endpoints
from local.wire import Refused
from localgcp.pubsub.emulator import PubSubEmulator


@pytest.fixture(scope="module")
def stack() -> Iterator[Attached]:
    emulator = PubSubEmulator()
    emulator.start()
    try:
        url = f"http://127.0.0.1:{emulator.port}"
        yield Attached(Endpoints(**{each.name: url for each in fields(Endpoints)}))
    finally:
        emulator.stop()


def on(stack: Attached) -> set[str]:
    return {each["name"] for each in chaos.state(stack) if each["on"]}


def test_a_switch_is_turned_and_the_others_stay(stack: Attached) -> None:
    chaos.turn(stack, "publish-slow", True)
    chaos.turn(stack, "acks-lost", True)
    chaos.turn(stack, "acks-lost", True)
    assert len(chaos.thrown(stack)["pubsub"]["faults"]) == 2
    chaos.throw(stack, "pubsub", {"match": "Pull", "delay_seconds": 0.1})
    chaos.turn(stack, "publish-slow", False)
    assert on(stack) == {"acks-lost"}
    assert len(chaos.thrown(stack)["pubsub"]["faults"]) == 2
    chaos.clear(stack)
    assert on(stack) == set()


def test_what_is_none_is_named(stack: Attached) -> None:
    with pytest.raises(NoSwitch, match="no 'odd'; there are bigquery-down"):
        chaos.turn(stack, "odd", True)
    with pytest.raises(NoSwitch, match="no 'odd'; there are pubsub"):
        chaos.throw(stack, "odd", {})
    with pytest.raises(Refused, match="rate should be a number from 0 to 1"):
        chaos.throw(stack, "pubsub", {"match": "*", "code": "UNAVAILABLE", "rate": 2})
