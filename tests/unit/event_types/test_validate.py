"""Bytes to events, and every reason why not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_types.dead_letter import REASONS, Reason
from event_types.inventory import Inventory
from event_types.validate import MAX_BYTES, InvalidEvent, Validator, validate
from local.messages import THREE, malformed

INVENTORY: dict[str, Any] = json.loads(THREE[1])
ORDER: dict[str, Any] = json.loads(THREE[0])


def changed(event: dict[str, Any], **changes: object) -> bytes:
    return json.dumps({**event, **changes}).encode()


@pytest.mark.parametrize("data", THREE)
def test_the_three_messages_are_events(data: bytes) -> None:
    assert json.loads(validate(data).model_dump_json()) == json.loads(data)


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (b"", Reason.NOT_JSON, "EOF"),
        (b"\xff\xfe", Reason.NOT_JSON, "Invalid JSON"),
        (b"[" * 100_000, Reason.NOT_JSON, "recursion"),
        (changed(INVENTORY, product_id="\ud800"), Reason.NOT_JSON, "hex escape"),
        (b"[]", Reason.NOT_AN_OBJECT, "object"),
        (b"null", Reason.NOT_AN_OBJECT, "None"),
        (b"3", Reason.NOT_AN_OBJECT, "3"),
        (b"{}", Reason.MISSING_FIELD, "event_type: required"),
        (changed(INVENTORY, event_type="refund"), Reason.UNKNOWN_EVENT_TYPE, "'refund'"),
        (changed(INVENTORY, event_type=None), Reason.UNKNOWN_EVENT_TYPE, "event_type"),
        (changed(ORDER, items=[{}]), Reason.MISSING_FIELD, "items.0.product_id: required"),
        (changed(INVENTORY, colour="red"), Reason.UNKNOWN_FIELD, "colour"),
        (changed(INVENTORY, quantity_change="2"), Reason.WRONG_TYPE, "quantity_change"),
        (changed(INVENTORY, quantity_change=2.5), Reason.WRONG_TYPE, "2.5"),
        (changed(INVENTORY, quantity_change=True), Reason.WRONG_TYPE, "True"),
        (changed(ORDER, items={}), Reason.WRONG_TYPE, "items"),
        (changed(ORDER, shipping_address=[]), Reason.WRONG_TYPE, "shipping_address"),
        (changed(INVENTORY, timestamp=1_700_000_000), Reason.WRONG_TYPE, "RFC 3339"),
        (changed(INVENTORY, timestamp="1700000000"), Reason.WRONG_TYPE, "RFC 3339"),
        (changed(INVENTORY, timestamp="2024-01-15T10:00:00"), Reason.WRONG_TYPE, "offset"),
        (changed(INVENTORY, quantity_change=101), Reason.VALUE_OUT_OF_RANGE, "101"),
        (changed(INVENTORY, reason="theft"), Reason.VALUE_OUT_OF_RANGE, "'restock'"),
        (changed(INVENTORY, product_id=""), Reason.VALUE_OUT_OF_RANGE, "product_id"),
        (changed(ORDER, total_amount=float("nan")), Reason.VALUE_OUT_OF_RANGE, "finite"),
        (
            changed(INVENTORY, timestamp="0001-01-01T00:00:00+05:00"),
            Reason.VALUE_OUT_OF_RANGE,
            "0001-01-01 to 9999-12-31",
        ),
        (b"x" * (MAX_BYTES + 1), Reason.TOO_LARGE, str(MAX_BYTES + 1)),
    ],
)
def test_each_failure_has_its_reason_and_names_the_field(
    data: bytes, reason: Reason, said: str
) -> None:
    with pytest.raises(InvalidEvent) as caught:
        validate(data)
    assert caught.value.reason == reason
    assert said in caught.value.detail


def test_a_long_value_is_cut_in_the_detail() -> None:
    with pytest.raises(InvalidEvent) as caught:
        validate(changed(INVENTORY, reason="x" * 10_000))
    assert len(caught.value.detail) < 400
    assert "10002 characters" in caught.value.detail


def test_times_become_utc() -> None:
    event = validate(changed(INVENTORY, timestamp="2024-01-15T23:30:00-02:00"))
    assert isinstance(event, Inventory)
    assert event.timestamp == datetime(2024, 1, 16, 1, 30, tzinfo=UTC)
    assert event.timestamp.tzinfo is UTC


def test_the_malformed_messages_cover_every_reason_of_validation() -> None:
    found = set()
    for data in malformed():
        with pytest.raises(InvalidEvent) as caught:
            validate(data)
        found.add(caught.value.reason)
    assert len(malformed()) == 20
    later = {
        Reason.BIGQUERY_REJECTED,
        Reason.TABLE_NOT_FOUND,
        Reason.COLUMN_NOT_FOUND,
        Reason.INTERNAL_ERROR,
    }
    assert found == set(Reason) - later


def test_every_reason_is_explained() -> None:
    assert set(REASONS) == set(Reason)


def test_one_type_alone_needs_no_union() -> None:
    only = Validator((Inventory,))
    assert isinstance(only(THREE[1]), Inventory)
    with pytest.raises(InvalidEvent):
        only(THREE[0])


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_nothing_but_invalid_event_is_raised(data: bytes) -> None:
    with pytest.raises(InvalidEvent):
        validate(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(ORDER)), json_values)
def test_any_value_in_any_field_is_an_event_or_a_reason(field: str, value: object) -> None:
    try:
        event = validate(json.dumps({**ORDER, field: value}).encode())
    except InvalidEvent as error:
        assert error.detail
    else:
        assert event.event_type == "order"
