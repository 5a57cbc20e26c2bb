"""The time as an emulator has it: the machine's, which a test can turn forward."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

LONGEST_S = 10 * 366 * 86_400
"""How far it may be turned at once: ten years."""


class CannotTurn(ValueError):
    """The clock can't be turned by that much."""

    def __init__(self, seconds: object) -> None:
        super().__init__(
            f"advance_seconds should be a number from 0 to {LONGEST_S}; got {seconds!r}"
        )


async def _nothing_is_due() -> None:
    pass


def steady() -> Callable[[], float]:
    """A clock of seconds since the epoch that goes on evenly from what the machine's says now.

    Somebody may set the machine's clock by years while a program runs. Then what it keeps for days
    must not be of a bygone age, nor what it still gets be late. A laptop's sleep counts as time.
    """
    passed = _uptime_counting_sleep()
    began, first = time.time(), passed()
    return lambda: began + passed() - first


def _uptime_counting_sleep() -> Callable[[], float]:
    # Linux: CLOCK_BOOTTIME, which "includes any time that the system is suspended" (clock_gettime).
    # macOS: CLOCK_MONOTONIC does, and time.monotonic() does not.
    counting = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    if counting is None:
        return time.monotonic
    return lambda: time.clock_gettime(counting)


class Clock:
    """Seconds since the epoch: what `now` says, and as much more as it was turned forward.

    It is never turned back, since no service's time goes back. `on_turn` does what is due by then.
    """

    def __init__(self, now: Callable[[], float] | None = None) -> None:
        """Without `now` it is the machine's time, on from this moment (`steady`)."""
        self._now = steady() if now is None else now
        self.turned = 0.0
        self.on_turn: Callable[[], Awaitable[None]] = _nothing_is_due

    def __call__(self) -> float:
        """The time."""
        return self._now() + self.turned

    def uptime(self) -> float:
        """Seconds that pass as the clock is turned, from no particular moment."""
        return time.monotonic() + self.turned

    async def advance(self, seconds: object) -> None:
        """Turn it forward, and return once all that is due by then is done. Raises CannotTurn."""
        if not isinstance(seconds, int | float) or isinstance(seconds, bool):
            raise CannotTurn(seconds)
        if not 0 <= seconds <= LONGEST_S:
            raise CannotTurn(seconds)
        self.turned += seconds
        await self.on_turn()
