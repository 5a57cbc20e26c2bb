"""1 · The tasks there are: started, looked up, stopped, and in the end forgotten."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from threading import Lock
from uuid import uuid4

from services.generator.clock import Clock
from services.generator.jobs import Job
from services.generator.tasks import Sink, Task

MOST_RUNNING, MOST_KEPT = 20, 500
SEED_BITS = 48


class UnknownTask(LookupError):
    """No task has this id, or it was forgotten."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"no task {task_id!r}")


class TooManyTasks(Exception):
    """As many tasks run as may."""

    def __init__(self) -> None:
        super().__init__(f"{MOST_RUNNING} tasks run, which is the most; stop one, or wait")


class KeyReused(Exception):
    """An idempotency key came again with another request."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Idempotency-Key {key!r} was used for another request")


class Board:
    """Keeps the tasks that run and the last few hundred that ended."""

    def __init__(self, sink: Sink, clock: Clock) -> None:
        self._sink, self._clock = sink, clock
        self._tasks: OrderedDict[str, Task] = OrderedDict()
        self._by_key: dict[str, Task] = {}
        self._lock = Lock()

    def start(self, job: Job, key: str | None = None) -> Task:
        """Start a task, or find the one `key` started before. Raises TooManyTasks, KeyReused."""
        with self._lock:
            if key is not None and key in self._by_key:
                if self._by_key[key].job != job:
                    raise KeyReused(key)
                return self._by_key[key]
            if sum(task.active for task in self._tasks.values()) >= MOST_RUNNING:
                raise TooManyTasks
            task = Task(uuid4().hex[:12], job, _seed(job), self._sink, self._clock)
            self._tasks[task.id] = task
            if key is not None:
                self._by_key[key] = task
            self._forget_oldest()
        task.start()
        return task

    def get(self, task_id: str) -> Task:
        """The task of that id. Raises UnknownTask."""
        try:
            return self._tasks[task_id]
        except KeyError:
            raise UnknownTask(task_id) from None

    def all(self) -> list[Task]:
        """Newest first."""
        with self._lock:
            return list(reversed(self._tasks.values()))

    def stop_all(self) -> list[Task]:
        """Tell every task that runs to stop; returns those."""
        running = [task for task in self.all() if task.active]
        for task in running:
            task.stop()
        return running

    def forget(self, task_id: str) -> None:
        """Drop a task and its idempotency key. Raises UnknownTask."""
        with self._lock:
            if self._tasks.pop(task_id, None) is None:
                raise UnknownTask(task_id)
            self._drop_key(task_id)

    def _forget_oldest(self) -> None:
        ended = [task_id for task_id, task in self._tasks.items() if not task.active]
        for task_id in ended[: max(len(self._tasks) - MOST_KEPT, 0)]:
            del self._tasks[task_id]
            self._drop_key(task_id)

    def _drop_key(self, task_id: str) -> None:
        self._by_key = {key: task for key, task in self._by_key.items() if task.id != task_id}


def _seed(job: Job) -> int:
    asked = getattr(job.request, "seed", None)
    return secrets.randbits(SEED_BITS) if asked is None else int(asked)
