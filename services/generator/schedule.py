"""1 · When each event of a task is due: a formula on its number, so that no delay adds up."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Protocol

# Traffic of a shop by hour of the day, 0 to 23: quiet at night, a peak at noon and in the evening.
DAY = (2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 11, 12, 11, 10, 10, 10, 11, 13, 15, 16, 14, 9, 5)


class Shape(Protocol):
    """How traffic spreads over a task."""

    def moment(self, share: float) -> float:
        """At what part of the time, 0 to 1, this part of the events, 0 to 1, is due. Rises."""


@dataclass(frozen=True)
class Steady:
    """The same rate all the time."""

    def moment(self, share: float) -> float:
        """Time passes as events do."""
        return share


@dataclass(frozen=True)
class Bursts:
    """`count` bursts at equal distances, each filling the first `duty` (0 to 1) of its period."""

    count: int
    duty: float

    def moment(self, share: float) -> float:
        """Within a burst the rate is even; the rest of the period is silence."""
        burst, within = divmod(share * self.count, 1)
        return (burst + within * self.duty) / self.count


@dataclass(frozen=True)
class Profile:
    """Equal slices of time, each with its weight; a day by its hours, for one."""

    weights: tuple[float, ...]

    def moment(self, share: float) -> float:
        """Within a slice the rate is even."""
        target = share * self._until[-1]
        index = min(bisect_right(self._until, target), len(self._until) - 1)
        before = self._until[index] - self.weights[index]
        return (index + (target - before) / self.weights[index]) / len(self._until)

    @cached_property
    def _until(self) -> tuple[float, ...]:
        return tuple(accumulate(self.weights))


@dataclass(frozen=True)
class Schedule:
    """`total` events over `seconds`: the first at 0, each at its own moment."""

    total: int
    seconds: float
    shape: Shape

    def when(self, number: int) -> float:
        """Seconds from the start at which event `number` (from 0) is due."""
        return self.shape.moment(number / self.total) * self.seconds

    def due(self, elapsed: float) -> int:
        """How many events should be out after `elapsed` seconds."""
        return bisect_right(range(self.total), elapsed, key=self.when)
