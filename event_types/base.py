"""0 · The words every event type is written in; what leaves is an `EventType` for the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from random import Random
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from event_types.schema import Table, columns_of, defaults_of

INT64_MAX = 2**63 - 1


def text_or_datetime(value: object) -> object:
    """Refuse numbers, and "1700000000", which pydantic would take for seconds since 1970."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or value.replace(".", "", 1).lstrip("+-").isdigit():
        raise PydanticCustomError("datetime_type", "Input should be an RFC 3339 timestamp")
    return value


def in_utc(moment: datetime) -> datetime:
    """Turn a datetime into UTC. Refuses one without an offset, or outside of years 1 to 9999."""
    if moment.tzinfo is None:
        raise PydanticCustomError("timezone_aware", "Input should have an offset from UTC")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise PydanticCustomError(
            "timestamp_range", "Input should be within 0001-01-01 to 9999-12-31 in UTC"
        ) from error


Text = Annotated[str, Field(min_length=1)]
Timestamp = Annotated[
    datetime, Field(strict=False), BeforeValidator(text_or_datetime), AfterValidator(in_utc)
]
Money = Annotated[float, Field(ge=0)]


class Record(BaseModel):
    """A JSON object with just the fields it names: no coercion, no extras, no NaN."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Event(Record):
    """What a producer publishes: one JSON object that names its own type."""

    event_type: str


class Envelope(Record):
    """What the pipeline adds to every event, as columns of every event table."""

    event_id: str
    """The publisher's attribute `event_id`, else the Pub/Sub message id. Repeats on redelivery."""
    publish_time: Timestamp
    """When Pub/Sub took the message."""
    processed_timestamp: Timestamp
    """When the pipeline turned the message into this row."""
    event_date: date
    """Day of the event's own time, in UTC. The partition."""


@dataclass(frozen=True)
class Query:
    """A question the table is laid out for. `{table}` stands for the table's full name."""

    title: str
    sql: str


@dataclass(frozen=True)
class EventType:
    """One type of event: what it holds, where it is stored, how a believable one is made."""

    name: str
    model: type[Event]
    table: str
    partition_by: str
    cluster_by: tuple[str, ...]
    event_time: str
    fake: Callable[[Random, datetime], Event]
    description: str
    why_partition: str
    why_cluster: str
    queries: tuple[Query, ...]

    @property
    def layout(self) -> Table:
        """The BigQuery table: the event's own fields first, then the envelope."""
        return Table(
            name=self.table,
            columns=columns_of(self.model) + columns_of(Envelope),
            partition_by=self.partition_by,
            cluster_by=self.cluster_by,
            description=self.description,
        )

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What a row holds of a field that its producer left out, by the column's dotted path."""
        return defaults_of(self.model)

    def time_of(self, event: Event) -> datetime:
        """When the event happened, by its own word, in UTC."""
        moment: datetime = getattr(event, self.event_time)
        return moment

    def row(
        self, event: Event, event_id: str, publish_time: datetime, processed: datetime
    ) -> dict[str, Any]:
        """The event as a table row and as a line of a file: values that JSON can hold."""
        return {
            **event.model_dump(mode="json"),
            "event_id": event_id,
            "publish_time": publish_time.isoformat(),
            "processed_timestamp": processed.isoformat(),
            "event_date": self.time_of(event).date().isoformat(),
        }
