"""Which subscription has something due, and when: one timer for all of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from localgcp.pubsub.domain.subscription import Subscription


class Timetable:
    """Subscriptions by when they are due; `set_alarm(due)` is called when the earliest moves.

    A subscription whose due time has moved later keeps its early place and is then found not
    due: cheaper than a search at every ack.
    """

    def __init__(self, set_alarm: Callable[[float], None]) -> None:
        self._set_alarm = set_alarm
        self._heap: list[tuple[float, int, Subscription]] = []
        self._noted: dict[Subscription, float] = {}
        self._order = count()

    def note(self, subscription: Subscription) -> None:
        """Its next_due may have become earlier."""
        due = subscription.next_due()
        if due is None or due >= self._noted.get(subscription, float("inf")):
            return
        self._noted[subscription] = due
        heapq.heappush(self._heap, (due, next(self._order), subscription))
        if len(self._heap) > 2 * len(self._noted) + 64:
            self._heap = [(at, next(self._order), sub) for sub, at in self._noted.items()]
            heapq.heapify(self._heap)
        if self._heap[0][2] is subscription:
            self._set_alarm(due)

    def forget(self, subscription: Subscription) -> None:
        """It was deleted."""
        self._noted.pop(subscription, None)

    def due(self, now: float) -> list[Subscription]:
        """Take out the subscriptions that are due; the caller ticks and notes each again."""
        ready = []
        while self._heap and self._heap[0][0] <= now:
            due, _, subscription = heapq.heappop(self._heap)
            if self._noted.get(subscription) == due:
                del self._noted[subscription]
                ready.append(subscription)
        return ready

    def rearm(self) -> None:
        """Set the alarm for the earliest left, once the caller has noted all again."""
        if self._heap:
            self._set_alarm(self._heap[0][0])
