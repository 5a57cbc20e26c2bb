"""0 · What becomes of a message that could not be stored: its reasons, its record, its table."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from event_types.base import Record, Timestamp
from event_types.schema import Table, columns_of

REDRIVE_COUNT = "redrive_count"
"""The attribute that says how often a message was sent again from the dead letter."""


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
    COLUMN_NOT_FOUND = "column_not_found"
    INTERNAL_ERROR = "internal_error"


REASONS = {
    Reason.TOO_LARGE: "The data is larger than MAX_EVENT_BYTES.",
    Reason.NOT_JSON: "The data is no UTF-8 JSON.",
    Reason.NOT_AN_OBJECT: "It is JSON, but an array, a string, a number or null.",
    Reason.UNKNOWN_EVENT_TYPE: "event_type is none of the types above.",
    Reason.MISSING_FIELD: "A field is absent.",
    Reason.UNKNOWN_FIELD: "There is a field that the type does not have.",
    Reason.WRONG_TYPE: "A value has another type than its field; nothing is converted.",
    Reason.VALUE_OUT_OF_RANGE: "A value has the right type, but is not among those allowed.",
    Reason.BIGQUERY_REJECTED: "A valid event that BigQuery refused; its line is in the files.",
    Reason.TABLE_NOT_FOUND: "Its table was not made within TABLE_WAIT_SECONDS; its line is in "
    "the files.",
    Reason.COLUMN_NOT_FOUND: "It has a value for a column that its table lacks: not added within "
    "TABLE_WAIT_SECONDS, or never, where SCHEMA_CONTRACT is freeze; its line is in the files.",
    Reason.INTERNAL_ERROR: "The pipeline's own code failed on it; the detail names the exception.",
}
"""Each reason, and when it is given."""


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
