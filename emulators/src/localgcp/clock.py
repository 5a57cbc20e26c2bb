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


class Clock:
    """Seconds since the epoch: what `now` says, and as much more as it was turned forward.

    It is never turned back, since no service's time goes back. `on_turn` does what is due by then.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
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
