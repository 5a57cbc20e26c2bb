"""Which rows say something else than their lines."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pyarrow as pa
import pytest

from event_types.order import ORDER
from local.content import Content
from pipeline.events import Router
from pipeline.record import Message

NOW = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


def record(event_id: str, **values: Any) -> dict[str, Any]:
    """An order's record, as its row and its line have it."""
    data = ORDER.fake(Random(event_id), NOW).model_dump_json().encode()
    row = Router((ORDER,), 1 << 20).row(Message(event_id, data, {}, NOW))
    return {**row.values, **values}


def as_rows(*records: dict[str, Any]) -> pa.Table:
    """The same as BigQuery's Read API gives them: times are times."""
    moment = datetime.fromisoformat
    return pa.Table.from_pylist(
        [{**each, "order_date": moment(each["order_date"])} for each in records]
    )


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Two events, one of them written twice, and a line that a hand has torn."""
    folder = tmp_path / "2024" / "01"
    folder.mkdir(parents=True)
    told = [record("a"), record("b"), record("b", processed_timestamp=NOW.isoformat())]
    text = b"\n".join(map(orjson.dumps, told))
    (folder / "order_202401151030001.json").write_bytes(text + b'\n{"event_id": "torn')
    return tmp_path


def test_each_id_counts_as_often_as_it_has_lines(lines: Path) -> None:
    with Content(ORDER.layout, lines) as content:
        assert content.line_ids() == Counter({"a": 1, "b": 2})


def test_no_folder_has_no_lines(tmp_path: Path) -> None:
    with Content(ORDER.layout, tmp_path / "none") as content:
        assert content.line_ids() == Counter()
        assert content.changed(as_rows(record("a"))) == []


@pytest.mark.parametrize(
    "change",
    [
        {"status": "lost"},
        {"total_amount": 0.01},
        {"order_date": "2024-01-15T10:30:00.000001+00:00"},
        {"shipping_address": {"street": "s", "city": "c", "country": "XX"}},
    ],
)
def test_a_row_that_was_written_over_is_seen(lines: Path, change: dict[str, Any]) -> None:
    over = record("a", **change)
    with Content(ORDER.layout, lines) as content:
        assert content.changed(as_rows(over, record("b"))) == ["a"]


def test_what_the_pipeline_adds_and_what_came_later_is_no_change(lines: Path) -> None:
    later = record("a", processed_timestamp="2030-01-01T00:00:00+00:00")
    without = {name: value for name, value in record("b").items() if name != "total_amount"}
    with Content(ORDER.layout, lines) as content:
        assert content.changed(as_rows(later)) == []
        assert content.changed(as_rows(without)) == []
        assert content.changed(as_rows(record("b", status=None), record("not in files"))) == []
