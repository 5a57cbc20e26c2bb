"""Whose turn it is: bundles that may run, that wait for a time, or for their side inputs."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from localgcp.beam.durable.nodes import StageNode
from localgcp.beam.durable.splitting import single_elements
from localgcp.beam.durable.tasks import Bundles, Task
from localgcp.beam.durable.waiting import divided


class Turns:
    """All bundles that wait, in the order in which they came where nothing else decides."""

    def __init__(self, bundles: Bundles, clock: Any) -> None:
        """`clock` has Beam's `time()`."""
        self._bundles, self._clock = bundles, clock
        self._ready: deque[Task] = deque()
        self._later: list[tuple[float, int, Task]] = []
        self._blocked: list[Task] = []

    def enter(self, task: Task, keep: bool) -> None:
        """A bundle arrives at its node, at some by single elements.

        `keep` says that the store must have it.
        """
        node = task.node
        single = isinstance(node, StageNode) and node.stage.one_by_one and not task.is_timers
        for each in single_elements(task) if single else (task,):
            self.schedule(self._bundles.enter(each, keep))

    def schedule(self, task: Task) -> None:
        """Give a bundle that has entered its turn."""
        if task.not_before > self._clock.time():
            heapq.heappush(self._later, (task.not_before, task.number, task))
        elif isinstance(task.node, StageNode) and task.node.views:
            self._blocked.append(task)
        else:
            self._ready.append(task)

    def again(self, tasks: Iterable[Task]) -> None:
        """These had their turn, failed, and get another."""
        self._ready.extend(tasks)

    def next(self) -> Task | None:
        """The next that may run."""
        now = self._clock.time()
        while self._later and self._later[0][0] <= now:
            self._on_time(heapq.heappop(self._later)[2])
        return self._ready.popleft() if self._ready else None

    def hurry(self) -> None:
        """No bundle that is here waits for its time any more."""
        later, self._later = self._later, []
        for _, _, task in sorted(later, key=lambda entry: entry[:2]):
            self._on_time(task)

    @property
    def waits(self) -> bool:
        """Whether one waits for a time."""
        return bool(self._later)

    def unblock(self, divide: Callable[[Task], None]) -> bool:
        """Let bundles go whose side inputs may be read, whole or in part; whether any went.

        `divide` is told of one that goes in two parts, which the store has from then on.
        """
        blocked, self._blocked = self._blocked, []
        for task in blocked:
            self._blocked.extend(self._let_go(task, divide))
        return len(self._ready) > 0

    def _let_go(self, task: Task, divide: Callable[[Task], None]) -> Iterator[Task]:
        ready, waiting = divided(task)
        if waiting is task:
            yield task
        elif ready is task:
            self._ready.append(task)
        else:
            for part in (ready, waiting):
                self._bundles.enter(part, keep=not part.is_timers)
            divide(task)
            self._bundles.leave(task)
            self._ready.append(ready)
            yield waiting

    def _on_time(self, task: Task) -> None:
        task.not_before = 0.0
        self.schedule(task)
