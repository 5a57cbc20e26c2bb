"""A subscriber that hands each message to the test, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any

from google.cloud.pubsub_v1.subscriber.futures import StreamingPullFuture
from google.cloud.pubsub_v1.subscriber.message import Message

from tests.emulators.pubsub.conftest import Clients


class Stream:
    """An open StreamingPull: its future, and what has come."""

    def __init__(self, clients: Clients, subscription: str, **options: Any) -> None:
        self._received: Queue[Message] = Queue()
        self.future: StreamingPullFuture = clients.subscriber.subscribe(
            subscription, self._received.put, **options
        )

    def take(self) -> Message:
        return self._received.get(timeout=20)

    def came(self) -> int:
        return self._received.qsize()


@contextmanager
def streaming(clients: Clients, subscription: str, **options: Any) -> Iterator[Stream]:
    stream = Stream(clients, subscription, **options)
    yield stream
    stream.future.cancel()
    stream.future.result(timeout=20)
