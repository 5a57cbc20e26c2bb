"""Things by when they are due: one heap for deadlines, rests, timers, windows and holds."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)
Time = TypeVar("Time", int, float)

_STALE_TO_SWEEP = 64


class Agenda(Generic[T, Time]):
    """Each thing has one time, a number of its user's unit, which may be moved or dropped.

    The heap is not searched for that: a time that no longer holds is passed over when it
    surfaces, and all such are swept out when they outnumber the rest.
    """

    def __init__(self) -> None:
        self._due: dict[T, Time] = {}
        self._heap: list[tuple[Time, int, T]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._due)

    def get(self, thing: T) -> Time | None:
        """When it is due; None if it has no time."""
        return self._due.get(thing)

    def set(self, thing: T, due: Time) -> None:
        """Give it a time, instead of the one it had."""
        self._due[thing] = due
        heapq.heappush(self._heap, (due, next(self._order), thing))
        if len(self._heap) > 2 * len(self._due) + _STALE_TO_SWEEP:
            self._heap = [(at, next(self._order), each) for each, at in self._due.items()]
            heapq.heapify(self._heap)

    def drop(self, thing: T) -> None:
        """It has no time any more; safe if it had none."""
        self._due.pop(thing, None)

    def next(self) -> Time | None:
        """The earliest time; None if nothing has one."""
        while self._heap:
            due, _, thing = self._heap[0]
            if self._due.get(thing) == due:
                return due
            heapq.heappop(self._heap)
        return None

    def least(self, nothing: Time) -> Time:
        """The same; `nothing` if nothing has one."""
        found = self.next()
        return nothing if found is None else found

    def take(self, now: Time) -> list[T]:
        """Take out what is due by `now`: the earliest first, of one time the first set."""
        ready = []
        while self._heap and self._heap[0][0] <= now:
            due, _, thing = heapq.heappop(self._heap)
            if self._due.get(thing) == due:
                del self._due[thing]
                ready.append(thing)
        return ready
