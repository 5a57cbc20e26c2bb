"""Publish, pull, ack and redelivery, by the official clients."""

from __future__ import annotations

import threading
import time

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.subscriber.message import Message
from google.cloud.pubsub_v1.types import FlowControl, PullRequest

from tests.emulators.pubsub.conftest import Clients
from tests.emulators.pubsub.processes import EmulatorProcess, wait_until


def test_what_is_published_is_pulled_and_once_acked_is_gone(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    [message_id] = clients.publish(topic, b"\x00\xff", event_type="order")
    [received] = clients.pull(name)
    assert received.message.data == b"\x00\xff"
    assert received.message.message_id == message_id
    assert dict(received.message.attributes) == {"event_type": "order"}
    assert abs(received.message.publish_time.timestamp() - time.time()) < 60
    clients.subscriber.acknowledge(subscription=name, ack_ids=[received.ack_id])
    assert clients.pull(name, timeout=1) == []


def test_a_nack_brings_it_back_at_once(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, b"a")
    [first] = clients.pull(name)
    clients.subscriber.modify_ack_deadline(
        subscription=name, ack_ids=[first.ack_id], ack_deadline_seconds=0
    )
    [second] = clients.pull(name)
    assert second.message == first.message
    assert second.ack_id != first.ack_id


def test_a_passed_deadline_wakes_a_waiting_pull(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, b"a")
    [first] = clients.pull(name)
    clients.subscriber.modify_ack_deadline(
        subscription=name, ack_ids=[first.ack_id], ack_deadline_seconds=1
    )
    started = time.monotonic()
    assert len(clients.pull(name, timeout=10)) == 1
    assert 0.5 < time.monotonic() - started < 3


def test_an_empty_pull_answers_before_its_deadline(clients: Clients) -> None:
    name = clients.subscription(clients.topic())
    started = time.monotonic()
    assert clients.pull(name, timeout=1.5) == []
    assert 0.9 < time.monotonic() - started < 1.5


def test_a_pull_without_a_deadline_answers_within_about_a_second(
    clients: Clients, emulator: EmulatorProcess
) -> None:
    request = PullRequest(subscription=clients.subscription(clients.topic()), max_messages=1)
    with grpc.insecure_channel(emulator.env["PUBSUB_EMULATOR_HOST"]) as channel:
        pull = channel.unary_unary("/google.pubsub.v1.Subscriber/Pull")
        started = time.monotonic()
        assert pull(PullRequest.serialize(request)) == b""
    assert 0.9 < time.monotonic() - started < 2


@pytest.mark.filterwarnings("ignore:The return_immediately flag is deprecated:DeprecationWarning")
def test_return_immediately_does(clients: Clients) -> None:
    name = clients.subscription(clients.topic())
    request = PullRequest(subscription=name, max_messages=1, return_immediately=True)
    started = time.monotonic()
    assert not clients.subscriber.pull(request=request, timeout=10).received_messages
    assert time.monotonic() - started < 0.5


def test_a_waiting_pull_gets_what_comes(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    timer = threading.Timer(0.3, lambda: clients.publish(topic, b"a"))
    timer.start()
    assert [received.message.data for received in clients.pull(name, timeout=10)] == [b"a"]
    timer.join()


def test_a_pull_that_was_given_up_leases_nothing(
    clients: Clients, emulator: EmulatorProcess
) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    with grpc.insecure_channel(emulator.env["PUBSUB_EMULATOR_HOST"]) as channel:
        pull = channel.unary_unary("/google.pubsub.v1.Subscriber/Pull")
        request = PullRequest(subscription=name, max_messages=1)
        waiting = pull.future(PullRequest.serialize(request), timeout=30)
        time.sleep(0.3)
        waiting.cancel()
        time.sleep(0.3)
    clients.publish(topic, b"a")
    assert len(clients.pull(name, timeout=2)) == 1


def test_a_large_backlog_comes_in_responses_that_the_client_takes(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, *[b"x" * 100_000] * 100)
    first = clients.pull(name)
    assert 30 < len(first) < 42  # nearly, but not quite, 4 MiB
    assert len(clients.pull_all(name, 100 - len(first))) == 100 - len(first)


def test_a_request_over_the_limit_is_refused_by_name(clients: Clients) -> None:
    topic = clients.topic()
    with pytest.raises(exceptions.InvalidArgument, match="10000000"):
        clients.publish_request(topic, [{"data": b"x" * 10_000_001}])


def test_nine_megabytes_are_taken(clients: Clients) -> None:
    topic = clients.topic()
    messages = [{"data": b"x" * 1_000_000}] * 9
    assert len(clients.publish_request(topic, messages)) == 9


def test_pull_needs_a_positive_limit(clients: Clients) -> None:
    name = clients.subscription(clients.topic())
    with pytest.raises(exceptions.InvalidArgument, match="max_messages"):
        clients.pull(name, limit=0)


def test_a_dead_letter_arrives_with_its_origin(clients: Clients) -> None:
    topic, dead = clients.topic(), clients.topic()
    dead_sub = clients.subscription(dead)
    name = clients.subscription(
        topic, dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 5}
    )
    clients.publish(topic, b"bad", event_type="order")
    for attempt in range(1, 6):
        [received] = clients.pull(name)
        assert received.delivery_attempt == attempt
        clients.subscriber.modify_ack_deadline(
            subscription=name, ack_ids=[received.ack_id], ack_deadline_seconds=0
        )
    [letter] = clients.pull(dead_sub)
    assert letter.message.data == b"bad"
    assert letter.message.attributes["event_type"] == "order"
    assert letter.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    origin = letter.message.attributes["CloudPubSubDeadLetterSourceSubscription"]
    assert origin == name.rpartition("/")[2]


def test_streaming_delivers_all_and_acks_hold(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    payloads = [b"%d" % number for number in range(3000)]
    received: list[bytes] = []
    complete = threading.Event()

    def take(message: Message) -> None:
        received.append(message.data)
        message.ack()
        if len(received) == len(payloads):
            complete.set()

    stream = clients.subscriber.subscribe(name, take)
    clients.publish(topic, *payloads)
    assert complete.wait(30)
    stream.cancel()
    stream.result(timeout=10)
    assert sorted(received) == sorted(payloads)
    assert clients.pull(name, timeout=1) == []


def test_streaming_sends_no_more_than_the_flow_control_allows(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    held: list[Message] = []
    clients.publish(topic, *[b"x"] * 50)
    stream = clients.subscriber.subscribe(
        name, held.append, flow_control=FlowControl(max_messages=7)
    )
    time.sleep(1)
    left = clients.pull(name)
    assert (len(held), len(left)) == (7, 43)
    for message in held[:]:
        message.nack()
    clients.publish(topic, b"more")
    time.sleep(1)
    stream.cancel()
    stream.result(timeout=10)
    assert len(held) > 7


def test_a_stream_on_a_deleted_subscription_ends_with_not_found(clients: Clients) -> None:
    name = clients.subscription(clients.topic())
    stream = clients.subscriber.subscribe(name, lambda message: message.ack())
    time.sleep(0.5)
    clients.subscriber.delete_subscription(subscription=name)
    with pytest.raises(exceptions.NotFound, match=name.rpartition("/")[2]):
        stream.result(timeout=10)


def test_a_failure_brings_the_rest_of_its_key_again_in_order(
    clients: Clients, emulator: EmulatorProcess
) -> None:
    topic = clients.topic()
    name = clients.subscription(topic, enable_message_ordering=True)
    handled: dict[str, list[int]] = {"a": [], "b": []}
    nacked: set[bytes] = set()

    def take(message: Message) -> None:
        if message.data in (b"10", b"31") and message.data not in nacked:
            nacked.add(message.data)
            message.nack()
            return
        handled[message.ordering_key].append(int(message.data))
        message.ack()

    for number in range(100):
        clients.publisher.publish(topic, b"%d" % number, ordering_key="ab"[number % 2])
    stream = clients.subscriber.subscribe(name, take)
    wait_until(lambda: len(nacked) == 2 and emulator.row(name)["backlog"] == 0)
    stream.cancel()
    stream.result(timeout=10)
    # The client hands on what it had before it knew; what counts is the order of the last time.
    last = {key: list(dict.fromkeys(reversed(numbers)))[::-1] for key, numbers in handled.items()}
    assert last == {"a": list(range(0, 100, 2)), "b": list(range(1, 100, 2))}
