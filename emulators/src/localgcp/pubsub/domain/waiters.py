"""Consumers that wait for a message: who has waited longest is called first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

Wake = Callable[[], None]


class Waiters:
    """Each is called once. `ready` tells whether there is something to be called for."""

    def __init__(self, ready: Callable[[], bool]) -> None:
        self._ready = ready
        self._queue: deque[Wake] = deque()

    def __bool__(self) -> bool:
        return bool(self._queue)

    def add(self, wake: Wake) -> None:
        """Call `wake` once, when something is ready."""
        self._queue.append(wake)

    def remove(self, wake: Wake) -> None:
        """Withdraw, if it was not called yet."""
        if wake in self._queue:
            self._queue.remove(wake)

    def notify(self) -> None:
        """Call who has waited longest, if something is ready."""
        if self._queue and self._ready():
            self._queue.popleft()()

    def wake_all(self) -> None:
        """Call all, ready or not."""
        while self._queue:
            self._queue.popleft()()
