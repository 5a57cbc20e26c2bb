"""The Storage Write sink through the official client, against a double of its wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from google.api_core.exceptions import PermissionDenied
from google.rpc import code_pb2

from event_types import registry
from event_types.dead_letter import Reason
from pipeline.events import Router
from pipeline.insertion import Inserter, Rejection, Target
from pipeline.record import Message, Row
from pipeline.storage_write import SCHEMA_SECONDS, StorageWrite
from tests.integration.newer import EVENT_TYPES, NEW_ORDER, order
from tests.unit.pipeline.fakes import DATASET, PROJECT, TOPIC, Asked, Clock
from tests.unit.pipeline.write_api import Field, WriteApi, schema

TABLES = f"projects/{PROJECT}/datasets/{DATASET}/tables"
ORDERS = f"{TABLES}/orders"
PUBLISHED = datetime(2025, 10, 9, 8, 53, 21, 123456, tzinfo=UTC)
ROUTER = Router(EVENT_TYPES, 2**20)


@pytest.fixture
def api() -> Iterator[WriteApi]:
    api = WriteApi()
    api.schemas[ORDERS] = schema(registry.by_name("order").layout.schema_to_api())
    yield api
    api.close()


@pytest.fixture
def inserter(api: WriteApi, asked: Asked, clock: Clock) -> Inserter:
    sender = StorageWrite(PROJECT, DATASET, api.client, clock)
    return Inserter(Target(PROJECT, DATASET, TOPIC, 300.0), sender, asked, clock, clock.sleep)


def sale(event_id: str, colour: str | None = None, **fields: Any) -> Row:
    data = json.dumps(order(1, fields, colour)).encode()
    return ROUTER.row(Message(event_id, data, {}, PUBLISHED))


def insert(inserter: Inserter, *rows: Row) -> list[Rejection]:
    return list(inserter.insert({"orders": list(rows)}))


def ids(api: WriteApi, table: str = ORDERS) -> list[str]:
    return [row["event_id"] for row in api.rows.get(table, [])]


@pytest.mark.parametrize("event_type", registry.ALL, ids=lambda each: each.name)
def test_rows_of_every_type_arrive_as_they_are(
    api: WriteApi, inserter: Inserter, event_type: Any
) -> None:
    name = f"{TABLES}/{event_type.table}"
    api.schemas[name] = schema(event_type.layout.schema_to_api())
    moment = datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    made = [event_type.fake(Random(number), moment) for number in range(20)]
    today = Router(registry.ALL, 2**20)
    rows = [
        today.row(Message(f"e{number}", each.model_dump_json().encode(), {}, PUBLISHED))
        for number, each in enumerate(made)
    ]
    assert list(inserter.insert({event_type.table: rows})) == []
    assert ids(api, name) == [f"e{number}" for number in range(20)]
    assert len(api.requests) == 1
    for sent, got in zip(rows, api.rows[name], strict=True):
        # int64 is text in protobuf's JSON; times are microseconds, days are days since 1970.
        assert got[event_type.event_time] == "-1"
        assert got["publish_time"] == "1760000001123456"
        assert got["event_date"] == -1
        for column, value in sent.values.items():
            if isinstance(value, str) and column not in (event_type.event_time, *ENVELOPE):
                assert got[column] == value
        if event_type.name == "order":
            assert [item["price"] for item in got["items"]] == [
                item["price"] for item in sent.values["items"]
            ]
            assert got["shipping_address"] == sent.values["shipping_address"]


ENVELOPE = ("publish_time", "processed_timestamp", "event_date")


def test_a_table_about_to_be_created_is_waited_for(
    api: WriteApi, inserter: Inserter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = api.schemas.pop(ORDERS)

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 20:
            api.schemas[ORDERS] = made

    monkeypatch.setattr(inserter, "_sleep", sleep)
    assert insert(inserter, sale("e1")) == []
    assert ids(api) == ["e1"]
    api.schemas.clear()
    (rejection,) = inserter.insert({"gone": [sale("e2")]})
    assert rejection.reason == Reason.TABLE_NOT_FOUND


def test_a_column_is_waited_for_by_the_rows_that_need_it(
    api: WriteApi, inserter: Inserter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        assert ids(api)[:2] == ["plain", "nulls"]
        if clock.now > 20:
            api.schemas[ORDERS] = schema(NEW_ORDER.layout.schema_to_api())

    monkeypatch.setattr(inserter, "_sleep", sleep)
    rows = [sale("plain"), sale("coupon", coupon="C"), sale("nulls", coupon=None, channel="web")]
    assert insert(inserter, *rows, sale("red", colour="red")) == []
    assert ids(api) == ["plain", "nulls", "coupon", "red"]
    assert api.rows[ORDERS][2]["coupon"] == "C"
    assert api.rows[ORDERS][3]["items"][0]["colour"] == "red"


def test_under_a_frozen_contract_only_the_rows_that_need_it_are_refused(
    api: WriteApi, asked: Asked, clock: Clock
) -> None:
    target = Target(PROJECT, DATASET, TOPIC, 300.0, contract="freeze")
    frozen = Inserter(
        target, StorageWrite(PROJECT, DATASET, api.client, clock), asked, clock, clock.sleep
    )
    (rejection,) = insert(frozen, sale("e1", tags=["vip"], coupon="C"), sale("e2"))
    assert rejection.reason == Reason.COLUMN_NOT_FOUND
    assert rejection.detail == "table orders lacks coupon, tags: a frozen contract adds none"
    assert ids(api) == ["e2"]
    assert clock.sleeps == []


def test_a_row_that_the_service_refuses_stops_no_other(api: WriteApi, inserter: Inserter) -> None:
    api.bad = {"e1", "e3"}
    rejections = insert(inserter, *(sale(f"e{number}") for number in range(5)))
    assert [(each.row.message.event_id, each.detail) for each in rejections] == [
        ("e1", "FIELDS_ERROR: Bad value"),
        ("e3", "FIELDS_ERROR: Bad value"),
    ]
    assert ids(api) == ["e0", "e2", "e4"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"total_amount": "much"}, "it does not fit its table"),
        ({"order_date": "soon"}, "order_date: Invalid isoformat string"),
        ({"shipping_address": 7}, "shipping_address: 7 is not a record"),
        ({"order_id": None}, "missing required fields: order_id"),
    ],
)
def test_a_row_that_fits_no_message_is_refused_alone(
    api: WriteApi, inserter: Inserter, change: dict[str, Any], why: str
) -> None:
    bad = sale("bad")
    bad.values.update(change)
    (rejection,) = insert(inserter, bad, sale("good"))
    assert (rejection.row, rejection.reason) == (bad, Reason.BIGQUERY_REJECTED)
    assert why in rejection.detail
    assert ids(api) == ["good"]


def test_a_column_of_a_kind_that_no_event_has_is_named(api: WriteApi, inserter: Inserter) -> None:
    fields = api.schemas[ORDERS].fields
    fields.append(Field(name="coupon", type_=Field.Type.GEOGRAPHY, mode=Field.Mode.NULLABLE))
    (rejection,) = insert(inserter, sale("bad", coupon="C"), sale("good"))
    assert "coupon: its column is GEOGRAPHY" in rejection.detail
    assert ids(api) == ["good"]


@pytest.mark.parametrize(
    "code", [code_pb2.ABORTED, code_pb2.UNAVAILABLE, code_pb2.INTERNAL, code_pb2.RESOURCE_EXHAUSTED]
)
def test_what_blames_the_moment_is_tried_again(
    api: WriteApi, inserter: Inserter, clock: Clock, code: int
) -> None:
    api.faults = [code, code]
    assert insert(inserter, sale("e1")) == []
    assert ids(api) == ["e1"]
    assert clock.sleeps == [0.1, 0.2]


def test_what_no_retry_helps_is_raised(api: WriteApi, inserter: Inserter) -> None:
    api.faults = [code_pb2.PERMISSION_DENIED]
    with pytest.raises(PermissionDenied):
        insert(inserter, sale("e1"))


def test_a_column_dropped_behind_its_back_is_noticed(api: WriteApi, inserter: Inserter) -> None:
    api.schemas[ORDERS] = schema(NEW_ORDER.layout.schema_to_api())
    insert(inserter, sale("e1", coupon="C"))
    api.schemas[ORDERS] = schema(registry.by_name("order").layout.schema_to_api())
    assert insert(inserter, sale("e2")) == []
    assert ids(api) == ["e1", "e2"]
    assert api.looks == 2


def test_a_schema_is_read_once_a_minute(api: WriteApi, inserter: Inserter, clock: Clock) -> None:
    for number in range(5):
        insert(inserter, sale(f"e{number}"))
    assert api.looks == 1
    clock.now += SCHEMA_SECONDS
    insert(inserter, sale("later"))
    assert api.looks == 2
    assert len(ids(api)) == 6
    # The same connection all the while: the schema was told once.
    assert sum(request.proto_rows.HasField("writer_schema") for request in api.requests) <= 1
