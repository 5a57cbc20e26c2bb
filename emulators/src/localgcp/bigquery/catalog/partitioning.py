"""Partitions, by time or by ranges of an integer: their rules, their ids, what may be streamed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.catalog.schema import Field, quoted
from localgcp.bigquery.errors import BadValue

# Format of a partition id, in DuckDB's and Python's strftime alike.
ID_FORMATS = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}

# "10 years in the past and 1 year in the future" of the current date (Streaming data into
# partitioned tables), taken here as days. The service has been seen to draw it closer: an error of
# January 2025 named 1825 days in the past (mozilla/gcp-ingestion, pull request 2721).
PAST_DAYS, FUTURE_DAYS = 3650, 366
# "the last 31 days in the past and 16 days in the future", by a decorator of ingestion time.
DECORATED_PAST, DECORATED_FUTURE = 31, 16

PSEUDO, PSEUDO_DATE = "_PARTITIONTIME", "_PARTITIONDATE"
NULL, UNPARTITIONED = "__NULL__", "__UNPARTITIONED__"
MAX_PARTITIONS = 10_000  # Quotas, "Partitioned tables": partitions per table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TimePartitioning:
    """The API's TimePartitioning, on a column or (PSEUDO) on the time of ingestion."""

    unit: str
    column: str
    expiration_ms: int | None = None

    @property
    def is_ingestion(self) -> bool:
        """Whether rows are where the time of their coming puts them."""
        return self.column == PSEUDO

    @property
    def id_sql(self) -> str:
        """SQL of the id of a row's partition."""
        null = UNPARTITIONED if self.is_ingestion else NULL
        column = f"CAST({quoted(self.column)} AS TIMESTAMP)"
        return f"coalesce(strftime({column}, '{ID_FORMATS[self.unit]}'), '{null}')"

    def id_of(self, value: Any) -> str:
        """The id of the partition that a value of the column belongs to."""
        return NULL if value is None else str(value.strftime(ID_FORMATS[self.unit]))

    def check_id(self, id_: str) -> None:
        """Look whether a partition of this table may have the id. Raises BadValue."""
        form = ID_FORMATS[self.unit]
        try:
            known = datetime.strptime(id_, form).strftime(form) == id_
        except ValueError:
            known = id_ == (UNPARTITIONED if self.is_ingestion else NULL)
        if not known:
            raise BadValue("tableId", f"${id_}", f"no id of a {self.unit} partition")

    def start_of(self, id_: str) -> datetime | None:
        """When a partition begins, in UTC; None for that of no time."""
        if id_ in (NULL, UNPARTITIONED):
            return None
        return datetime.strptime(id_, ID_FORMATS[self.unit]).replace(tzinfo=UTC)

    def to_resource(self) -> dict[str, Any]:
        """The API's TimePartitioning."""
        resource = {"type": self.unit} if self.is_ingestion else _on(self.unit, self.column)
        if self.expiration_ms:
            resource["expirationMs"] = str(self.expiration_ms)
        return resource


def _on(unit: str, column: str) -> dict[str, str]:
    return {"type": unit, "field": column}


