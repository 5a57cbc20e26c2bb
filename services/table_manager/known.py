"""2 · Remembers which types have their tables, so that a known one costs no API call."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Timer
from typing import Any

from event_types.base import EventType

log = logging.getLogger(__name__)

AGE_SECONDS = 20.0
"""Well below the time for which the pipeline waits for a table that is gone."""

Ensure = Callable[[EventType], Any]
After = Callable[[float, Callable[[], None]], None]


@dataclass
class _Entry:
    lock: Lock = field(default_factory=Lock)
    checked: float | None = None
    look_again: bool = False
    failed: float = 0.0
    error: Exception | None = None


def in_thread(seconds: float, call: Callable[[], None]) -> None:
    """Call later, in a thread that does not hold up the end of the process."""
    timer = Timer(seconds, call)
    timer.daemon = True
    timer.start()


class KnownTypes:
    """Calls `ensure(event_type)` at most once in 20 s for each type, one caller at a time.

    A table deleted behind its back is made again: by the next event after those 20 s, and, since
    an event that came within them may be the last for hours and yet waits for its table in the
    pipeline, by one more look once they are over.
    """

    def __init__(
        self, ensure: Ensure, monotonic: Callable[[], float], after: After = in_thread
    ) -> None:
        self._ensure, self._monotonic, self._after = ensure, monotonic, after
        self._entries: defaultdict[str, _Entry] = defaultdict(_Entry)

    def ensure(self, event_type: EventType) -> None:
        """Return once the type's table is there. Raises what `ensure` raises."""
        entry = self._entries[event_type.name]
        if self._is_fresh(entry):
            if not entry.look_again:
                self._plan_look(entry, event_type)
            return
        asked = self._monotonic()
        with entry.lock:
            if self._is_fresh(entry):
                return
            if entry.error is not None and entry.failed >= asked:
                raise entry.error  # It was tried while this caller waited.
            self._check(entry, event_type)

    def _is_fresh(self, entry: _Entry) -> bool:
        return entry.checked is not None and self._monotonic() - entry.checked < AGE_SECONDS

    def _check(self, entry: _Entry, event_type: EventType) -> None:
        started = self._monotonic()
        try:
            self._ensure(event_type)
        except Exception as error:
            entry.checked, entry.error, entry.failed = None, error, self._monotonic()
            raise
        entry.checked, entry.error = started, None

    def _plan_look(self, entry: _Entry, event_type: EventType) -> None:
        entry.look_again = True
        self._after(AGE_SECONDS, lambda: self._look(entry, event_type))

    def _look(self, entry: _Entry, event_type: EventType) -> None:
        entry.look_again = False
        with entry.lock:
            try:
                self._check(entry, event_type)
            except Exception:
                log.exception("table of %s can't be made", event_type.name)
                self._plan_look(entry, event_type)
