"""What a job may ask of its engine while it runs: drain, cancel, and what goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from localgcp.beam.drain import Drain
from localgcp.beam.errors import Cancelled, DrainTimedOut
from localgcp.beam.failures import Backoff, FailureLog, Trouble
from localgcp.beam.source import Reader

MOST_RETRYING = 8
"""Sources rest while so many bundles wait for another attempt."""

TOLD_CHARACTERS = 300


class Attempts:
    """How often a bundle was tried, how far each time, and since when it fails."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.attempts = 0
        self.backoff = Backoff(first=0.1, most=30.0)
        self.failing_since: float | None = None
        self.error: Exception | None = None
        """The last one."""
        self.furthest = 0
        """How many of its elements and timers were ever begun."""

    @property
    def at(self) -> int:
        """How many of them have been begun, in the attempt at hand."""
        raise NotImplementedError

    @property
    def counts(self) -> bool:
        """Whether a drain gets on by it: not by a timer that sets itself again and again."""
        return True


class Control:
    """The part of an engine that other threads speak to, and its failures.

    `readers` are those of its subscriptions; times are seconds of `clock`. A drain that gets
    nothing done for `patience` is given up. Where there is no reader a bundle is tried
    `bounded_attempts` times, for there is nobody to give its work back to.
    """

    def __init__(
        self,
        readers: Collection[Reader],
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        bounded_attempts: int = 1,
    ) -> None:
        self.readers = readers
        self.failures = FailureLog()
        self._drain, self._clock = Drain(patience, clock), clock
        self._bounded_attempts = bounded_attempts
        self._retrying: list[tuple[float, Any]] = []
        self._failing: set[Attempts] = set()
        self._working: tuple[float, Attempts] | None = None
        """Since when on which bundle."""
        self._cancelled = False

    def drain(self) -> None:
        """Stop reading, let windows fire, finish. From any thread."""
        if self._drain.begin():
            for reader in self.readers:
                reader.draining = True

    def cancel(self) -> None:
        """Stop after the bundle at hand. From any thread."""
        self._cancelled = True

    @property
    def draining(self) -> bool:
        """Whether `drain` was called."""
        return self._drain.begun

    @property
    def retrying(self) -> int:
        """Bundles that failed and wait for another attempt."""
        return len(self._retrying)

    def trouble(self) -> Trouble | None:
        """The step that has failed, or been in one call, for the longest. From any thread."""
        now, working = self._clock(), self._working
        found = [
            Trouble(now - since, f"{task.step} fails, last by {_told(task.error)}")
            for task in list(self._failing)
            if (since := task.failing_since) is not None
        ]
        if working is not None:
            since, task = working
            found.append(Trouble(now - since, f"{task.step} is in one call"))
        return max(found, key=lambda each: each.seconds, default=None)

    def check_drain(self, grace: float = 0.0) -> None:
        """Raise DrainTimedOut if a drain got nothing done in its patience and `grace` seconds."""
        if not self._drain.begun:
            return
        self._see_how_far()
        if self._drain.stands_still(grace):
            outstanding = sum(reader.outstanding for reader in self.readers)
            raise DrainTimedOut(self._drain.patience, outstanding, len(self._failing))

    def check_end(self) -> None:
        """Raise Cancelled or DrainTimedOut if it is time to."""
        if self._cancelled:
            raise Cancelled
        self.check_drain()

    def done(self, task: Attempts) -> None:
        """A bundle is through."""
        self._failing.discard(task)
        if task.counts:
            self._drain.moved()

    def _see_how_far(self) -> None:
        """A drain gets on, too, by what a long bundle does that it has not done before."""
        working = self._working
        if working is None or not working[1].counts:
            return
        task = working[1]
        if (at := task.at) > task.furthest:
            task.furthest = at
            self._drain.moved()

    def due_retries(self) -> list[Any]:
        """Bundles whose next attempt is due, which no longer wait for it."""
        if not self._retrying:
            return []
        now = self._clock()
        due = [task for at, task in self._retrying if at <= now]
        self._retrying = [entry for entry in self._retrying if entry[0] > now]
        return due

    def hold_back(self) -> None:
        """Let the readers rest while too many bundles wait for another attempt."""
        rest = len(self._retrying) >= MOST_RETRYING
        for reader in self.readers:
            reader.hold_back = rest

    def failed(self, task: Any, attempts: Attempts, error: Exception) -> None:
        """Try a bundle again later; raises `error` where that would be in vain."""
        forever = bool(self.readers)
        if not forever and attempts.attempts >= self._bounded_attempts:
            self.failures.record(attempts.step, error, None)
            raise error
        if attempts.failing_since is None:
            attempts.failing_since = self._clock()
        attempts.error = error
        self._failing.add(attempts)
        pause = attempts.backoff.next() if forever else 0.0
        self.failures.record(attempts.step, error, pause)
        self._retrying.append((self._clock() + pause, task))


def _told(error: Exception | None) -> str:
    """An error in one line that is not too long for a health page."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return said if len(said) <= TOLD_CHARACTERS else said[:TOLD_CHARACTERS] + "..."
