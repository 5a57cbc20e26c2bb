"""Where the events are at this moment: small, cheap questions to each process of a stack."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE
from local import bucket
from local.attached import Reachable
from local.wire import get


@dataclass(frozen=True)
class Sight:
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


def look(stack: Reachable) -> Sight:
    """Ask every process once; never raises for one that does not answer."""
    names = stack.names
    topics = get(f"{stack.url('pubsub')}/_emulator/topics") or {}
    subscriptions = get(f"{stack.url('pubsub')}/_emulator/subscriptions") or {}
    queues = subscriptions.get("subscriptions", [])
    queue = _named(queues, names.subscription)
    pipeline = get(f"{stack.url('pipeline')}/status") or {}
    tables = {each.table: _rows(stack, each.table) for each in registry.ALL}
    return Sight(
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
        files=count_files(stack),
    )


def _rows(stack: Reachable, table: str) -> int | None:
    names = stack.names
    path = f"/bigquery/v2/projects/{names.project_id}/datasets/{names.dataset}/tables/{table}"
    found = get(stack.url("bigquery") + path)
    return None if found is None else int(found.get("numRows", 0))


def count_files(stack: Reachable) -> int | None:
    """How many objects there are, page by page; None where storage does not answer."""
    url = bucket.url(stack)
    count, token = 0, ""
    while True:
        found = get(f"{url}?fields=items(name),nextPageToken&pageToken={quote(token)}")
        if found is None:
            return None
        count += len(found.get("items", []))
        token = found.get("nextPageToken", "")
        if not token:
            return count


def _named(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next((each for each in found if each["name"] == name), {})
