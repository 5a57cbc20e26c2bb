from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from apache_beam import coders
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.timestamp import Timestamp

from event_types import registry
from event_types.dead_letter import DeadLetter, Reason
from pipeline import dead_letter
from pipeline.events import Route, received
from pipeline.record import Row, file_prefix
from tests.unit.pipeline.messages import INVENTORY, message

PUBLISHED = Timestamp(1_760_000_000.25)


def route(element: PubsubMessage, max_event_bytes: int = 2**20) -> tuple[str, Row]:
    """The output's name and the row."""
    dofn = Route(registry.ALL, max_event_bytes)
    dofn.start_bundle()
    (out,) = dofn.process(element, PUBLISHED)
    return (out.tag, out.value) if isinstance(out, TaggedOutput) else ("events", out)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", Reason.NOT_JSON),
        (b"", Reason.NOT_JSON),
        (b"[1]", Reason.NOT_AN_OBJECT),
        ({**INVENTORY, "event_type": "refund"}, Reason.UNKNOWN_EVENT_TYPE),
        ({"event_type": "inventory"}, Reason.MISSING_FIELD),
        ({**INVENTORY, "colour": "red"}, Reason.UNKNOWN_FIELD),
        ({**INVENTORY, "quantity_change": "2"}, Reason.WRONG_TYPE),
        ({**INVENTORY, "quantity_change": 101}, Reason.VALUE_OUT_OF_RANGE),
        ({**INVENTORY, "product_id": "x" * 5000}, Reason.TOO_LARGE),
    ],
)
def test_what_is_no_event_becomes_a_dead_letter_as_it_came(data: Any, reason: Reason) -> None:
    element = message("e1", data, source="shop")
    output, row = route(element, max_event_bytes=4096)
    assert output == Route.DEAD_LETTERS
    letter = DeadLetter.model_validate_json(row.line)
    assert letter.model_dump(mode="json") == row.values
    assert letter.reason == reason
    assert letter.payload.encode() == element.data
    assert {each.key: each.value for each in letter.attributes} == element.attributes
    assert row.file_prefix.startswith(f"dead-letter/{reason}/2025/10/09/08/53/{reason}_2025100908")


def test_the_line_and_the_row_are_the_same() -> None:
    output, row = route(message("e1", INVENTORY))
    assert output == "events"
    assert orjson.loads(row.line) == row.values
    assert b"\n" not in row.line
    assert set(row.values) == {each.name for each in registry.by_name("inventory").layout.columns}


def test_an_event_id_comes_from_the_publisher_then_pubsub_then_the_content() -> None:
    assert received(PubsubMessage(b"x", {"event_id": "e1"}, "m1"), PUBLISHED).event_id == "e1"
    assert received(PubsubMessage(b"x", {"event_id": ""}, "m1"), PUBLISHED).event_id == "m1"
    assert received(PubsubMessage(b"x", {}, "m1"), PUBLISHED).event_id == "m1"
    derived = received(PubsubMessage(b"x", {}), PUBLISHED).event_id
    assert derived == received(PubsubMessage(b"x", None), PUBLISHED).event_id
    assert derived != received(PubsubMessage(b"y", {}), PUBLISHED).event_id
    assert derived != received(PubsubMessage(b"x", {}), PUBLISHED + 1).event_id


def test_the_publish_time_is_the_messages_own_where_the_runner_gives_it() -> None:
    own = datetime(2024, 1, 1, tzinfo=UTC)
    assert received(PubsubMessage(b"x", {}, "m", own), PUBLISHED).publish_time == own
    assert received(PubsubMessage(b"x", {}, "m"), PUBLISHED).publish_time == datetime(
        2025, 10, 9, 8, 53, 20, 250_000, UTC
    )


def test_what_dataflow_hands_over_is_read() -> None:
    whole = PubsubMessage(b"{", {"a": "b"}, "m1", datetime(2024, 1, 1, 0, 0, 0, 5, UTC))
    parsed = PubsubMessage._from_proto_str(whole._to_proto_str())
    _, row = route(parsed)
    assert row.values["event_id"] == "m1"
    assert row.values["publish_time"] == "2024-01-01T00:00:00.000005Z"


def test_an_event_is_filed_under_its_own_minute_in_utc() -> None:
    _, row = route(message("e1", {**INVENTORY, "timestamp": "2024-01-15T01:30:59.9+05:30"}))
    assert row.file_prefix == "output/inventory/2024/01/14/20/00/inventory_202401142000"
    assert row.values["event_date"] == "2024-01-14"


def test_a_year_before_1000_keeps_its_width() -> None:
    moment = datetime(7, 1, 2, 3, 4, tzinfo=UTC)
    assert (
        file_prefix("output", "order", moment) == "output/order/0007/01/02/03/04/order_000701020304"
    )


@pytest.mark.parametrize("data", ["é".encode() * 1_000_000, b"\xff" * 2_000_000])
def test_a_payload_too_large_for_the_table_is_whole_in_the_file(data: bytes) -> None:
    _, row = route(PubsubMessage(data, {}, "m1"), max_event_bytes=1000)
    filed = json.loads(row.line)
    assert not filed["payload_truncated"]
    assert decoded(filed) == data

    assert row.values["payload_truncated"]
    assert row.values["payload_bytes"] == len(data)
    kept = decoded(row.values)
    assert data.startswith(kept)
    assert len(kept) == dead_letter.TABLE_PAYLOAD_BYTES


def test_a_row_can_travel_between_workers() -> None:
    _, row = route(message("e1", INVENTORY))
    coder = coders.registry.get_coder(Row)
    assert coder.decode(coder.encode(row)) == row


def decoded(letter: dict[str, Any]) -> bytes:
    payload: str = letter["payload"]
    is_text = letter["payload_encoding"] == "utf-8"
    return payload.encode() if is_text else base64.b64decode(payload)
