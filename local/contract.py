"""What a changed event type would break, before it runs: its table, and the events of the past.

The code as it stands now is held against the stack: each type's layout against the schema that its
table has, and the newest stored events against the type's model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

from event_types import registry
from event_types.base import Envelope, EventType
from local.asking import warehouse
from local.attached import Reachable
from local.errors import NoSuchType
from local.letters import verdict
from local.wire import get

MOST_EVENTS, SHOWN_FAILURES = 1_000, 20
ADDED, REMOVED, CHANGED, RELAXED = "added", "removed", "changed", "relaxed"
_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}


@dataclass(frozen=True)
class Change:
    """One column whose table and code differ."""

    column: str
    """Its dotted path."""
    what: str
    table: str
    """As the table has it: type and mode, or ""."""
    code: str
    """As the code has it."""
    breaks: bool
    """Whether BigQuery refuses it: the table manager makes no such change, and rows are refused."""


@dataclass(frozen=True)
class Failure:
    """A stored event that the code as it is now would dead-letter."""

    event_id: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Preview:
    """One event type."""

    event_type: str
    table: str
    exists: bool
    """Whether its table is there."""
    changes: Sequence[Change]
    checked: int
    failing: int
    failures: Sequence[Failure]
    """The first of them."""

    @property
    def is_safe(self) -> bool:
        """Whether nothing breaks."""
        return not self.failing and not any(each.breaks for each in self.changes)

    def as_json(self) -> dict[str, Any]:
        """As the command and the page tell it."""
        return {**asdict(self), "safe": self.is_safe}


def diff(stack: Reachable, names: Sequence[str], most: int = MOST_EVENTS) -> Iterator[Preview]:
    """Hold each type called one of `names`, or every one, against the stack. Raises NoSuchType."""
    known = {each.name: each for each in registry.ALL}
    for name in names:
        if name not in known:
            raise NoSuchType(name, list(known))
    for name in names or known:
        yield _preview(stack, known[name], most)


def _preview(stack: Reachable, kind: EventType, most: int) -> Preview:
    names = stack.names
    base = f"{stack.url('bigquery')}/bigquery/v2/projects/{names.project_id}"
    found = get(f"{base}/datasets/{names.dataset}/tables/{quote(kind.table)}")
    changes: list[Change] = []
    if found is not None:
        has = _flat(found.get("schema", {}).get("fields", []))
        changes = list(_changes(has, _flat(kind.layout.schema_to_api())))
    failures, checked = [], 0
    for event_id, data in _stored(stack, kind, most) if found is not None else ():
        checked += 1
        reason, detail = verdict(data)
        if reason:
            failures.append(Failure(event_id, reason, detail))
    shown = failures[:SHOWN_FAILURES]
    return Preview(kind.name, kind.table, found is not None, changes, checked, len(failures), shown)


def _changes(table: Mapping[str, str], code: Mapping[str, str]) -> Iterator[Change]:
    for column in sorted(table.keys() | code.keys()):
        has, wants = table.get(column, ""), code.get(column, "")
        if has == wants:
            continue
        if not has:
            # A REQUIRED column is added as NULLABLE, since the rows of the past lack it.
            yield Change(column, ADDED, has, wants, breaks=False)
        elif not wants:
            yield Change(column, REMOVED, has, wants, breaks=has.endswith("REQUIRED"))
        elif has.split()[0] == wants.split()[0] and "REPEATED" not in (has + wants):
            yield Change(column, RELAXED, has, wants, breaks=has.endswith("REQUIRED"))
        else:
            yield Change(column, CHANGED, has, wants, breaks=True)


def _flat(fields: Sequence[Mapping[str, Any]], path: str = "") -> dict[str, str]:
    """Type and mode of every column by its dotted path."""
    found = {}
    for each in fields:
        name = f"{path}{each['name']}"
        kind = _TYPES.get(each["type"], each["type"])
        found[name] = f"{kind} {each.get('mode') or 'NULLABLE'}"
        found |= _flat(each.get("fields", []), f"{name}.")
    return found


def _stored(stack: Reachable, kind: EventType, most: int) -> Iterator[tuple[str, bytes]]:
    """The newest events of a type as their producers sent them: id and JSON."""
    sql = (
        f"SELECT event_id, TO_JSON_STRING(t) AS event FROM `{kind.table}` AS t "
        f"ORDER BY publish_time DESC LIMIT {most}"
    )
    for row in warehouse(stack).rows(sql):
        event = _sent(json.loads(row["event"]))
        own = {name: value for name, value in event.items() if name not in Envelope.model_fields}
        yield row["event_id"], json.dumps(own).encode()


def _sent(value: Any) -> Any:
    """Without what is NULL: a column that came later, of which the producer knew nothing."""
    if isinstance(value, dict):
        return {name: _sent(each) for name, each in value.items() if each is not None}
    return [_sent(each) for each in value] if isinstance(value, list) else value
