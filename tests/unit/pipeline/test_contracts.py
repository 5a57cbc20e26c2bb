"""Contracts that change while the job runs, and what becomes of fields too many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from event_types import registry
from event_types.contract import Contract, contract_of
from event_types.dead_letter import Reason
from event_types.validate import InvalidEvent
from pipeline.columns import set_aside
from pipeline.contracts import LOOK_SECONDS, Contracts
from pipeline.events import Router
from pipeline.insertion import Inserter, Target
from pipeline.record import Message, Row
from tests.integration.newer import order
from tests.unit.pipeline.fakes import DATASET, PROJECT, TOPIC, Asked, Clock, InsertAll

ROUTER = Router(registry.ALL, 1 << 20)
PUBLISHED = datetime(2025, 10, 9, tzinfo=UTC)
WIDER = order(1, {"gift": True, "note": None}, colour="red")


def message(event: object) -> Message:
    return Message("e1", orjson.dumps(event), {}, PUBLISHED)


def row(event_id: str, **values: Any) -> Row:
    sent = Message(event_id, b"data", {}, PUBLISHED)
    named = {"event_id": event_id, **values}
    return Row("orders", named, "x", b"{}", sent, {"coupon": None, "extra": None}, "order")


class Labels:
    """A dataset's labels, and how often they were read."""

    def __init__(self, **contracts: str) -> None:
        self.contracts, self.reads = contracts, 0

    def __call__(self) -> dict[str, str]:
        self.reads += 1
        return {f"contract_{name}": each for name, each in self.contracts.items()}


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({}, Contract.EVOLVE),
        ({"contract_order": "freeze"}, Contract.FREEZE),
        ({"contract_inventory": "freeze"}, Contract.EVOLVE),
        ({"contract_order": "melt"}, Contract.EVOLVE),
    ],
)
def test_a_label_of_the_dataset_is_a_type_s_contract(
    labels: dict[str, str], found: Contract
) -> None:
    assert contract_of(labels, "order", Contract.EVOLVE) is found


def test_labels_are_read_again_when_they_are_old_or_older_than_what_they_judge(
    clock: Clock,
) -> None:
    labels = Labels(order="freeze")
    known = Contracts(labels, Contract.EVOLVE, clock)
    assert known.of("order") is Contract.FREEZE
    clock.now = LOOK_SECONDS - 0.1
    labels.contracts = {"order": "discard"}
    assert (known.of("order"), labels.reads) == (Contract.FREEZE, 1)
    assert (known.of("order", since=clock.now), labels.reads) == (Contract.DISCARD, 2)
    assert (known.of("order", since=clock.now), labels.reads) == (Contract.DISCARD, 2)
    labels.contracts = {}
    clock.now += LOOK_SECONDS + 0.1
    assert (known.of("order"), labels.reads) == (Contract.EVOLVE, 3)


def test_under_discard_fields_too_many_are_kept_beside_the_event() -> None:
    found = ROUTER.sparing(message(WIDER), lambda name: Contract.DISCARD)
    extra = {"gift": True, "note": None, "items": {"0": {"colour": "red"}}}
    assert orjson.loads(found.values["extra"]) == extra
    line = orjson.loads(found.line)
    assert line["extra"] == extra
    plain = ROUTER.row(message(order(1, {})))
    assert {**line, "processed_timestamp": "", "extra": ""} == {
        **plain.values, "processed_timestamp": "", "extra": ""
    }  # fmt: skip


@pytest.mark.parametrize("contract", [Contract.EVOLVE, Contract.FREEZE])
def test_under_the_others_a_field_too_many_is_refused(contract: Contract) -> None:
    with pytest.raises(InvalidEvent) as refused:
        ROUTER.sparing(message(WIDER), lambda name: contract)
    assert refused.value.reason is Reason.UNKNOWN_FIELD


def test_what_else_is_wrong_is_refused_under_discard_too() -> None:
    wrong = {**WIDER, "status": "lost"}
    with pytest.raises(InvalidEvent) as refused:
        ROUTER.sparing(message(wrong), lambda name: Contract.DISCARD)
    assert refused.value.reason is Reason.VALUE_OUT_OF_RANGE
    assert "gift" not in refused.value.detail


def test_what_a_table_has_no_column_for_moves_into_extra() -> None:
    items = [{"sku": "a", "colour": "red"}, {"sku": "b", "colour": None}]
    before = row("e1", coupon="C", items=items, extra='{"items": {"1": {"size": 2}}}')
    after = set_aside(before, ["coupon", "items.colour"])
    assert orjson.loads(after.values.pop("extra")) == {
        "coupon": "C",
        "items": {"0": {"colour": "red"}, "1": {"size": 2}},
    }
    assert after.values == {"event_id": "e1", "items": [{"sku": "a"}, {"sku": "b"}]}
    assert before.values["coupon"] == "C"


@pytest.fixture
def governed(
    inserter: Inserter, insert_all: InsertAll, asked: Asked, clock: Clock
) -> Callable[..., Inserter]:
    """An inserter whose contracts are `labels`."""

    def make(labels: Labels, sleep: Callable[[float], Any] = clock.sleep) -> Inserter:
        target = Target(PROJECT, DATASET, TOPIC, 300.0)
        known = Contracts(labels, Contract.EVOLVE, clock)
        return Inserter(target, inserter._sender, asked, clock, sleep, known)

    insert_all.tables.add("orders")
    insert_all.lacks["orders"] = {"coupon", "extra"}
    return make


def test_under_discard_only_extra_is_waited_for(
    governed: Callable[..., Inserter], insert_all: InsertAll, asked: Asked, clock: Clock
) -> None:
    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if asked:
            insert_all.lacks["orders"].discard("extra")
            clock.now += 60  # it is tried again by then

    chosen = governed(Labels(order="discard"), sleep)
    assert list(chosen.insert({"orders": [row("e1", coupon="C"), row("e2")]})) == []
    assert asked == [("orders", "e1")]
    stored = insert_all.rows["orders"]
    assert stored == {"e1": {"event_id": "e1", "extra": '{"coupon":"C"}'}, "e2": {"event_id": "e2"}}


def test_a_contract_that_changes_while_a_row_waits_ends_the_wait(
    governed: Callable[..., Inserter], insert_all: InsertAll, clock: Clock
) -> None:
    labels = Labels(order="evolve")

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        labels.contracts = {"order": "freeze"}

    (refused,) = governed(labels, sleep).insert({"orders": [row("e1", coupon="C")]})
    assert refused.reason is Reason.COLUMN_NOT_FOUND
    assert len(clock.sleeps) == 1
