"""One look at the whole stack, and the figures of the last minutes that lines are drawn from."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE
from local.alerts import failed_jobs
from local.attached import Reachable
from local.control_room import health
from local.observe import count_files
from local.wire import Lines

KEPT = 300
"""Looks that are remembered."""
SLOW_SECONDS = 3.0
"""Between two looks at what changes seldom: health, faults."""
JOBS_SECONDS = 15.0
"""Between two looks at BigQuery's jobs, of which there may be a thousand."""
LISTING_SHARE = 0.02
"""Of the time, what listing all objects may take."""
EMULATORS = ("pubsub", "bigquery", "storage")
TABLES = (*(each.table for each in registry.ALL), DEAD_LETTER_TABLE.name)
QUEUE = ("backlog", "outstanding", "delivered", "acked", "redelivered", "dead_lettered")


class Sampler:
    """Looks at a stack, cheaply and again and again; one thread at a time."""

    def __init__(
        self, stack: Reachable, logs: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stack, self._logs, self._clock = stack, logs, clock
        self.points: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._health: dict[str, dict[str, Any]] = {}
        self._faults: dict[str, int] = {}
        self._took: dict[str, dict[str, float]] = {}
        self._files: int | None = None
        self._failed_jobs: int | None = None
        self._slow_due = self._jobs_due = self._listing_due = 0.0
        self._lines = Lines()
        self._askers = ThreadPoolExecutor(6, thread_name_prefix="look")

    def look(self) -> dict[str, Any]:
        """All of the stack at this moment; a figure is None where its part did not answer."""
        if self._clock() >= self._slow_due:
            self._look_slowly()
        names, url = self._stack.names, self._stack.url
        dataset = f"{names.project_id}.{names.dataset}"
        asked = {
            "topics": f"{url('pubsub')}/_emulator/topics",
            "queues": f"{url('pubsub')}/_emulator/subscriptions",
            "job": f"{url('pipeline')}/status",
            "generator": f"{url('generator')}/health",
            "tables": f"{url('bigquery')}/_emulator/rows?dataset={dataset}",
        }
        found = dict(zip(asked, self._askers.map(self._lines.get, asked.values()), strict=True))
        queues = _listed(found["queues"], "subscriptions")
        topic = _listed(found["topics"], "topics").get(names.topic, {})
        # A table that is not there yet has no rows, where others are told of.
        counts = None if found["tables"] is None else found["tables"]["rows"]
        rows = {table: None if counts is None else counts.get(table, 0) for table in TABLES}
        sample = {
            "at": round(time.time() * 1000),
            "published": topic.get("published"),
            "generator": found["generator"],
            "main": _queue(queues.get(names.subscription)),
            "push": _queue(queues.get(names.table_requests_subscription)),
            "given_up": _queue(queues.get(names.dead_letter_subscription)),
            "job": found["job"],
            "rows": rows,
            "files": self._files,
            "failed_jobs": self._failed_jobs,
            "took": self._took,
            "health": self._health,
            "faults": self._faults,
        }
        self.points.append(_point(sample))
        return sample

    def _look_slowly(self) -> None:
        parts = list(health.PATHS)
        looks = self._askers.map(
            lambda part: health.of(self._stack, part, self._logs, self._lines), parts
        )
        self._health = {part: asdict(each) for part, each in zip(parts, looks, strict=True)}
        self.count_faults()
        self._took = self._seconds_to_row()
        if self._clock() >= self._jobs_due:
            self._failed_jobs = failed_jobs(self._stack)
            self._jobs_due = self._clock() + JOBS_SECONDS
        if self._clock() >= self._listing_due:
            self._count_files()
        self._slow_due = self._clock() + SLOW_SECONDS

    def _seconds_to_row(self) -> dict[str, dict[str, float]]:
        """By table: p50 and p99 from published to what the newest rows say that they were made."""
        names, found = self._stack.names, {}
        for made in ("processed_timestamp", "failed_at"):
            asked = {
                "dataset": f"{names.project_id}.{names.dataset}",
                "first": "publish_time",
                "last": made,
            }
            told = self._lines.get(
                f"{self._stack.url('bigquery')}/_emulator/seconds?{urlencode(asked)}"
            )
            found.update((told or {}).get("seconds", {}))
        return found

    def count_faults(self) -> None:
        """Look which emulators have faults thrown at them."""
        for part in EMULATORS:
            found = self._lines.get(f"{self._stack.url(part)}/_emulator/faults") or {}
            self._faults = {**self._faults, part: len(found.get("faults", []))}

    def _count_files(self) -> None:
        began = self._clock()
        self._files = count_files(self._stack)
        now = self._clock()
        self._listing_due = now + (now - began) / LISTING_SHARE


def _listed(found: dict[str, Any] | None, kind: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in (found or {}).get(kind, [])}


def _queue(found: dict[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        **{name: found[name] for name in QUEUE},
        "oldest_seconds": found["oldest_unacked_seconds"],
        "seconds_to_deliver": found["seconds_to_deliver"],
        "seconds_to_ack": found["seconds_to_ack"],
        "refused": found["push_refused"],
    }


def _point(sample: dict[str, Any]) -> dict[str, Any]:
    """The figures of a look that lines are drawn from: all of them counts that grow, but depths."""
    main, push, rows = sample["main"] or {}, sample["push"] or {}, sample["rows"]
    counters = (sample["job"] or {}).get("counters", {})
    return {
        "at": sample["at"],
        "published": sample["published"],
        "delivered": main.get("delivered"),
        "pushed": push.get("acked"),
        "pulled": (sample["job"] or {}).get("pulled"),
        "rows": None if None in rows.values() else sum(rows[each.table] for each in registry.ALL),
        "dead": rows[DEAD_LETTER_TABLE.name],
        "files": counters.get("files_written", 0) if sample["job"] else None,
        "backlog": main.get("backlog"),
        "oldest": main.get("oldest_seconds"),
        "push_backlog": push.get("backlog"),
    }
