from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.api_core.exceptions import Forbidden

from event_types.dead_letter import DEAD_LETTER_TABLE, Reason
from pipeline import insertion
from pipeline.bigquery_sink import InsertRows
from pipeline.insertion import Inserter, Rejection, RowsNotInserted, Target
from pipeline.record import Message, Row
from tests.unit.pipeline.fakes import DATASET, PROJECT, TOPIC, Asked, Clock, InsertAll

TARGET = Target(PROJECT, DATASET, TOPIC, 300.0)
BACKEND_ERROR = [{"reason": "backendError", "location": "", "message": "Try again"}]
INVALID = [{"reason": "invalid", "location": "price", "message": "Not a number"}]


def row(event_id: str, table: str = "orders", line: bytes = b"{}") -> Row:
    published = datetime(2025, 10, 9, tzinfo=UTC)
    message = Message(event_id, b"data", {}, published)
    return Row(table, {"event_id": event_id}, "output/order/x", line, message)


def insert(inserter: Inserter, *rows: Row) -> list[Rejection]:
    batches: dict[str, list[Row]] = {}
    for each in rows:
        batches.setdefault(each.table, []).append(each)
    return list(inserter.insert(batches))


def test_a_table_about_to_be_created_is_waited_for(
    inserter: Inserter, insert_all: InsertAll, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 20:
            insert_all.tables.add("orders")

    monkeypatch.setattr(inserter, "_sleep", sleep)
    assert insert(inserter, row("e1")) == []
    assert set(insert_all.rows["orders"]) == {"e1"}
    assert clock.sleeps[:3] == [0.1, 0.2, 0.4]
    assert max(clock.sleeps) == insertion.LONGEST_PAUSE


def test_a_missing_table_delays_no_other(inserter: Inserter, insert_all: InsertAll) -> None:
    insert_all.tables.add("inventory")
    rejections = inserter.insert({"orders": [row("e1")], "inventory": [row("e2", "inventory")]})

    assert next(rejections).row.message.event_id == "e1"
    assert insert_all.looks[:2] == ["orders", "inventory"]
    assert set(insert_all.looks[2:]) == {"orders"}
    assert insert_all.requests == [("inventory", 1)]


def test_a_missing_table_is_asked_for_by_an_event_of_it_and_gets_no_insert(
    inserter: Inserter, insert_all: InsertAll, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inserter, "_sleep", lambda _: insert_all.tables.add("orders"))
    assert insert(inserter, row("e1"), row("e2")) == []
    assert asked == [("orders", "e1")]
    assert insert_all.requests == [("orders", 2)]

    insert_all.tables.clear()
    assert insert(inserter, row("e3")) == []
    assert asked == [("orders", "e1"), ("orders", "e3")]
    assert insert_all.looks == ["orders"] * 3


def test_the_dead_letters_table_is_asked_for_by_nobody(inserter: Inserter, asked: Asked) -> None:
    assert len(insert(inserter, row("e1", DEAD_LETTER_TABLE.name))) == 1
    assert asked == []


def test_a_table_given_up_on_is_not_waited_for_again(
    inserter: Inserter, insert_all: InsertAll, clock: Clock
) -> None:
    assert [each.reason for each in insert(inserter, row("e1"))] == [Reason.TABLE_NOT_FOUND]
    waited = clock.now
    assert waited == pytest.approx(300, abs=insertion.LONGEST_PAUSE)

    assert len(insert(inserter, row("e2"))) == 1
    assert clock.now == waited

    insert_all.tables.add("orders")
    assert insert(inserter, row("e3")) == []


def test_a_table_given_up_on_long_ago_is_waited_for_anew(inserter: Inserter, clock: Clock) -> None:
    insert(inserter, row("e1"))
    clock.now += insertion.VERDICT_LASTS * TARGET.wait_seconds
    before = clock.now
    insert(inserter, row("e2"))
    assert clock.now - before == pytest.approx(300, abs=insertion.LONGEST_PAUSE)


def test_a_table_that_came_and_went_is_waited_for_anew(
    inserter: Inserter, insert_all: InsertAll, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        insert_all.tables.add("orders")

    with monkeypatch.context() as patched:
        patched.setattr(inserter, "_sleep", sleep)
        assert insert(inserter, row("e1")) == []
    clock.now += TARGET.wait_seconds
    insert_all.tables.clear()
    before = clock.now
    assert [each.reason for each in insert(inserter, row("e2"))] == [Reason.TABLE_NOT_FOUND]
    assert clock.now - before == pytest.approx(300, abs=insertion.LONGEST_PAUSE)


def test_a_row_with_a_passing_error_is_tried_again_alone(
    inserter: Inserter, insert_all: InsertAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_all.tables.add("orders")
    insert_all.row_errors["orders", "e2"] = BACKEND_ERROR
    insert_all.row_errors["orders", "e3"] = INVALID
    monkeypatch.setattr(inserter, "_sleep", lambda _: insert_all.row_errors.clear())

    assert insert(inserter, row("e1"), row("e2"), row("e3")) == [
        Rejection(row("e3"), Reason.BIGQUERY_REJECTED, "price: Not a number")
    ]
    assert set(insert_all.rows["orders"]) == {"e1", "e2"}
    assert insert_all.requests == [("orders", 3), ("orders", 1)]


def test_a_passing_error_that_does_not_pass_fails_the_bundle(
    inserter: Inserter, insert_all: InsertAll, clock: Clock
) -> None:
    insert_all.tables.add("orders")
    insert_all.row_errors["orders", "e1"] = BACKEND_ERROR
    with pytest.raises(RowsNotInserted, match="table orders: 1 rows not inserted"):
        insert(inserter, row("e1"))
    assert clock.now == pytest.approx(insertion.RETRY_SECONDS, abs=5)


def test_a_batch_that_is_too_large_is_split(inserter: Inserter, insert_all: InsertAll) -> None:
    insert_all.tables.add("orders")
    insert_all.row_errors["orders", "e4"] = INVALID
    insert_all.largest = 2
    rejections = insert(inserter, *(row(f"e{number}") for number in range(5)))
    assert [each.row.message.event_id for each in rejections] == ["e4"]
    assert set(insert_all.rows["orders"]) == {"e0", "e1", "e2", "e3"}


def test_a_row_too_large_alone_is_refused(inserter: Inserter, insert_all: InsertAll) -> None:
    message = "Request payload size exceeds the limit: 10485760 bytes."
    insert_all.tables.add("orders")
    insert_all.faults = [(400, "invalid", message)]
    (rejection,) = insert(inserter, row("e1"))
    assert rejection.reason == Reason.BIGQUERY_REJECTED
    assert message in rejection.detail


def test_an_error_that_no_retry_helps_is_raised(inserter: Inserter, insert_all: InsertAll) -> None:
    insert_all.tables.add("orders")
    insert_all.faults = [(403, "accessDenied", "Access Denied")]
    with pytest.raises(Forbidden, match="Access Denied"):
        insert(inserter, row("e1"))


def test_ids_too_long_for_bigquery_stay_apart(inserter: Inserter, insert_all: InsertAll) -> None:
    insert_all.tables.add("orders")
    ids = ["x" * 128, "x" * 128 + "a", "x" * 128 + "b"]
    insert(inserter, *map(row, ids))
    assert len(insert_all.rows["orders"]) == 3
    assert max(map(len, insert_all.rows["orders"])) == 128


@pytest.mark.parametrize(
    ("rows", "requests"),
    [
        ([row(f"e{number}") for number in range(1001)], [500, 500, 1]),
        ([row(f"e{number}", line=b" " * 1_100_000) for number in range(4)], [3, 1]),
    ],
)
def test_a_full_batch_leaves_before_the_bundle_ends(
    inserter: Inserter, insert_all: InsertAll, rows: list[Row], requests: list[int]
) -> None:
    insert_all.tables.add("orders")
    dofn = InsertRows(TARGET)
    dofn.start_bundle()
    assert [out for each in rows for out in dofn.process(each)] == []
    assert list(dofn.finish_bundle()) == []
    assert [count for _, count in insert_all.requests] == requests


def test_a_refused_row_keeps_its_publish_time(inserter: Inserter, insert_all: InsertAll) -> None:
    insert_all.tables.add("orders")
    insert_all.row_errors["orders", "e1"] = INVALID
    dofn = InsertRows(TARGET)
    dofn.start_bundle()
    list(dofn.process(row("e1")))
    (out,) = dofn.finish_bundle()
    assert out.timestamp.to_utc_datetime(has_tz=True) == datetime(2025, 10, 9, tzinfo=UTC)
    assert out.value.message == row("e1").message
