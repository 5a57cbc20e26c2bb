"""1 · Tasks: each publishes its messages at its pace, in a thread of its own, and keeps count."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import Protocol

from services.generator.clock import Clock
from services.generator.fates import Fate, PublishFailed
from services.generator.jobs import Job
from services.generator.messages import Message
from services.generator.mix import Kind
from services.generator.models import State, TaskStatus

log = logging.getLogger(__name__)

TICK_SECONDS = 0.01
"""Events that are due within one tick go out together; a faster task has more of them in each."""
CHUNK = 200
"""Messages between two looks at the stop sign and the clock."""
FULL_SECONDS = 0.02
PUNCTUAL_SECONDS = 0.1
"""A task that is later than this is behind; less is what batching costs."""


class Sink(Protocol):
    """Takes messages; services.generator.publish.Publisher is one."""

    def hand_over(
        self,
        data: bytes,
        attributes: dict[str, str],
        ordering_key: str,
        told: Callable[[Fate], object],
    ) -> None:
        """Take one message; `told` hears its event id, or why it was given up."""

    def has_room(self) -> bool:
        """Whether it should get more now."""

    @property
    def last_error(self) -> str | None:
        """Why it does not take messages now, if so."""


class Task:
    """One job being done."""

    def __init__(
        self,
        task_id: str,
        job: Job,
        seed: int,
        sink: Sink,
        clock: Clock,
    ) -> None:
        self.id, self.job, self.seed = task_id, job, seed
        self._sink, self._clock = sink, clock
        self._schedule = job.schedule
        self._messages = job.source(seed)
        self._stop, self._over = Event(), Event()
        self._lock = Lock()
        self._published = self._confirmed = self._failed = 0
        self._by_type: Counter[str] = Counter()
        self._by_kind: Counter[Kind] = Counter()
        self._error: str | None = None
        self._began = clock.monotonic()
        self._started = clock.now()
        self._last_out = 0.0
        self._ended: datetime | None = None
        self._thread = Thread(target=self.run, name=f"task-{task_id}", daemon=True)

    def start(self) -> None:
        """Carry it out in a thread."""
        self._thread.start()

    def run(self) -> None:
        """Publish all that is planned, or until stopped; return once every fate is known."""
        try:
            self._publish_all()
        except Exception as error:  # a thread's last word: the status passes it on
            log.exception("task %s ended early", self.id)
            self._error = f"{type(error).__name__}: {error}"
        while self._confirmed + self._failed < self._published:
            self._clock.wait(self._over, TICK_SECONDS)
        self._ended = self._clock.now()
        self._over.set()

    def stop(self) -> None:
        """Publish no more; what is out is still waited for."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; returns whether it came."""
        return self._over.wait(seconds)

    @property
    def active(self) -> bool:
        """Whether it publishes, or waits for what it published."""
        return not self._over.is_set()

    def _publish_all(self) -> None:
        while self._published < self._schedule.total and not self._stop.is_set():
            elapsed = self._clock.monotonic() - self._began
            due = self._schedule.due(elapsed)
            if due <= self._published:
                pause = self._schedule.when(self._published) - elapsed
                self._clock.wait(self._stop, max(pause, TICK_SECONDS))
            elif not self._sink.has_room():
                self._clock.wait(self._stop, FULL_SECONDS)
            else:
                self._publish(min(due - self._published, CHUNK))

    def _publish(self, count: int) -> None:
        now = self._clock.now()
        for _ in range(count):
            message = self._messages.next(now)
            self._sink.hand_over(
                message.data, message.attributes, message.ordering_key, self._settled
            )
            self._tally(message)
        self._last_out = self._clock.monotonic() - self._began

    def _tally(self, message: Message) -> None:
        self._published += 1
        self._by_type[message.attributes["event_type"]] += 1
        self._by_kind[message.kind] += 1

    def _settled(self, fate: Fate) -> None:
        with self._lock:
            if isinstance(fate, PublishFailed):
                self._failed += 1
                self._error = str(fate)
            else:
                self._confirmed += 1

    def status(self) -> TaskStatus:
        """The figures of this moment."""
        # Read in this order, an ended task is never told as running, nor confirmed more than
        # was published.
        ended = self._ended
        with self._lock:
            confirmed, failed = self._confirmed, self._failed
        # A fate may be told before what it is of is counted.
        published = max(self._published, confirmed + failed)
        elapsed = self._clock.monotonic() - self._began if ended is None else self._last_out
        late = self._lateness(published, elapsed)
        return TaskStatus(
            id=self.id,
            scenario=self.job.scenario,
            state=self._state(ended),
            planned=self._schedule.total,
            published=published,
            confirmed=confirmed,
            failed=failed,
            by_type=dict(self._by_type),
            by_kind={kind: self._by_kind[kind] for kind in Kind},
            requested_per_minute=self.job.request.events_per_minute,
            achieved_per_minute=self._rate(published, elapsed),
            behind_events=self._schedule.due(elapsed) - published if late else 0,
            behind_seconds=round(late, 3),
            started=self._started,
            ends=self._started + timedelta(seconds=self._schedule.seconds),
            ended=ended,
            last_error=(self._sink.last_error if self.active else None) or self._error,
            seed=self.seed,
            request=self.job.request,
        )

    def _state(self, ended: datetime | None) -> State:
        if ended is None:
            return State.STOPPING if self._stop.is_set() else State.RUNNING
        if self._failed or (self._error and self._published < self._schedule.total):
            return State.FAILED
        done = self._published == self._schedule.total
        return State.COMPLETED if done else State.STOPPED

    def _lateness(self, published: int, elapsed: float) -> float:
        """Seconds for which the next event has been due, if that is noticeable."""
        done = self._stop.is_set() or published == self._schedule.total
        late = 0.0 if done else elapsed - self._schedule.when(published)
        return late if late > PUNCTUAL_SECONDS else 0.0

    def _rate(self, published: int, elapsed: float) -> float:
        # Until the next event is due, the last one's interval has not passed; a rate that ignored
        # it would start at infinity.
        interval = max(elapsed, self._schedule.when(published))
        return round(60 * published / interval, 2) if published and interval else 0.0
