"""Time partitioning by a column: its rules, its partition ids, and what may be streamed into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import BadValue, NotSupported

# Format of a partition id, in DuckDB's and Python's strftime alike.
ID_FORMATS = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}

# "10 years in the past and 1 year in the future" of the current date (Streaming data into
# partitioned tables), taken here as days. The service has been seen to draw it closer: an error of
# January 2025 named 1825 days in the past (mozilla/gcp-ingestion, pull request 2721).
PAST_DAYS, FUTURE_DAYS = 3650, 366


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TimePartitioning:
    """The API's TimePartitioning on a column."""

    unit: str
    column: str
    expiration_ms: int | None = None

    def to_resource(self) -> dict[str, Any]:
        """The API's TimePartitioning."""
        resource = {"type": self.unit, "field": self.column}
        if self.expiration_ms:
            resource["expirationMs"] = str(self.expiration_ms)
        return resource


def parse(resource: Mapping[str, Any], fields: Iterable[Field]) -> TimePartitioning:
    """Read TimePartitioning. Raises BadValue, NotSupported (ingestion time)."""
    known = ("type", "field", "expirationMs", "requirePartitionFilter")
    resources.check_keys("timePartitioning", resource, known, ())
    unit = str(resource.get("type") or "DAY").upper()
    if unit not in ID_FORMATS:
        raise BadValue("timePartitioning.type", unit, f"one of {', '.join(ID_FORMATS)}")
    name = resource.get("field")
    if not name:
        raise NotSupported("ingestion-time partitioning", "timePartitioning.field")
    column = {field.name.lower(): field for field in fields}.get(str(name).lower())
    if column is None:
        raise BadValue("timePartitioning.field", name, "the schema has no such field")
    allowed = ("TIMESTAMP", "DATETIME") if unit == "HOUR" else ("TIMESTAMP", "DATETIME", "DATE")
    if column.type not in allowed or column.repeated:
        raise BadValue(
            "timePartitioning.field",
            name,
            f"{unit} partitions need a {' or '.join(allowed)} that is not repeated,"
            f" not {column.mode} {column.type}",
        )
    return TimePartitioning(unit, column.name, resources.duration(resource, "expirationMs", None))


def day_micros(value: date | datetime) -> tuple[date, int]:
    """A partition value's day in UTC, and the value in microseconds since the epoch."""
    if not isinstance(value, datetime):
        return value, (value - _EPOCH.date()) // _MICROSECOND
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.date(), (aware - _EPOCH) // _MICROSECOND


def streamable(today: date) -> tuple[date, date]:
    """First and last day that insertAll takes for a partition column."""
    return today - timedelta(days=PAST_DAYS), today + timedelta(days=FUTURE_DAYS)


def oldest_kept(partitioning: TimePartitioning, now: datetime) -> datetime | None:
    """Partitions that began before this have expired; None when partitions never do."""
    if partitioning.expiration_ms is None:
        return None
    return now - timedelta(milliseconds=partitioning.expiration_ms)
