"""Columns that a table lacks: which rows wait, which go without, which are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery

from event_types.dead_letter import Reason
from pipeline.columns import carries, without
from pipeline.insert_all import ABSENT_SECONDS
from pipeline.insert_all import InsertAll as Sender
from pipeline.insertion import LONGEST_PAUSE, VERDICT_LASTS, Inserter, Rejection, Target
from pipeline.record import Message, Row
from tests.unit.pipeline.fakes import DATASET, PROJECT, TOPIC, Asked, Clock, InsertAll

DEFAULTS: dict[str, Any] = {
    "coupon": None,
    "channel": "web",
    "items.colour": None,
    "gift.note": None,
    "tags": [],
}
PUBLISHED = datetime(2025, 10, 9, tzinfo=UTC)


def row(event_id: str, **values: Any) -> Row:
    message = Message(event_id, b"data", {}, PUBLISHED)
    return Row("orders", {"event_id": event_id, **values}, "x", b"{}", message, DEFAULTS)


def insert(inserter: Inserter, *rows: Row) -> list[Rejection]:
    return list(inserter.insert({"orders": list(rows)}))


@pytest.fixture(autouse=True)
def orders(insert_all: InsertAll) -> None:
    insert_all.tables.add("orders")


def under(contract: str, insert_all: InsertAll, asked: Asked, clock: Clock) -> Inserter:
    session = AuthorizedSession(AnonymousCredentials())
    session.mount("https://", insert_all)
    client = bigquery.Client(PROJECT, AnonymousCredentials(), session)
    target = Target(PROJECT, DATASET, TOPIC, 300.0, contract=contract)
    return Inserter(target, Sender(DATASET, client, clock), asked, clock, clock.sleep)


@pytest.fixture
def frozen(insert_all: InsertAll, asked: Asked, clock: Clock) -> Inserter:
    return under("freeze", insert_all, asked, clock)


LEFT_OUT = [
    {"coupon": None},
    {"channel": "web"},
    {"tags": []},
    {"items": [{"sku": "a", "colour": None}, {"sku": "b", "colour": None}]},
    {"gift": {"to": "me", "note": None}},
    {"coupon": None, "channel": "web", "tags": [], "items": [{"sku": "a", "colour": None}]},
]
CARRIED = [
    ({"coupon": "C"}, "coupon"),
    ({"channel": "app"}, "channel"),
    ({"tags": ["a"]}, "tags"),
    ({"items": [{"sku": "a", "colour": None}, {"sku": "b", "colour": "red"}]}, "items.colour"),
    ({"gift": {"to": "me", "note": "hi"}}, "gift.note"),
]


@pytest.mark.parametrize("contract", ["evolve", "freeze"])
@pytest.mark.parametrize("values", LEFT_OUT)
def test_a_field_that_was_left_out_is_no_reason_to_refuse_or_to_wait(
    inserter: Inserter,
    frozen: Inserter,
    insert_all: InsertAll,
    clock: Clock,
    contract: str,
    values: dict[str, Any],
) -> None:
    insert_all.lacks["orders"] = set(DEFAULTS)
    chosen = inserter if contract == "evolve" else frozen
    assert insert(chosen, row("e1", **values), row("e2")) == []
    assert clock.sleeps == []
    stored = insert_all.rows["orders"]
    assert set(stored) == {"e1", "e2"}
    assert stored["e1"] == without({"event_id": "e1", **values}, DEFAULTS)


@pytest.mark.parametrize(("values", "path"), CARRIED)
def test_a_frozen_table_s_row_with_a_value_is_refused_at_once_and_alone(
    frozen: Inserter, insert_all: InsertAll, clock: Clock, values: dict[str, Any], path: str
) -> None:
    insert_all.lacks["orders"] = set(DEFAULTS)
    bad = row("e1", **values)
    assert insert(frozen, bad, row("e2", coupon=None), row("e3")) == [
        Rejection(
            bad,
            Reason.COLUMN_NOT_FOUND,
            f"table orders lacks {path}: a frozen contract adds none",
        )
    ]
    assert set(insert_all.rows["orders"]) == {"e2", "e3"}
    assert clock.sleeps == []
    assert bad.values == {"event_id": "e1", **values}


def test_a_column_about_to_be_added_is_waited_for(
    inserter: Inserter,
    insert_all: InsertAll,
    asked: Asked,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    insert_all.lacks["orders"] = {"coupon"}

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        assert set(insert_all.rows["orders"]) == {"e2", "e3"}  # these wait for nothing
        if clock.now > 200:  # "a new column may take minutes to be seen"
            insert_all.lacks.clear()

    monkeypatch.setattr(inserter, "_sleep", sleep)
    assert insert(inserter, row("e1", coupon="C"), row("e2", coupon=None), row("e3")) == []
    assert insert_all.rows["orders"]["e1"] == {"event_id": "e1", "coupon": "C"}
    assert clock.now > 200
    assert set(asked) == {("orders", "e1")}  # by the event that needs it


def test_a_column_that_never_comes_is_named_and_not_waited_for_again(
    inserter: Inserter, insert_all: InsertAll, clock: Clock
) -> None:
    insert_all.lacks["orders"] = {"coupon", "items.colour"}
    (rejection,) = insert(inserter, row("e1", coupon="C"), row("e2"))
    assert (rejection.reason, rejection.detail) == (
        Reason.COLUMN_NOT_FOUND,
        "table orders lacks coupon: not added within 300 s",
    )
    waited = clock.now
    assert waited == pytest.approx(300, abs=LONGEST_PAUSE)

    assert len(insert(inserter, row("e3", coupon="C"), row("e4", coupon=None))) == 1
    assert clock.now == waited
    (other,) = insert(inserter, row("e5", items=[{"colour": "red"}]))  # has a wait of its own
    assert "lacks items.colour" in other.detail
    assert clock.now == pytest.approx(2 * waited, abs=LONGEST_PAUSE)
    clock.now += VERDICT_LASTS * 300
    before = clock.now
    insert(inserter, row("e6", coupon="C"))
    assert clock.now - before == pytest.approx(300, abs=LONGEST_PAUSE)


def test_a_column_that_came_and_went_is_waited_for_in_full(
    inserter: Inserter, insert_all: InsertAll, clock: Clock
) -> None:
    insert_all.lacks["orders"] = {"coupon"}
    insert(inserter, row("e1", coupon="C"))
    insert_all.lacks.clear()
    assert insert(inserter, row("e2", coupon="C")) == []
    insert_all.lacks["orders"] = {"coupon"}
    before = clock.now
    assert len(insert(inserter, row("e3", coupon="C"))) == 1
    assert clock.now - before == pytest.approx(300, abs=LONGEST_PAUSE)


def test_what_is_known_to_be_absent_costs_no_second_request(
    inserter: Inserter, insert_all: InsertAll, clock: Clock
) -> None:
    insert_all.lacks["orders"] = {"channel", "coupon"}
    for number in range(5):
        assert insert(inserter, row(f"e{number}", channel="web", coupon=None)) == []
    # The fake names one column at a time, as BigQuery may: two to learn, then one a batch.
    assert len(insert_all.requests) == 2 + 5
    clock.now += ABSENT_SECONDS
    insert_all.lacks.clear()
    insert(inserter, row("later", channel="web", coupon=None))
    assert insert_all.rows["orders"]["later"]["channel"] == "web"


def test_a_row_that_is_wrong_besides_is_refused_as_such(
    inserter: Inserter, insert_all: InsertAll, clock: Clock
) -> None:
    insert_all.row_errors["orders", "e1"] = [
        {"reason": "invalid", "location": "coupon", "message": "no such field: coupon."},
        {"reason": "invalid", "location": "price", "message": "Not a number"},
    ]
    (rejection,) = insert(inserter, row("e1", coupon="C"))
    assert rejection.reason == Reason.BIGQUERY_REJECTED
    assert "price: Not a number" in rejection.detail
    assert clock.sleeps == []


def test_a_field_that_bigquery_names_and_the_row_has_not_ends_in_a_refusal(
    inserter: Inserter, insert_all: InsertAll
) -> None:
    insert_all.row_errors["orders", "e1"] = [
        {"reason": "invalid", "location": "ghost", "message": "no such field: ghost."}
    ]
    (rejection,) = insert(inserter, row("e1"))
    assert rejection.reason == Reason.BIGQUERY_REJECTED
    assert "no such field: ghost" in rejection.detail


def test_carries_and_without_agree() -> None:
    whole = {"a": 1, "coupon": "C", "items": [{"sku": "a", "colour": "red"}], "gift": None}
    values = without(whole, ["coupon", "items.colour", "gift.note", "absent.path"])
    assert values == {"a": 1, "items": [{"sku": "a"}], "gift": None}
    for path in DEFAULTS:
        assert not carries(row("e", **values), path)
    assert whole["coupon"] == "C"


@pytest.fixture
def discarding(insert_all: InsertAll, asked: Asked, clock: Clock) -> Inserter:
    return under("discard", insert_all, asked, clock)


def test_under_discard_what_a_table_lacks_goes_into_extra(
    discarding: Inserter, insert_all: InsertAll, asked: Asked, clock: Clock
) -> None:
    insert_all.lacks["orders"] = {"coupon", "gift.note"}
    carrying = row("e1", coupon="C", gift={"to": "me", "note": "hi"})
    assert insert(discarding, carrying, row("e2", coupon=None)) == []
    stored = insert_all.rows["orders"]
    extra = orjson.loads(stored["e1"].pop("extra"))
    assert extra == {"coupon": "C", "gift": {"note": "hi"}}
    assert stored["e1"] == {"event_id": "e1", "gift": {"to": "me"}}
    assert stored["e2"] == {"event_id": "e2"}
    assert asked == []
    assert clock.now < 1  # insertAll tells of one column at a time


def test_under_discard_extra_itself_is_asked_for_and_waited_for(
    discarding: Inserter,
    insert_all: InsertAll,
    asked: Asked,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    insert_all.lacks["orders"] = {"coupon", "extra"}

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 100:
            insert_all.lacks["orders"] = {"coupon"}

    monkeypatch.setattr(discarding, "_sleep", sleep)
    assert insert(discarding, row("e1", coupon="C")) == []
    assert set(asked) == {("orders", "e1")}
    assert insert_all.rows["orders"]["e1"] == {"event_id": "e1", "extra": '{"coupon":"C"}'}


def test_of_another_table_s_columns_nothing_is_asked(
    inserter: Inserter, insert_all: InsertAll, clock: Clock
) -> None:
    insert_all.tables.add("inventory")
    insert_all.lacks["orders"] = {"coupon"}
    insert(inserter, row("e1", coupon="C"))
    assert inserter._waits.columns("orders") == ["coupon"]
    assert inserter._waits.columns("inventory") == []
