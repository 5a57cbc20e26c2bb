"""Dead letters as a person meets them: what each says, which type it was meant for, its state.

The letters are rows of `dead_letter_events`; which of them were sent again stands in a table of its
own, `dead_letter_redrives`, since a row that was just streamed can't be changed.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from event_types.base import Record, Timestamp
from event_types.dead_letter import DEAD_LETTER_TABLE, REASONS, REDRIVE_COUNT
from event_types.schema import Table, columns_of
from event_types.validate import InvalidEvent, validate
from local.errors import BadQuery, NoLetter
from local.trace import literal
from local.warehouse import Warehouse

OPEN, REDRIVEN = "open", "redriven"
STATES = (OPEN, REDRIVEN)
_FIELD = re.compile(r"([A-Za-z_][\w.]*): ")


class Redrive(Record):
    """One dead letter that was sent again."""

    event_id: str
    """The letter's event id."""
    redrive_count: int
    """How often it had been sent with this time."""
    redriven_at: Timestamp
    """When Pub/Sub had confirmed it."""
    edited: bool
    """Whether its payload was changed before."""


REDRIVES = Table(
    name="dead_letter_redrives",
    columns=columns_of(Redrive),
    partition_by="redriven_at",
    cluster_by=("event_id",),
    description="Dead letters that were sent again, each time one row.",
)


@dataclass(frozen=True)
class Letter:
    """One dead letter."""

    event_id: str
    reason: str
    detail: str
    event_type: str
    """What it says it is; "" where it says nothing of the kind."""
    payload: str
    payload_encoding: str
    payload_bytes: int
    payload_truncated: bool
    attributes: dict[str, str]
    publish_time: str
    failed_at: str
    redriven_at: str | None = None

    @property
    def redrives(self) -> int:
        """How often it had been sent again before it failed."""
        text = self.attributes.get(REDRIVE_COUNT, "0")
        return int(text) if text.isascii() and text.isdigit() else 0

    @property
    def state(self) -> str:
        """Whether it waits, or was sent again."""
        return OPEN if self.redriven_at is None else REDRIVEN

    @property
    def data(self) -> bytes:
        """The message's data, as far as the table has it."""
        if self.payload_encoding == "base64":
            return base64.b64decode(self.payload)
        return self.payload.encode()

    def as_json(self) -> dict[str, Any]:
        """As the command and the page tell it, with the fields at fault."""
        more = {"state": self.state, "redrives": self.redrives, "faults": faults(self.detail)}
        return {**asdict(self), **more}


@dataclass(frozen=True)
class Wanted:
    """Which letters are meant; what is empty leaves no letter out."""

    reason: str = ""
    event_type: str = ""
    state: str = ""
    since: str = ""
    """Failed at or after this RFC 3339 time."""
    until: str = ""
    """Failed before it."""
    event_ids: tuple[str, ...] = ()

    def where(self) -> str:
        """What of it BigQuery can tell. Raises BadQuery for what no letter can be."""
        if self.reason and self.reason not in {str(each) for each in REASONS}:
            known = ", ".join(str(each) for each in REASONS)
            raise BadQuery(f"no reason {self.reason!r}; there are {known}")
        if self.state not in ("", *STATES):
            raise BadQuery(f"no state {self.state!r}; there are {', '.join(STATES)}")
        tests = ["TRUE"]
        if self.reason:
            tests.append(f"reason = {literal(self.reason)}")
        if self.since:
            tests.append(f"failed_at >= TIMESTAMP({literal(self.since)})")
        if self.until:
            tests.append(f"failed_at < TIMESTAMP({literal(self.until)})")
        if self.event_ids:
            tests.append(f"event_id IN ({', '.join(map(literal, self.event_ids))})")
        return " AND ".join(tests)

    def fits(self, letter: Letter) -> bool:
        """The rest of it."""
        return self.event_type in ("", letter.event_type) and self.state in ("", letter.state)


def letters(warehouse: Warehouse, wanted: Wanted) -> Iterator[Letter]:
    """The newest first; of a message that failed the same time twice, one. Raises BadQuery."""
    sent = _redrives(warehouse)
    sql = (
        f"SELECT * FROM `{DEAD_LETTER_TABLE.name}` WHERE {wanted.where()} "
        "ORDER BY failed_at DESC, event_id"
    )
    seen: set[tuple[str, int]] = set()
    result = warehouse.query(sql)
    for page in result.pages:
        for row in page:
            letter = _letter(dict(zip(result.columns, row, strict=True)), sent)
            key = (letter.event_id, letter.redrives)
            if key not in seen and wanted.fits(letter):
                yield letter
            seen.add(key)


def letter_of(warehouse: Warehouse, event_id: str) -> Letter:
    """The newest letter of an event. Raises NoLetter, BadQuery."""
    found = next(letters(warehouse, Wanted(event_ids=(event_id,))), None)
    if found is None:
        raise NoLetter(event_id)
    return found


def stats(warehouse: Warehouse, wanted: Wanted) -> dict[str, Any]:
    """How many there are, by reason, by type, by hour and by state."""
    by: dict[str, Counter[str]] = {name: Counter() for name in ("reason", "type", "hour", "state")}
    total = 0
    for each in letters(warehouse, wanted):
        total += 1
        by["reason"][each.reason] += 1
        by["type"][each.event_type or "unknown"] += 1
        by["hour"][each.failed_at[:13]] += 1
        by["state"][each.state] += 1
    ordered = {name: dict(counts.most_common()) for name, counts in by.items()}
    return {"total": total, **ordered, "hour": dict(sorted(by["hour"].items()))}


def faults(detail: str) -> list[str]:
    """The names of the fields that a detail blames."""
    heads = [match[1] for part in detail.split("; ") if (match := _FIELD.match(part))]
    steps = [head.split(".") for head in heads]
    names = (next((s for s in reversed(each) if not s.isdigit()), "") for each in steps)
    return [each for each in dict.fromkeys(names) if each]


def verdict(data: bytes) -> tuple[str, str]:
    """What the pipeline would say of this payload: ("", "") for an event, or reason and detail."""
    try:
        validate(data)
    except InvalidEvent as invalid:
        return invalid.reason, invalid.detail
    return "", ""


def _redrives(warehouse: Warehouse) -> dict[tuple[str, int], str]:
    """When each letter was sent again, by its event id and how often it had been before."""
    if not warehouse.has(REDRIVES.name):
        return {}
    sql = f"SELECT event_id, redrive_count, redriven_at FROM `{REDRIVES.name}`"
    sent = warehouse.rows(sql)
    return {(row["event_id"], row["redrive_count"] - 1): row["redriven_at"] for row in sent}


def _letter(row: dict[str, Any], sent: dict[tuple[str, int], str]) -> Letter:
    attributes = {each["key"]: each["value"] for each in row["attributes"]}
    letter = Letter(**{**row, "attributes": attributes, "event_type": _type(row, attributes)})
    at = sent.get((letter.event_id, letter.redrives))
    return letter if at is None else Letter(**{**asdict(letter), "redriven_at": at})


def _type(row: dict[str, Any], attributes: dict[str, str]) -> str:
    if said := attributes.get("event_type"):
        return said
    try:
        found = json.loads(row["payload"])
    except ValueError:
        return ""
    said = found.get("event_type") if isinstance(found, dict) else None
    return said if isinstance(said, str) else ""
