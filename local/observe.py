"""Where the events are at this moment: small, cheap questions to each process of a stack."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE
from local.attached import Reachable


@dataclass(frozen=True)
class Snapshot:
    """One look at the stack. A figure is None where its process did not answer."""

    at: float
    """Seconds on the monotonic clock."""
    published: int | None = None
    backlog: int | None = None
    """Messages that the pipeline has not acked."""
    oldest_seconds: float | None = None
    """Age of the oldest of them."""
    pipeline: str = "silent"
    stalled: str | None = None
    """Why the job stands still."""
    watermark: str | None = None
    rows: dict[str, int] = field(default_factory=dict)
    dead_letters: int = 0
    dead_letter_backlog: int | None = None
    """Messages that Pub/Sub gave up delivering, and keeps in the dead-letter subscription."""
    files: int | None = None

    @property
    def stored(self) -> int:
        """Rows in event tables and dead letters together."""
        return sum(self.rows.values()) + self.dead_letters


def look(stack: Reachable) -> Snapshot:
    """Ask every process once; never raises for one that does not answer."""
    names = stack.names
    topics = _get(f"{stack.url('pubsub')}/_emulator/topics") or {}
    subscriptions = _get(f"{stack.url('pubsub')}/_emulator/subscriptions") or {}
    queues = subscriptions.get("subscriptions", [])
    queue = _named(queues, names.subscription)
    pipeline = _get(f"{stack.url('pipeline')}/status") or {}
    tables = {each.table: _rows(stack, each.table) for each in registry.ALL}
    return Snapshot(
        at=time.monotonic(),
        published=_named(topics.get("topics", []), names.topic).get("published"),
        backlog=queue.get("backlog"),
        oldest_seconds=queue.get("oldest_unacked_seconds"),
        pipeline=pipeline.get("state", "silent").lower(),
        stalled=pipeline.get("stalled"),
        watermark=pipeline.get("watermark"),
        rows={table: count for table, count in tables.items() if count is not None},
        dead_letters=_rows(stack, DEAD_LETTER_TABLE.name) or 0,
        dead_letter_backlog=_named(queues, names.dead_letter_subscription).get("backlog"),
        files=_files(stack),
    )


def _rows(stack: Reachable, table: str) -> int | None:
    names = stack.names
    path = f"/bigquery/v2/projects/{names.project_id}/datasets/{names.dataset}/tables/{table}"
    found = _get(stack.url("bigquery") + path)
    return None if found is None else int(found.get("numRows", 0))


def _files(stack: Reachable) -> int | None:
    url = f"{stack.url('storage')}/storage/v1/b/{quote(stack.names.bucket)}/o?fields=items(name)"
    found = _get(url)
    return None if found is None else len(found.get("items", []))


def _named(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next((each for each in found if each["name"] == name), {})


def _get(url: str) -> dict[str, Any] | None:
    try:
        with urlopen(url, timeout=2.0) as reply:
            answer: dict[str, Any] = json.load(reply)
            return answer
    except (URLError, OSError, HTTPException, ValueError):
        return None
