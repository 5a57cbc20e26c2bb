"""Time partitioning: what is taken, what is refused by which name, which days may be streamed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from localgcp.bigquery.catalog import partitioning
from localgcp.bigquery.catalog.partitioning import TimePartitioning
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import BadValue

FIELDS = (
    Field("day", "DATE"),
    Field("at", "TIMESTAMP", "REQUIRED"),
    Field("Local", "DATETIME"),
    Field("name", "STRING"),
    Field("days", "DATE", "REPEATED"),
)


@pytest.mark.parametrize(
    ("resource", "parsed"),
    [
        ({"field": "day"}, TimePartitioning("DAY", "day")),
        ({"field": "DAY", "type": "day"}, TimePartitioning("DAY", "day")),
        ({"field": "local", "type": "HOUR"}, TimePartitioning("HOUR", "Local")),
        ({"field": "at", "type": "HOUR"}, TimePartitioning("HOUR", "at")),
        ({"field": "day", "type": "MONTH"}, TimePartitioning("MONTH", "day")),
        ({"field": "at", "type": "YEAR"}, TimePartitioning("YEAR", "at")),
        ({"field": "day", "expirationMs": "60000"}, TimePartitioning("DAY", "day", 60_000)),
        ({"field": "day", "expirationMs": None}, TimePartitioning("DAY", "day")),
        ({"field": "day", "requirePartitionFilter": True}, TimePartitioning("DAY", "day")),
    ],
)
def test_it_is_read(resource: dict[str, Any], parsed: TimePartitioning) -> None:
    assert partitioning.parse(resource, FIELDS) == parsed


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        ({"field": "day", "type": "WEEK"}, ("timePartitioning.type", "WEEK", "HOUR, DAY, MONTH")),
        ({"field": "nobody"}, ("timePartitioning.field", "nobody", "no such field")),
        ({"field": "name"}, ("timePartitioning.field", "name", "NULLABLE STRING")),
        ({"field": "days"}, ("timePartitioning.field", "days", "REPEATED DATE")),
        (
            {"field": "day", "type": "HOUR"},
            ("timePartitioning.field", "day", "HOUR", "TIMESTAMP or DATETIME that"),
        ),
        ({"field": "name", "type": "DAY"}, ("TIMESTAMP or DATETIME or DATE",)),
        ({"field": "day", "expirationMs": "soon"}, ("expirationMs", "soon")),
        ({"field": "day", "colour": "red"}, ("colour", "red", "timePartitioning")),
    ],
)
def test_what_is_wrong_is_named(resource: dict[str, Any], named: tuple[str, ...]) -> None:
    with pytest.raises(BadValue) as refused:
        partitioning.parse(resource, FIELDS)
    for word in named:
        assert word in str(refused.value)


def test_it_is_shown_as_it_was_given() -> None:
    assert TimePartitioning("DAY", "day").to_resource() == {"type": "DAY", "field": "day"}
    shown = TimePartitioning("HOUR", "at", 60_000).to_resource()
    assert shown == {"type": "HOUR", "field": "at", "expirationMs": "60000"}


def test_ten_years_back_and_one_ahead_may_be_streamed() -> None:
    first, last = partitioning.streamable(date(2024, 1, 15))
    assert (first, last) == (date(2014, 1, 17), date(2025, 1, 15))


def test_a_partition_expires_by_its_start() -> None:
    now = datetime(2024, 1, 15, tzinfo=UTC)
    assert partitioning.oldest_kept(TimePartitioning("DAY", "day"), now) is None
    kept = partitioning.oldest_kept(TimePartitioning("DAY", "day", 3_600_000), now)
    assert kept == now - timedelta(hours=1)


def test_without_a_field_it_is_of_ingestion_time() -> None:
    parsed = partitioning.parse({"type": "HOUR", "expirationMs": "60000"}, FIELDS)
    assert parsed.is_ingestion
    assert parsed.to_resource() == {"type": "HOUR", "expirationMs": "60000"}


def ranges(start: object, end: object, interval: object, field: str = "n") -> dict[str, Any]:
    return {"field": field, "range": {"start": start, "end": end, "interval": interval}}


NUMBERS = (Field("n", "INTEGER"), Field("s", "STRING"), Field("ns", "INTEGER", "REPEATED"))


@pytest.mark.parametrize(
    ("value", "id_"),
    [
        *((-10, "-10"), (-1, "-3"), (0, "-3"), (4, "4"), (5, "4")),
        *((6, "__UNPARTITIONED__"), (-11, "__UNPARTITIONED__"), (None, "__NULL__")),
    ],
)
def test_the_partition_of_an_integer(value: int | None, id_: str) -> None:
    part = partitioning.parse_range(ranges("-10", 6, "7"), NUMBERS)
    assert part.id_of(value) == id_
    shown = f"SELECT {part.id_sql} FROM (SELECT CAST(? AS BIGINT) AS n)"
    assert duckdb.execute(shown, [value]).fetchall() == [(id_,)]


@pytest.mark.parametrize(
    "resource",
    [
        *(ranges(0, 0, 1), ranges(5, 0, 1), ranges(0, 5, 0), ranges(0, 10_001, 1)),
        *(ranges("x", 5, 1), ranges(0, 5, 1, "s"), ranges(0, 5, 1, "ns"), ranges(0, 5, 1, "no")),
    ],
)
def test_what_is_no_range(resource: dict[str, Any]) -> None:
    with pytest.raises(BadValue, match="rangePartitioning"):
        partitioning.parse_range(resource, NUMBERS)


def test_a_table_is_partitioned_in_one_way() -> None:
    both = {"timePartitioning": {"type": "DAY"}, "rangePartitioning": ranges(0, 5, 1)}
    with pytest.raises(BadValue, match="there is a timePartitioning"):
        partitioning.of_resource(both, NUMBERS)
    assert partitioning.of_resource({}, NUMBERS) is None


@pytest.mark.parametrize("id_", ["4", "-10", "__NULL__", "__UNPARTITIONED__"])
def test_the_ids_of_ranges(id_: str) -> None:
    part = partitioning.parse_range(ranges(-10, 6, 7), NUMBERS)
    part.check_id(id_)
    for wrong in ("5", "x", "", "04", "11"):
        with pytest.raises(BadValue):
            part.check_id(wrong)


def test_a_month_may_be_streamed_to_by_its_decorator() -> None:
    today = date(2024, 3, 1)
    assert partitioning.decoratable(date(2024, 1, 30), today)
    assert not partitioning.decoratable(date(2024, 1, 29), today)
    assert partitioning.decoratable(date(2024, 3, 17), today)
    assert not partitioning.decoratable(date(2024, 3, 18), today)
