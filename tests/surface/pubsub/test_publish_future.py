from __future__ import annotations

from queue import Queue
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.publisher.futures import Future
from google.cloud.pubsub_v1.types import BatchSettings

from tests.emulators.pubsub.conftest import PROJECT, Clients
from tests.surface.introspect import covers


@covers(Future, "result", "done", "running", "exception", "cancel", "cancelled")
@covers(Future, "add_done_callback")
def test_it_waits_for_its_batch_and_then_tells_the_id(clients: Clients) -> None:
    topic = clients.topic()
    publisher = PublisherClient(BatchSettings(max_latency=3600))
    future, ended = publisher.publish(topic, b"a"), Queue[Any]()
    future.add_done_callback(ended.put)
    assert (future.done(), future.running()) == (False, True)
    with pytest.raises(TimeoutError):
        future.result(timeout=0.01)
    assert (future.cancel(), future.cancelled()) == (False, False)
    publisher.stop()
    assert future.result(timeout=10).isdecimal()
    assert ended.get(timeout=10) is future
    assert (future.done(), future.running(), future.exception()) == (True, False, None)
    publisher.transport.close()


def test_the_servers_word_is_its_exception(clients: Clients) -> None:
    nowhere = clients.publisher.topic_path(PROJECT, "nowhere")
    future = clients.publisher.publish(nowhere, b"a")
    assert isinstance(future.exception(timeout=10), exceptions.NotFound)
    with pytest.raises(exceptions.NotFound, match="nowhere"):
        future.result(timeout=10)


@covers(Future, "set_result", "set_exception", "set_running_or_notify_cancel")
def test_it_is_settled_by_the_client_alone() -> None:
    future, failed = Future(), Future()
    future.set_result("1")
    failed.set_exception(ValueError("no"))
    assert future.result() == "1"
    assert isinstance(failed.exception(), ValueError)
    with pytest.raises(NotImplementedError, match="Only used by executors"):
        Future().set_running_or_notify_cancel()
