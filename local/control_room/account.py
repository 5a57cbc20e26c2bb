"""The delivery ledger, kept up to date while the stack rests, at a small share of the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from local.attached import Reachable
from local.ledger import read_published, reconcile
from local.wire import get

SHARE = 0.2
"""Of the time, what reading every id back may take while things change."""


class Account:
    """Reconciles in a thread when nothing is on its way and something has changed."""

    def __init__(
        self,
        stack: Reachable,
        read: Callable[[Reachable], dict[str, Any] | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stack, self._read, self._clock = stack, read or read_ledger, clock
        self._ledger: dict[str, Any] | None = None
        self._error = ""
        self._seen: object = None
        self._before: object = None
        self._due = 0.0
        self._thread: threading.Thread | None = None

    def note(self, sample: dict[str, Any]) -> None:
        """Take in a look; start to reconcile if the time has come.

        The stack rests once nothing is on its way and nothing came since the look before: while
        events flow the backlog is 0 now and then, and each reading would cost them a core's fifth.
        """
        main = sample["main"] or {}
        figures = (sample["published"], sample["rows"], sample["files"])
        moved, self._before = figures[:2] != self._before, figures[:2]
        resting = main.get("backlog") == 0 and None not in sample["rows"].values() and not moved
        if resting and figures != self._seen and self._clock() >= self._due:
            self._seen = figures
            self.start()

    def start(self) -> None:
        """Reconcile now, unless it is being done."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._reconcile, name="ledger", daemon=True)
            self._thread.start()

    def join(self) -> None:
        """Wait for what was started."""
        if self._thread is not None:
            self._thread.join()

    def as_json(self) -> dict[str, Any]:
        """The last account, or null before the first; whether another is being made."""
        busy = self._thread is not None and self._thread.is_alive()
        return {"account": self._ledger, "busy": busy, "error": self._error}

    def _reconcile(self) -> None:
        began = self._clock()
        try:
            found, self._error = self._read(self._stack), ""
            if found is None:
                self._seen = None
            self._ledger = found or self._ledger
        except Exception as error:  # noqa: BLE001 - told on the page; the next try may succeed
            self._error, self._seen = f"{type(error).__name__}: {error}", None
        now = self._clock()
        self._due = now + (now - began) / SHARE


def read_ledger(stack: Reachable) -> dict[str, Any] | None:
    """Read every id back, and compare; None if the pipeline has not acked all of them yet.

    In this order: what the record has by now, Pub/Sub had before; with no backlog after that, all
    of it is acked, and so stored, whatever is published meanwhile.
    """
    from local.stored import read_stored  # the clients take a second to load

    published = read_published(stack.publish_log)
    if _backlog(stack) != 0:
        return None
    ledger = reconcile(published, read_stored(stack.names))
    return {**asdict(ledger), "balanced": ledger.balanced, "at": round(time.time() * 1000)}


def _backlog(stack: Reachable) -> int | None:
    found = get(f"{stack.url('pubsub')}/_emulator/subscriptions") or {}
    queues = found.get("subscriptions", [])
    return next((e["backlog"] for e in queues if e["name"] == stack.names.subscription), None)
