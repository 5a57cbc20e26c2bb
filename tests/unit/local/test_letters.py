"""Dead letters: which are meant, what is at fault, how a payload is changed, what is sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.attached import Attached
from local.dlq import MOST_REDRIVES
from local.drafts import Drafts, changed
from local.errors import BadEdit, BadQuery, NoLetter
from local.laptop import Endpoints
from local.letters import Letter, Wanted, faults, letter_of, letters, stats, verdict
from local.messages import THREE, malformed
from local.redrive import DONE, INVALID, READY, ROUND, plan
from local.warehouse import Result, Warehouse

ORDER = THREE[0].decode()
BAD = ORDER.replace('"pending"', '"lost"')
STACK = Attached(Endpoints(*["http://127.0.0.1:1"] * 7))


def row(event_id: str, payload: str = BAD, **changes: Any) -> dict[str, Any]:
    made = {
        "event_id": event_id,
        "reason": "value_out_of_range",
        "detail": "status: Input should be 'pending'; got 'lost'",
        "payload": payload,
        "payload_encoding": "utf-8",
        "payload_bytes": len(payload),
        "payload_truncated": False,
        "attributes": [],
        "publish_time": "2026-11-25 10:00:00 UTC",
        "failed_at": "2026-11-25 10:00:01 UTC",
    }
    return {**made, **changes}


class Shelf(Warehouse):
    """Answers with rows by table; the statements stay to be looked at."""

    def __init__(self, rows: list[dict[str, Any]], sent: list[list[Any]] | None = None) -> None:
        super().__init__("", "p", "d")
        SHELF.update(rows=rows, sent=sent, asked=[])

    def has(self, table: str) -> bool:
        return SHELF["sent"] is not None

    def query(self, sql: str) -> Result:
        SHELF["asked"].append(sql)
        if "dead_letter_redrives" in sql:
            return Result(["event_id", "redrive_count", "redriven_at"], iter([SHELF["sent"]]))
        rows = SHELF["rows"]
        columns = list(rows[0]) if rows else []
        return Result(columns, iter([[list(each.values()) for each in rows]]))


SHELF: dict[str, Any] = {}


def found(rows: list[dict[str, Any]], wanted: Wanted | None = None) -> list[Letter]:
    return list(letters(Shelf(rows), wanted or Wanted()))


def test_a_letter_says_its_type_by_attribute_or_payload() -> None:
    by_attribute = row("a", "no JSON", attributes=[{"key": "event_type", "value": "inventory"}])
    kinds = [each.event_type for each in found([by_attribute, row("b"), row("c", "[1]")])]
    assert kinds == ["inventory", "order", ""]
    (only,) = found([by_attribute, row("b")], Wanted(event_type="order"))
    assert only.event_id == "b"


def test_a_message_that_failed_again_is_a_letter_of_its_own_and_a_redelivery_is_not() -> None:
    again = [{"key": "redrive_count", "value": "1"}]
    rows = [row("a", attributes=again), row("a"), row("a")]
    first, second = letters(Shelf(rows, [["a", 1, "2026-11-25 10:05:00 UTC"]]), Wanted())
    assert (first.redrives, first.state) == (1, "open")
    assert (second.redrives, second.state) == (0, "redriven")
    assert stats(Shelf(rows, []), Wanted())["total"] == 2


def test_filters_are_texts_for_bigquery_and_what_is_none_is_named() -> None:
    evil = '" OR TRUE --'
    found([], Wanted(reason="not_json", since=evil, event_ids=(evil,)))
    sql = SHELF["asked"][-1]
    assert 'reason = "not_json"' in sql
    assert f"event_id IN ({json.dumps(evil)})" in sql
    assert f"TIMESTAMP({json.dumps(evil)})" in sql
    with pytest.raises(BadQuery, match="no reason 'odd'"):
        found([], Wanted(reason="odd"))
    with pytest.raises(BadQuery, match="no state 'odd'"):
        found([], Wanted(state="odd"))
    with pytest.raises(NoLetter, match="'gone'"):
        letter_of(Shelf([]), "gone")


@pytest.mark.parametrize(
    ("detail", "names"),
    [
        ("status: Input should be 'a'; got 'b'", ["status"]),
        ("items.0.quantity: Input should be valid; got 'x'; order_date: required", None),
        ("Invalid JSON: EOF while parsing an object at line 1 column 360", []),
    ],
)
def test_the_fields_at_fault_are_told(detail: str, names: list[str] | None) -> None:
    expected = ["quantity", "order_date"] if names is None else names
    assert faults(detail) == expected


def test_a_payload_is_changed_by_paths() -> None:
    data = changed(BAD.encode(), ["status=shipped", "items.0.quantity=7", 'customer_id="12"'])
    document = json.loads(data)
    assert document["status"] == "shipped"
    assert document["items"][0]["quantity"] == 7
    assert document["customer_id"] == "12"
    assert verdict(data) == ("", "")
    assert verdict(BAD.encode())[0] == "value_out_of_range"


@pytest.mark.parametrize(
    "change", ["status", "=x", "items.9.quantity=1", "status.deep.er=1", "items.x=1"]
)
def test_a_change_that_fits_nowhere_is_named(change: str) -> None:
    with pytest.raises(BadEdit, match=r"--set"):
        changed(BAD.encode(), [change])
    with pytest.raises(BadEdit, match="not JSON"):
        changed(malformed()[0], ["a=1"])


def planned(letters: Iterator[Letter] | list[Letter], drafts: Drafts) -> list[str]:
    return [each.verdict for each in plan(STACK, drafts, letters, MOST_REDRIVES)]


def test_a_plan_sends_what_is_valid_and_leaves_what_went_round(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path)
    (bad,) = found([row("../../a")])
    good = replace(bad, event_id="b", payload=ORDER)
    sent = replace(good, redriven_at="2026-11-25 10:05:00 UTC")
    tired = replace(good, attributes={"redrive_count": "3"})
    assert planned([bad, good, sent, tired], drafts) == [INVALID, READY, DONE, ROUND]
    drafts.put(bad, ORDER.encode())
    assert [each.name for each in tmp_path.iterdir()] == ["drafts"]
    assert planned([bad], drafts) == [READY]
    assert drafts.drop(bad)
    assert not drafts.drop(bad)
    assert planned([bad], drafts) == [INVALID]
