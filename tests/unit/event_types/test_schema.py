"""From models to tables: types, modes, names of record."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from event_types import registry
from event_types.base import EventType
from event_types.schema import NoColumnType, columns_of, defaults_of
from event_types.validate import validate
from local.messages import THREE


def test_every_python_type_has_its_column_type() -> None:
    class Inner(BaseModel):
        number: int

    class Model(BaseModel):
        text: str
        number: int
        amount: float
        flag: bool
        moment: datetime
        day: date
        choice: Literal["a", "b"]
        maybe: Annotated[int, Field(ge=0)] | None
        one: Inner
        many: list[Inner]

    found = [(column.name, column.type, column.mode) for column in columns_of(Model)]
    assert found == [
        ("text", "STRING", "REQUIRED"),
        ("number", "INTEGER", "REQUIRED"),
        ("amount", "FLOAT", "REQUIRED"),
        ("flag", "BOOLEAN", "REQUIRED"),
        ("moment", "TIMESTAMP", "REQUIRED"),
        ("day", "DATE", "REQUIRED"),
        ("choice", "STRING", "REQUIRED"),
        ("maybe", "INTEGER", "NULLABLE"),
        ("one", "RECORD", "REQUIRED"),
        ("many", "RECORD", "REPEATED"),
    ]


def test_a_field_that_may_be_left_out_is_a_column_that_may_be_null() -> None:
    class Inner(BaseModel):
        number: int
        since: date = date(2024, 1, 15)

    class Model(BaseModel):
        text: str = "web"
        maybe: int | None = None
        tags: list[str] = []
        one: Inner | None = None
        many: list[Inner]
        needed: str | None

    modes = {column.name: column.mode for column in columns_of(Model)}
    assert modes == {
        "text": "NULLABLE",
        "maybe": "NULLABLE",
        "tags": "REPEATED",
        "one": "NULLABLE",
        "many": "REPEATED",
        "needed": "NULLABLE",
    }
    assert defaults_of(Model) == {
        "text": "web",
        "maybe": None,
        "tags": [],
        "one": None,
        "one.since": "2024-01-15",
        "many.since": "2024-01-15",
    }


def test_a_type_without_a_column_is_named() -> None:
    class Model(BaseModel):
        odd: complex

    with pytest.raises(NoColumnType, match="'odd'"):
        columns_of(Model)


def flat(fields: list[dict[str, Any]], parent: str = "") -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for field in fields:
        found[parent + field["name"]] = (field["type"], field["mode"])
        found |= flat(field.get("fields", []), f"{parent}{field['name']}.")
    return found


ENVELOPE = {
    "event_id": ("STRING", "REQUIRED"),
    "publish_time": ("TIMESTAMP", "REQUIRED"),
    "processed_timestamp": ("TIMESTAMP", "REQUIRED"),
    "event_date": ("DATE", "REQUIRED"),
}


def test_orders_is_the_table_of_record() -> None:
    table = registry.by_name("order").layout
    assert (table.name, table.partition_by) == ("orders", "event_date")
    assert table.cluster_by == ("customer_id", "status")
    assert flat(table.schema_to_api()) == {
        **dict.fromkeys(("event_type", "order_id", "customer_id"), ("STRING", "REQUIRED")),
        "order_date": ("TIMESTAMP", "REQUIRED"),
        "status": ("STRING", "REQUIRED"),
        "items": ("RECORD", "REPEATED"),
        "items.product_id": ("STRING", "REQUIRED"),
        "items.product_name": ("STRING", "REQUIRED"),
        "items.quantity": ("INTEGER", "REQUIRED"),
        "items.price": ("FLOAT", "REQUIRED"),
        "shipping_address": ("RECORD", "REQUIRED"),
        "shipping_address.street": ("STRING", "REQUIRED"),
        "shipping_address.city": ("STRING", "REQUIRED"),
        "shipping_address.country": ("STRING", "REQUIRED"),
        "total_amount": ("FLOAT", "REQUIRED"),
        **ENVELOPE,
    }


@pytest.mark.parametrize(
    ("name", "table", "cluster"),
    [
        ("inventory", "inventory", ("product_id", "warehouse_id")),
        ("user_activity", "user_activity", ("user_id", "activity_type")),
    ],
)
def test_the_other_tables_of_record(name: str, table: str, cluster: tuple[str, ...]) -> None:
    layout = registry.by_name(name).layout
    assert (layout.name, layout.partition_by, layout.cluster_by) == (table, "event_date", cluster)
    assert flat(layout.schema_to_api()).items() >= ENVELOPE.items()


@pytest.mark.parametrize("kind", registry.ALL, ids=lambda kind: kind.name)
def test_every_column_is_described(kind: EventType) -> None:
    def undescribed(fields: list[dict[str, Any]]) -> list[str]:
        return [
            name
            for field in fields
            for name in ([field["name"]] if not field.get("description") else [])
            + undescribed(field.get("fields", []))
        ]

    assert undescribed(kind.layout.schema_to_api()) == []


def test_a_row_has_just_the_columns_of_its_table() -> None:
    published = datetime(2026, 3, 4, 23, 59, tzinfo=UTC)
    for data in THREE:
        event = validate(data)
        kind = registry.by_name(event.event_type)
        row = kind.row(event, "id-1", published, published)
        assert list(row) == [column.name for column in kind.layout.columns]
        assert row["event_date"] == "2024-01-15"
        assert row["event_id"] == "id-1"
        assert row["publish_time"] == "2026-03-04T23:59:00+00:00"


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(registry.UnknownEventType, match="'refund'; known: order, inventory"):
        registry.by_name("refund")
