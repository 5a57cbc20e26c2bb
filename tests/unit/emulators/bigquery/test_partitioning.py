"""Time partitioning: what is taken, what is refused by which name, which days may be streamed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from localgcp.bigquery.catalog import partitioning
from localgcp.bigquery.catalog.partitioning import TimePartitioning
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import BadValue, NotSupported

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


def test_ingestion_time_is_refused_by_name() -> None:
    with pytest.raises(NotSupported, match="ingestion-time partitioning"):
        partitioning.parse({"type": "DAY"}, FIELDS)
