"""3 · What flows through the graph between its steps. Next: `bigquery_sink` and `storage_sink`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any


@dataclass(slots=True)
class Message:
    """A Pub/Sub message as it came: kept beside its row, so that a rejected row loses nothing."""

    event_id: str
    """The publisher's attribute `event_id`, else the Pub/Sub message id."""
    data: bytes
    attributes: dict[str, str]
    publish_time: datetime
    trace: str = ""
    """Under what its later steps are told of as spans; empty where nobody asks (`tracing`)."""


@dataclass(slots=True)
class Row:
    """One record for two places: a table and a file. An event or a dead letter."""

    table: str
    values: dict[str, Any]
    """The record as JSON for the table, by column."""
    file_prefix: str
    """Name of the record's object, less its number: `output/order/.../order_202401151030`."""
    line: bytes
    """The record as a line of that object, without the line end."""
    message: Message
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What `values` hold of a field that was left out, by dotted path; one for all of a type."""
    event_type: str = ""
    """Its type's name; empty for a dead letter."""


@lru_cache(maxsize=4096)
def _file_prefix(root: str, name: str, minute: str) -> str:
    day, clock = minute.split("T")
    folders = f"{day.replace('-', '/')}/{clock.replace(':', '/')}"
    return f"{root}/{name}/{folders}/{name}_{folders.replace('/', '')}"


def file_prefix(root: str, name: str, moment: datetime) -> str:
    """Where a record of `moment` (in UTC) is filed, less the number and the extension."""
    return _file_prefix(root, name, moment.isoformat(timespec="minutes")[:16])
