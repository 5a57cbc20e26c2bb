"""The smallest of values that come and go: watermarks are held by the least of their holds."""

from __future__ import annotations

import heapq
from collections import Counter

NOTHING = (1 << 63) - 1
"""Larger than any time in microseconds."""


class Least:
    """A bag of times in microseconds that knows its smallest."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._heap: list[int] = []

    def add(self, value: int) -> None:
        """One more."""
        if not self._counts[value]:
            heapq.heappush(self._heap, value)
        self._counts[value] += 1

    def remove(self, value: int) -> None:
        """One less of a value that is in it."""
        self._counts[value] -= 1
        if not self._counts[value]:
            del self._counts[value]

    @property
    def value(self) -> int:
        """The smallest, NOTHING if it is empty."""
        while self._heap and self._heap[0] not in self._counts:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else NOTHING
