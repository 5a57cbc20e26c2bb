"""Consumers that wait for messages: they take turns, and who was served longest ago is first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

Wake = Callable[[], None]


class Waiters:
    """Each is called once. `ready` tells whether there is something to be called for.

    Who was called counts as waiting until it is removed, so that nobody who comes meanwhile takes
    what it was called for.
    """

    def __init__(self, ready: Callable[[], bool]) -> None:
        self._ready = ready
        self._queue: deque[Wake] = deque()
        self._called: dict[Wake, None] = {}

    def __len__(self) -> int:
        return len(self._queue) + len(self._called)

    def add(self, wake: Wake) -> None:
        """Call `wake` once, when something is ready and all who came before were called."""
        self._queue.append(wake)

    def again(self, wake: Wake) -> None:
        """It was called and found nothing, so it is the next to be called."""
        if wake in self._called:
            del self._called[wake]
            self._queue.appendleft(wake)

    def remove(self, wake: Wake) -> None:
        """It waits no more."""
        if wake in self._called:
            del self._called[wake]
        elif wake in self._queue:
            self._queue.remove(wake)

    def notify(self, count: int = 1) -> None:
        """Call those who have waited longest, `count` of them at most, if something is ready."""
        while count > 0 and self._queue and self._ready():
            wake = self._queue.popleft()
            self._called[wake] = None
            wake()
            count -= 1

    def wake_all(self) -> None:
        """Call all, ready or not."""
        while self._queue:
            self._queue.popleft()()
