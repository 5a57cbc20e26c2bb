"""One event's way through the stack, hop by hop, from what each part records of it.

The publisher's log says when it was confirmed; Pub/Sub remembers the last messages with their
deliveries and acks, BigQuery its insert ids for five minutes; the row and the object say the rest
for good.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE
from local import bucket
from local.attached import Reachable
from local.warehouse import Warehouse
from local.wire import get

READ_SECONDS = 10.0
STORED, DEAD, MOVING, UNKNOWN = "stored", "dead_lettered", "on its way", "unknown"
EVENTS, DEAD_LETTERS = "output", "dead-letter"


@dataclass(frozen=True)
class Hop:
    """One thing that happened to the event."""

    what: str
    at: float
    """Seconds since the epoch."""
    detail: str = ""
    part: str = ""
    """The process that did it."""


@dataclass(frozen=True)
class Place:
    """The line of an object that holds the event."""

    name: str
    line: int
    size: int
    written: float


@dataclass
class Trace:
    """All that is known of one event."""

    event_id: str
    state: str = UNKNOWN
    event_type: str = ""
    payload: str = ""
    payload_encoding: str = "utf-8"
    attributes: dict[str, str] = field(default_factory=dict)
    message_id: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """Each with `table` and `values`."""
    files: list[Place] = field(default_factory=list)
    hops: list[Hop] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As the command and the page tell it."""
        return asdict(self)


def trace(stack: Reachable, event_id: str) -> Trace:
    """Ask every part. An event that no part knows is `unknown`."""
    found = Trace(event_id)
    found.hops += _confirmed(stack.publish_log, event_id)
    _messages(stack, found)
    _rows(stack, found)
    found.hops.sort(key=lambda hop: hop.at)
    tables = {each["table"] for each in found.rows}
    if tables - {DEAD_LETTER_TABLE.name}:
        found.state = STORED
    elif tables:
        found.state = DEAD
    elif found.hops:
        found.state = MOVING
    return found


def _confirmed(log: Path, event_id: str) -> Iterator[Hop]:
    if not log.exists():
        return
    mark = json.dumps(event_id).encode()
    with log.open("rb") as lines:
        for line in lines:
            if mark in line and (record := _record(line)).get("event_id") == event_id:
                at = datetime.fromisoformat(record["published_at"]).timestamp()
                yield Hop("confirmed to its publisher", at, record.get("event_type", ""), "client")


def _record(line: bytes) -> dict[str, str]:
    try:
        record: dict[str, str] = json.loads(line)
    except ValueError:
        return {}
    return record


def _messages(stack: Reachable, found: Trace) -> None:
    asked = urlencode({"event_id": found.event_id})
    told = get(f"{stack.url('pubsub')}/_emulator/trace?{asked}") or {}
    parts = {
        stack.names.subscription: "pipeline",
        stack.names.table_requests_subscription: "table_manager",
    }
    for message in told.get("messages", []):
        if not found.message_id:
            found.message_id = message["messageId"]
            found.attributes = message["attributes"]
            found.payload, found.payload_encoding = _text(base64.b64decode(message["data"]))
        attempts: dict[str, int] = {}
        for step in message["steps"]:
            where = step["where"]
            part, short = parts.get(where, "pubsub"), where.rpartition("/")[2]
            if step["what"] == "published":
                found.hops.append(Hop("taken by Pub/Sub", step["at"], short, "pubsub"))
            elif step["what"] == "delivered":
                attempts[where] = attempts.get(where, 0) + 1
                what = f"delivered, attempt {attempts[where]}"
                found.hops.append(Hop(what, step["at"], short, part))
            else:
                found.hops.append(Hop("acked", step["at"], short, part))


def _text(data: bytes) -> tuple[str, str]:
    try:
        return data.decode(), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(data).decode(), "base64"


def _rows(stack: Reachable, found: Trace) -> None:
    names = stack.names
    warehouse = Warehouse(stack.url("bigquery"), names.project_id, names.dataset)
    for kind in registry.ALL:
        for values in rows_of(warehouse, kind.table, found.event_id):
            found.event_type = kind.name
            found.rows.append({"table": kind.table, "values": values})
            _hop(found, "validated", values["processed_timestamp"], kind.name)
            when = moment(values[kind.event_time])
            found.files += files_of(stack, EVENTS, kind.name, when, found.event_id)
    for values in rows_of(warehouse, DEAD_LETTER_TABLE.name, found.event_id):
        found.rows.append({"table": DEAD_LETTER_TABLE.name, "values": values})
        _hop(found, "refused", values["failed_at"], values["reason"])
        when = moment(values["publish_time"])
        found.files += files_of(stack, DEAD_LETTERS, values["reason"], when, found.event_id)
        if not found.message_id:
            found.payload, found.payload_encoding = values["payload"], values["payload_encoding"]
            found.attributes = {each["key"]: each["value"] for each in values["attributes"]}
    found.files = list({(each.name, each.line): each for each in found.files}.values())
    for place in found.files:
        found.hops.append(Hop("written to its file", place.written, place.name, "storage"))
    _inserted(stack, found)


def _hop(found: Trace, what: str, at: str, detail: str) -> None:
    found.hops.append(Hop(what, moment(at).timestamp(), detail, "pipeline"))


def _inserted(stack: Reachable, found: Trace) -> None:
    asked = urlencode({"id": found.event_id})
    told = get(f"{stack.url('bigquery')}/_emulator/inserts?{asked}") or {}
    for each in told.get("inserts", []):
        at = time.time() - each["seconds_ago"]
        table = each["table"].rpartition(".")[2]
        found.hops.append(Hop("row stored", at, table, "bigquery"))


def rows_of(warehouse: Warehouse, table: str, event_id: str) -> list[dict[str, Any]]:
    """The rows of an event, [] where there is no such table. Raises BadQuery."""
    if not warehouse.has(table):
        return []
    return warehouse.rows(f"SELECT * FROM `{table}` WHERE event_id = {literal(event_id)}")


def literal(text: str) -> str:
    """A text as a GoogleSQL literal, whose escapes are JSON's and more."""
    return json.dumps(text, ensure_ascii=False)


def files_of(stack: Reachable, root: str, kind: str, when: datetime, event_id: str) -> list[Place]:
    """The lines of one minute's objects that hold an event; [] where storage is silent."""
    prefix = f"{root}/{kind}/{when:%Y/%m/%d/%H/%M}/"
    found, mark = [], json.dumps(event_id, ensure_ascii=False).encode()
    for item in (get(f"{bucket.url(stack)}?{urlencode({'prefix': prefix})}") or {}).get(
        "items", []
    ):
        lines = bucket.read(stack, item["name"], seconds=READ_SECONDS).splitlines()
        for number, line in enumerate(lines, 1):
            if mark in line and _record(line).get("event_id") == event_id:
                written = moment(item["timeCreated"]).timestamp()
                found.append(Place(item["name"], number, int(item["size"]), written))
    return found


def moment(text: str) -> datetime:
    """A TIMESTAMP as our warehouse shows it, or RFC 3339."""
    found = datetime.fromisoformat(text.removesuffix(" UTC"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
