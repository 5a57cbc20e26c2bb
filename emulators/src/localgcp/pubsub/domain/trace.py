"""What happened of late to each message: published, delivered, acked, and when.

Recorded a batch at a time, so that it costs little; the oldest is forgotten first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from localgcp.pubsub.domain.message import Layout, Message

KEPT_BYTES = 16 << 20
"""Of published messages, which are kept whole."""
KEPT_STEPS = 400_000
"""Deliveries and acks, counted by message."""
MEASURED = 500
"""Steps of a subscription that its latency is told by."""
PUBLISHED, DELIVERED, ACKED = "published", "delivered", "acked"


class Step(NamedTuple):
    """One thing that happened to a message, at a time in seconds since the epoch."""

    at: float
    what: str
    where: str
    """The topic or the subscription."""


class _Publish(NamedTuple):
    at: float
    topic: str
    messages: Sequence[Message]
    size: int


class _Steps(NamedTuple):
    at: float
    what: str
    subscription: str
    ids: Sequence[int]


class Trace:
    """The ring of one broker."""

    def __init__(
        self,
        clock: Callable[[], float],
        layout: Layout,
        kept_bytes: int = KEPT_BYTES,
        kept_steps: int = KEPT_STEPS,
    ) -> None:
        self._layout = layout
        self._clock, self._kept_bytes, self._kept_steps = clock, kept_bytes, kept_steps
        self._published: deque[_Publish] = deque()
        self._steps: deque[_Steps] = deque()
        self._bytes = self._count = 0

    def published(self, topic: str, messages: Sequence[Message]) -> None:
        """A topic took messages."""
        size = sum([len(each.wire) for each in messages])
        self._published.append(_Publish(self._clock(), topic, messages, size))
        self._bytes += size
        while self._bytes > self._kept_bytes and len(self._published) > 1:
            self._bytes -= self._published.popleft().size

    def delivered(self, subscription: str, ids: Sequence[int], now: float) -> None:
        """A subscription lent messages to a client."""
        self._step(_Steps(now, DELIVERED, subscription, ids))

    def acked(self, subscription: str, ids: Sequence[int]) -> None:
        """A client is done with messages."""
        self._step(_Steps(self._clock(), ACKED, subscription, ids))

    def find(self, event_id: str) -> list[Message]:
        """The messages whose attribute `event_id`, or whose own id, is this; the newest first."""
        raw, number = event_id.encode(), int(event_id) if event_id.isdecimal() else -1
        return [
            each
            for publish in reversed(self._published)
            for each in publish.messages
            if each.id == number
            or (raw in each.wire and self._layout.attributes(each.wire).get("event_id") == event_id)
        ]

    def steps(self, message_id: int) -> list[Step]:
        """What happened to one message, in order."""
        found = [
            Step(each.at, PUBLISHED, each.topic)
            for each in self._published
            if each.messages[0].id <= message_id <= each.messages[-1].id
        ]
        found += [
            Step(each.at, each.what, each.subscription)
            for each in self._steps
            if message_id in each.ids
        ]
        return sorted(found)

    def latencies(self, subscription: str, what: str = ACKED) -> list[float]:
        """Seconds from published to a subscription's last steps of a kind, in order of size."""
        starts = [each.messages[0].id for each in self._published]
        found: list[float] = []
        for step in reversed(self._steps):
            if step.what != what or step.subscription != subscription:
                continue
            for id_ in step.ids[: MEASURED - len(found)]:
                i = bisect_right(starts, id_) - 1
                if i >= 0:
                    found.append(step.at - self._published[i].at)
            if len(found) >= MEASURED:
                break
        return sorted(found)

    def latest(self, topic: str) -> Iterator[Message]:
        """The messages of a topic, the newest first."""
        for publish in reversed(self._published):
            if publish.topic == topic:
                yield from reversed(publish.messages)

    def _step(self, steps: _Steps) -> None:
        if not steps.ids:
            return
        self._steps.append(steps)
        self._count += len(steps.ids)
        while self._count > self._kept_steps and len(self._steps) > 1:
            self._count -= len(self._steps.popleft().ids)
