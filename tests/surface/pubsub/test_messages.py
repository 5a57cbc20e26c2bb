"""A message in a subscriber's callback, and the answers to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.pubsub_v1.subscriber.exceptions import AcknowledgeStatus
from google.cloud.pubsub_v1.subscriber.futures import Future
from google.cloud.pubsub_v1.subscriber.message import Message

from tests.emulators.pubsub.conftest import Clients
from tests.emulators.pubsub.processes import EmulatorProcess
from tests.surface.introspect import covers
from tests.surface.pubsub.overview import until
from tests.surface.pubsub.streams import streaming


@covers(Message, "data", "attributes", "ordering_key", "publish_time", "size", "ack_id")
@covers(Message, "delivery_attempt", "exactly_once_enabled", "opentelemetry_data")
def test_what_a_message_tells(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    sent = clients.publisher.publish(topic, b"data", ordering_key="k", origin="here")
    with streaming(clients, name) as stream:
        message = stream.take()
        assert message.message_id == sent.result(timeout=10)
        assert (message.data, message.ordering_key) == (b"data", "k")
        assert dict(message.attributes) == {"origin": "here"}
        assert abs(datetime.now(UTC) - message.publish_time) < timedelta(minutes=5)
        assert message.size > len(message.data) + len(message.message_id)
        assert message.ack_id
        assert message.delivery_attempt is None
        assert message.exactly_once_enabled is False
        assert message.opentelemetry_data is None
        message.ack()


def test_a_dead_letter_policy_counts_deliveries(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic, dead_letter_policy={"dead_letter_topic": clients.topic()})
    clients.publish(topic, b"a")
    with streaming(clients, name) as stream:
        first = stream.take()
        first.nack()
        second = stream.take()
        assert (first.delivery_attempt, second.delivery_attempt) == (1, 2)
        second.ack()


@covers(Message, "ack", "ack_with_response")
@covers(Future, "result", "done", "exception", "running", "cancel", "cancelled")
@covers(Future, "add_done_callback")
def test_an_ack_drops_the_message(emulator: EmulatorProcess, clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, b"a", b"b")
    with streaming(clients, name) as stream:
        stream.take().ack()
        response = stream.take().ack_with_response()
        assert response.result(timeout=10) == AcknowledgeStatus.SUCCESS
        assert (response.done(), response.running(), response.exception()) == (True, False, None)
        assert (response.cancel(), response.cancelled()) == (False, False)
        told: list[Any] = []
        response.add_done_callback(told.append)
        assert told == [response]
        until(emulator, name, acked=2, backlog=0)


@covers(Future, "set_running_or_notify_cancel", "set_result", "set_exception")
def test_a_confirmation_is_settled_by_the_client_alone() -> None:
    future, failed = Future(), Future()
    future.set_result(AcknowledgeStatus.SUCCESS)
    failed.set_exception(ValueError("no"))
    assert future.result() == AcknowledgeStatus.SUCCESS
    assert isinstance(failed.exception(), ValueError)
    with pytest.raises(NotImplementedError, match="Only used by executors"):
        Future().set_running_or_notify_cancel()


@covers(Message, "nack", "nack_with_response")
def test_a_nack_brings_it_again(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    [message_id] = clients.publish(topic, b"a")
    with streaming(clients, name) as stream:
        stream.take().nack()
        response = stream.take().nack_with_response()
        assert response.result(timeout=10) == AcknowledgeStatus.SUCCESS
        third = stream.take()
        assert third.message_id == message_id
        third.ack()


@covers(Message, "modify_ack_deadline", "modify_ack_deadline_with_response")
@pytest.mark.parametrize(
    "give_back",
    [
        lambda message: message.modify_ack_deadline(0),
        lambda message: message.modify_ack_deadline_with_response(0).result(timeout=10),
    ],
    ids=["modify_ack_deadline", "modify_ack_deadline_with_response"],
)
def test_a_deadline_of_nothing_gives_it_back(
    clients: Clients, give_back: Callable[[Message], Any]
) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, b"a")
    with streaming(clients, name) as stream:
        message = stream.take()
        names = ("modify_ack_deadline", "modify_ack_deadline_with_response")
        assert all(callable(getattr(message, name)) for name in names)
        give_back(message)
        again = stream.take()
        assert again.message_id == message.message_id
        again.ack()


@covers(Message, "drop")
def test_a_dropped_message_is_nobodys_until_its_deadline(
    emulator: EmulatorProcess, clients: Clients
) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, b"a")
    with streaming(clients, name) as stream:
        message = stream.take()
        message.drop()
        until(emulator, name, outstanding=1, delivered=1, acked=0)
        message.ack()  # its lease still holds
        until(emulator, name, acked=1, backlog=0)