@dataclass(frozen=True, slots=True)
class RangePartitioning:
    """The API's RangePartitioning: `start` included, `end` not."""

    column: str
    start: int
    end: int
    interval: int
    expiration_ms: int | None = None  # such partitions do not expire
    is_ingestion: bool = False

    @property
    def id_sql(self) -> str:
        """SQL of the id of a row's partition."""
        column, start, each = quoted(self.column), self.start, self.interval
        return (
            f"CASE WHEN {column} IS NULL THEN '{NULL}'"
            f" WHEN {column} < {start} OR {column} >= {self.end} THEN '{UNPARTITIONED}'"
            f" ELSE CAST({start} + ({column} - ({start})) // {each} * {each} AS VARCHAR) END"
        )

    def id_of(self, value: Any) -> str:
        """The id of the partition that a value of the column belongs to."""
        if value is None:
            return NULL
        if not self.start <= value < self.end:
            return UNPARTITIONED
        return str(self.start + (value - self.start) // self.interval * self.interval)

    def check_id(self, id_: str) -> None:
        """Look whether a partition of this table may have the id. Raises BadValue."""
        try:
            known = self.id_of(int(id_)) == id_
        except ValueError:
            known = id_ in (NULL, UNPARTITIONED)
        if not known:
            why = f"no partition of {self.column} begins there"
            raise BadValue("tableId", f"${id_}", why)

    def start_of(self, id_: str) -> datetime | None:
        """No time: its partitions begin at numbers."""
        return None

    def to_resource(self) -> dict[str, Any]:
        """The API's RangePartitioning."""
        bounds = {"start": self.start, "end": self.end, "interval": self.interval}
        texts = {key: str(value) for key, value in bounds.items()}
        return {"field": self.column, "range": texts}


Partitioning = TimePartitioning | RangePartitioning


def of_resource(resource: Mapping[str, Any], fields: Iterable[Field]) -> Partitioning | None:
    """What the API's Table, or a job's configuration, says of partitions. Raises BadValue."""
    timed, ranged = resource.get("timePartitioning"), resource.get("rangePartitioning")
    if timed and ranged:
        raise BadValue("rangePartitioning", ranged, "there is a timePartitioning, too")
    if ranged:
        return parse_range(ranged, fields)
    return parse(timed, fields) if timed else None


def parse(resource: Mapping[str, Any], fields: Iterable[Field]) -> TimePartitioning:
    """Read TimePartitioning. Raises BadValue."""
    known = ("type", "field", "expirationMs", "requirePartitionFilter")
    resources.check_keys("timePartitioning", resource, known, ())
    unit = str(resource.get("type") or "DAY").upper()
    if unit not in ID_FORMATS:
        raise BadValue("timePartitioning.type", unit, f"one of {', '.join(ID_FORMATS)}")
    name, expiration = resource.get("field"), resources.duration(resource, "expirationMs", None)
    if not name:
        return TimePartitioning(unit, PSEUDO, expiration)
    column = _column("timePartitioning.field", name, fields)
    allowed = ("TIMESTAMP", "DATETIME") if unit == "HOUR" else ("TIMESTAMP", "DATETIME", "DATE")
    if column.type not in allowed or column.repeated:
        raise BadValue(
            "timePartitioning.field",
            name,
            f"{unit} partitions need a {' or '.join(allowed)} that is not repeated,"
            f" not {column.mode} {column.type}",
        )
    return TimePartitioning(unit, column.name, expiration)


def parse_range(resource: Mapping[str, Any], fields: Iterable[Field]) -> RangePartitioning:
    """Read RangePartitioning. Raises MissingField, BadValue."""
    resources.check_keys("rangePartitioning", resource, ("field", "range"), ())
    name = resources.required(resource, "field", "rangePartitioning.field")
    column = _column("rangePartitioning.field", name, fields)
    if column.type != "INTEGER" or column.repeated:
        raise BadValue("rangePartitioning.field", name, "an INTEGER that is not repeated")
    bounds = resources.required(resource, "range", "rangePartitioning.range")
    start, end, interval = (
        resources.integer(bounds.get(key), f"rangePartitioning.range.{key}")
        for key in ("start", "end", "interval")
    )
    if interval < 1 or end <= start or (end - start) / interval > MAX_PARTITIONS:
        why = f"an interval above 0, an end after the start, at most {MAX_PARTITIONS} partitions"
        raise BadValue("rangePartitioning.range", dict(bounds), why)
    return RangePartitioning(column.name, start, end, interval)


def _column(where: str, name: object, fields: Iterable[Field]) -> Field:
    column = {field.name.lower(): field for field in fields}.get(str(name).lower())
    if column is None:
        raise BadValue(where, name, "the schema has no such field")
    return column


def day_micros(value: date | datetime) -> tuple[date, int]:
    """A partition value's day in UTC, and the value in microseconds since the epoch."""
    if not isinstance(value, datetime):
        return value, (value - _EPOCH.date()) // _MICROSECOND
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.date(), (aware - _EPOCH) // _MICROSECOND


def streamable(today: date) -> tuple[date, date]:
    """First and last day that insertAll takes for a partition column."""
    return today - timedelta(days=PAST_DAYS), today + timedelta(days=FUTURE_DAYS)


def decoratable(day: date, today: date) -> bool:
    """Whether insertAll takes rows for the partition of a day by its decorator."""
    past, future = timedelta(days=DECORATED_PAST), timedelta(days=DECORATED_FUTURE)
    return today - past <= day <= today + future


def oldest_kept(partitioning: Partitioning, now: datetime) -> datetime | None:
    """Partitions that began before this have expired; None when partitions never do."""
    if partitioning.expiration_ms is None:
        return None
    return now - timedelta(milliseconds=partitioning.expiration_ms)
