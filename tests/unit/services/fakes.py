"""A clock that jumps, and a sink that confirms at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event

from services.generator.fates import Fate, PublishFailed

START = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


class JumpingClock:
    """Waiting moves it on; like a real sleep, it may wake late, by up to `oversleep` seconds."""

    def __init__(self, oversleep: float = 0.0) -> None:
        self.elapsed = 0.0
        self._oversleep, self._rng = oversleep, Random(1)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    def wait(self, stop: Event, seconds: float) -> bool:
        if not stop.is_set():
            self.elapsed += seconds + self._rng.uniform(0, self._oversleep)
        return stop.is_set()


@dataclass
class Sink:
    """Remembers what it got and when; `error` and `room` say how it behaves."""

    clock: JumpingClock
    last_error: str | None = None
    error: PublishFailed | None = None
    full_until: float = 0.0
    messages: list[tuple[bytes, dict[str, str], str]] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)

    def hand_over(
        self,
        data: bytes,
        attributes: dict[str, str],
        ordering_key: str,
        told: Callable[[Fate], object],
    ) -> None:
        self.messages.append((data, attributes, ordering_key))
        self.moments.append(self.clock.elapsed)
        told(self.error or attributes["event_id"])

    def has_room(self) -> bool:
        return self.clock.elapsed >= self.full_until
