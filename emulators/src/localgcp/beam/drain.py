"""A drain that goes on as long as it gets anywhere."""

from __future__ import annotations

from collections.abc import Callable


class Drain:
    """When a drain begins, and when it last got anywhere; times are seconds of `clock`.

    However much there is to drain, it may: what ends it is that nothing gets done for `patience`.
    """

    def __init__(self, patience: float, clock: Callable[[], float]) -> None:
        self.patience = patience
        self._clock = clock
        self._moved_at: float | None = None

    @property
    def begun(self) -> bool:
        """Whether `begin` was called."""
        return self._moved_at is not None

    def begin(self) -> bool:
        """From now on something must get done; False where it has begun before."""
        if self.begun:
            return False
        self._moved_at = self._clock()
        return True

    def moved(self) -> None:
        """Something got done that was not done before."""
        if self.begun:
            self._moved_at = self._clock()

    def stands_still(self, grace: float = 0.0) -> bool:
        """Whether nothing got done for `patience`, and `grace` more."""
        return self._moved_at is not None and self._clock() > self._moved_at + self.patience + grace
