"""1 · Time as tasks see it; a test passes its own and never sleeps."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from threading import Event
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """The date and time in UTC."""

    def monotonic(self) -> float:
        """Seconds from some moment on, never set back."""

    def wait(self, stop: Event, seconds: float) -> bool:
        """Wait, or less if `stop` is set; returns whether it is."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """The date and time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since the machine started."""
        return time.monotonic()

    def wait(self, stop: Event, seconds: float) -> bool:
        """Wait, or less if `stop` is set; returns whether it is."""
        return stop.wait(seconds)
