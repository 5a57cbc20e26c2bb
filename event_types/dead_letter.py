"""0 · What becomes of a message that could not be stored: its reasons, its record, its table."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from event_types.base import Record, Timestamp
from event_types.schema import Table, columns_of


class Reason(StrEnum):
    """Why a message is in the dead letter. The values are column values and folder names."""

    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_EVENT_TYPE = "unknown_event_type"
    MISSING_FIELD = "missing_field"
    UNKNOWN_FIELD = "unknown_field"
    WRONG_TYPE = "wrong_type"
    VALUE_OUT_OF_RANGE = "value_out_of_range"
    BIGQUERY_REJECTED = "bigquery_rejected"
    TABLE_NOT_FOUND = "table_not_found"


class Attribute(Record):
    """One attribute of a Pub/Sub message."""

    key: str
    """The attribute's name."""
    value: str
    """The attribute's value."""


class DeadLetter(Record):
    """A message as it came, with the reason why it is here."""

    event_id: str
    """The publisher's attribute `event_id`, else the Pub/Sub message id."""
    reason: Reason
    """The class of failure; see docs/data-model.md."""
    detail: str
    """What was wrong, with the field and the value."""
    payload: str
    """The message's data; see payload_encoding. Cut in the table where payload_truncated."""
    payload_encoding: Literal["utf-8", "base64"]
    """utf-8 if the data is text, else base64."""
    payload_bytes: int
    """Size of the data as it was published, in bytes."""
    payload_truncated: bool
    """Whether the payload was cut to fit the table; the file always holds the whole."""
    attributes: list[Attribute]
    """The message's attributes."""
    publish_time: Timestamp
    """When Pub/Sub took the message. The partition, by day."""
    failed_at: Timestamp
    """When the pipeline gave it up."""


DEAD_LETTER_TABLE = Table(
    name="dead_letter_events",
    columns=columns_of(DeadLetter),
    partition_by="publish_time",
    cluster_by=("reason",),
    description="Messages that could not be stored as events, each as it came, with the reason.",
)
