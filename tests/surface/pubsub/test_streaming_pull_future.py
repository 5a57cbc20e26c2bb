from __future__ import annotations

from queue import Queue
from typing import Any

import pytest
from google.cloud.pubsub_v1.subscriber.futures import StreamingPullFuture

from tests.emulators.pubsub.conftest import Clients
from tests.surface.introspect import covers
from tests.surface.pubsub.streams import streaming


@covers(StreamingPullFuture, "cancel", "cancelled", "done", "running", "result", "exception")
@covers(StreamingPullFuture, "add_done_callback")
def test_it_runs_until_it_is_cancelled(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    with streaming(clients, name) as stream:
        future, ended = stream.future, Queue[Any]()
        future.add_done_callback(ended.put)
        assert (future.running(), future.done(), future.cancelled()) == (True, False, False)
        with pytest.raises(TimeoutError):
            future.result(timeout=0.01)
        with pytest.raises(TimeoutError):
            future.exception(timeout=0.01)
        clients.publish(topic, b"a")
        stream.take().ack()
        assert future.cancel() is True
        assert future.result(timeout=20) is True
        assert (future.running(), future.done(), future.cancelled()) == (False, True, True)
        assert future.exception() is None
        assert ended.get(timeout=20) is future


@covers(StreamingPullFuture, "set_exception")
def test_an_error_that_is_set_is_its_result(clients: Clients) -> None:
    name = clients.subscription(clients.topic())
    future = clients.subscriber.subscribe(name, lambda message: message.ack())
    future.set_exception(RuntimeError("the application's own"))
    with pytest.raises(RuntimeError, match="the application's own"):
        future.result(timeout=10)
    future.cancel()


@covers(StreamingPullFuture, "set_result", "set_running_or_notify_cancel")
def test_a_result_can_be_set_and_is_kept(clients: Clients) -> None:
    name = clients.subscription(clients.topic())
    future = clients.subscriber.subscribe(name, lambda message: message.ack())
    with pytest.raises(NotImplementedError, match="Only used by executors"):
        future.set_running_or_notify_cancel()
    future.set_result("mine")
    future.cancel()
    assert future.result(timeout=10) == "mine"
