from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from threading import Event, current_thread
from typing import Any

import pytest
from google.cloud.pubsub_v1.subscriber.scheduler import Scheduler, ThreadScheduler

from tests.emulators.pubsub.conftest import Clients
from tests.emulators.pubsub.processes import EmulatorProcess
from tests.surface.introspect import covers
from tests.surface.pubsub.overview import until


@covers(ThreadScheduler, "schedule", "queue", "shutdown")
def test_callbacks_run_in_the_threads_of_ones_own(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, b"a", b"b")
    scheduler = ThreadScheduler(ThreadPoolExecutor(1, thread_name_prefix="mine"))
    threads: Queue[str] = Queue()

    def note(message: Any) -> None:
        threads.put(current_thread().name)
        message.ack()

    scheduler.schedule(threads.put, "at once")
    assert threads.get(timeout=10) == "at once"
    assert scheduler.queue.empty()
    future = clients.subscriber.subscribe(name, note, scheduler=scheduler)
    assert {threads.get(timeout=20) for _ in range(2)} == {"mine_0"}
    future.cancel()
    future.result(timeout=20)
    assert scheduler.shutdown(await_msg_callbacks=True) == []
    with pytest.warns(RuntimeWarning, match="after executor shutdown"):
        scheduler.schedule(threads.put, "too late")


class AtOnce(Scheduler):  # type: ignore[misc]  # the library has no types
    """Runs each callback in the thread that brings the message."""

    def __init__(self) -> None:
        self._queue: Queue[Any] = Queue()

    @property
    def queue(self) -> Queue[Any]:
        return self._queue

    def schedule(self, callback: Any, *args: Any, **kwargs: Any) -> None:
        callback(*args, **kwargs)

    def shutdown(self, await_msg_callbacks: bool = False) -> list[Any]:
        return []


@covers(Scheduler, "schedule", "queue", "shutdown")
def test_a_scheduler_of_ones_own(emulator: EmulatorProcess, clients: Clients) -> None:
    with pytest.raises(TypeError, match="abstract"):
        Scheduler()
    assert {"schedule", "queue", "shutdown"} == set(Scheduler.__abstractmethods__)
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, b"a")
    came = Event()

    def note(message: Any) -> None:
        message.ack()
        came.set()

    future = clients.subscriber.subscribe(name, note, scheduler=AtOnce())
    assert came.wait(timeout=20)
    until(emulator, name, acked=1)
    future.cancel()
    future.result(timeout=20)
