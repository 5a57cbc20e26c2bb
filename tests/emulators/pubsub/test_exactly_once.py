"""Exactly-once delivery as the official client sees it: each ack is answered, late ones fail."""

from __future__ import annotations

import queue
import resource
from collections.abc import Callable

import httpx
import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.subscriber.exceptions import AcknowledgeError, AcknowledgeStatus
from google.cloud.pubsub_v1.subscriber.message import Message

from tests.emulators.pubsub.conftest import Clients
from tests.emulators.pubsub.processes import EmulatorProcess

Connect = Callable[[EmulatorProcess], Clients]


def advance(emulator: EmulatorProcess, seconds: int) -> None:
    """Turn the emulator's clock."""
    url = f"http://127.0.0.1:{emulator.port}/_emulator/clock"
    httpx.post(url, json={"advance_seconds": seconds}, trust_env=False).raise_for_status()


def test_an_ack_is_confirmed_and_a_late_one_fails(
    killable: EmulatorProcess, connect: Connect
) -> None:
    clients = connect(killable)
    topic = clients.topic()
    name = clients.subscription(topic, enable_exactly_once_delivery=True)
    received: queue.Queue[Message] = queue.Queue()
    streaming = clients.subscriber.subscribe(name, received.put)
    clients.publish(topic, b"a")
    first = received.get(timeout=20)
    assert first.exactly_once_enabled
    advance(killable, 601)
    with pytest.raises(AcknowledgeError) as late:
        first.ack_with_response().result(timeout=20)
    assert late.value.error_code is AcknowledgeStatus.INVALID_ACK_ID
    second = received.get(timeout=20)
    assert second.message_id == first.message_id
    assert second.ack_with_response().result(timeout=20) is AcknowledgeStatus.SUCCESS
    streaming.cancel()
    streaming.result(timeout=20)
    assert clients.pull(name, timeout=1) == []


def test_a_late_call_tells_the_services_details(clients: Clients) -> None:
    name = clients.subscription(clients.topic(), enable_exactly_once_delivery=True)
    for call, more in (
        (clients.subscriber.acknowledge, {}),
        (clients.subscriber.modify_ack_deadline, {"ack_deadline_seconds": 10}),
    ):
        with pytest.raises(exceptions.InvalidArgument, match="expired or the ack") as late:
            call(request={"subscription": name, "ack_ids": ["stale"]} | more)
        assert (late.value.reason, late.value.domain, late.value.metadata) == (
            "EXACTLY_ONCE_ACKID_FAILURE",
            "pubsub.googleapis.com",
            {"stale": "PERMANENT_FAILURE_INVALID_ACK_ID"},
        )


def test_a_stream_confirms_acks_and_deadlines(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic, enable_exactly_once_delivery=True)
    clients.publish(topic, b"a")
    requests: queue.Queue[dict[str, object]] = queue.Queue()
    requests.put({"subscription": name, "stream_ack_deadline_seconds": 60})
    stream = clients.subscriber.streaming_pull(requests=iter(requests.get, None))
    first = next(stream)
    [ack_id] = [each.ack_id for each in first.received_messages]
    ids = [ack_id, "stale"]
    requests.put({"modify_deadline_ack_ids": ids, "modify_deadline_seconds": [60, 60]})
    extended = next(stream)
    requests.put({"ack_ids": ids})
    acked = next(stream)
    for confirmation in (extended.modify_ack_deadline_confirmation, acked.acknowledge_confirmation):
        assert (list(confirmation.ack_ids), list(confirmation.invalid_ack_ids)) == (
            [ack_id],
            ["stale"],
        )
    for response in (first, extended, acked):
        assert response.subscription_properties.exactly_once_delivery_enabled
    stream.cancel()


def test_a_stream_tells_which_acks_are_out_of_order(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(
        topic, enable_exactly_once_delivery=True, enable_message_ordering=True
    )
    keyed = [{"data": data, "ordering_key": "k"} for data in (b"a", b"b")]
    clients.publish_request(topic, keyed)
    requests: queue.Queue[dict[str, object]] = queue.Queue()
    requests.put({"subscription": name, "stream_ack_deadline_seconds": 60})
    stream = clients.subscriber.streaming_pull(requests=iter(requests.get, None))
    first, second = [each.ack_id for each in next(stream).received_messages]
    told = []
    for ack_ids in ([second], [first], [second]):
        requests.put({"ack_ids": ack_ids})
        told.append(next(stream).acknowledge_confirmation)
    stream.cancel()
    assert list(told[0].unordered_ack_ids) == [second]
    assert [list(each.ack_ids) for each in told] == [[], [first], [second]]


def test_what_the_disk_does_not_take_is_worth_another_try(
    killable: EmulatorProcess, connect: Connect
) -> None:
    clients = connect(killable)
    topic = clients.topic()
    name = clients.subscription(topic, enable_exactly_once_delivery=True)
    clients.publish(topic, b"a")
    requests: queue.Queue[dict[str, object]] = queue.Queue()
    requests.put({"subscription": name, "stream_ack_deadline_seconds": 60})
    stream = clients.subscriber.streaming_pull(requests=iter(requests.get, None))
    [ack_id] = [each.ack_id for each in next(stream).received_messages]
    limit, most = resource.RLIMIT_FSIZE, resource.prlimit(killable.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(killable.pid, limit, (1, most[1]))  # as if the disk were full
    requests.put({"ack_ids": [ack_id]})
    acked = next(stream).acknowledge_confirmation
    requests.put({"modify_deadline_ack_ids": [ack_id], "modify_deadline_seconds": [60]})
    extended = next(stream).modify_ack_deadline_confirmation
    for told in (acked, extended):
        assert (list(told.ack_ids), list(told.temporary_failed_ack_ids)) == ([], [ack_id])
    resource.prlimit(killable.pid, limit, most)
    requests.put({"ack_ids": [ack_id]})
    assert list(next(stream).acknowledge_confirmation.ack_ids) == [ack_id]
    stream.cancel()


def test_a_lease_outlives_a_kill(killable: EmulatorProcess, connect: Connect) -> None:
    clients = connect(killable)
    topic = clients.topic()
    name = clients.subscription(topic, enable_exactly_once_delivery=True, ack_deadline_seconds=600)
    clients.publish(topic, b"a")
    [received] = clients.pull(name)
    killable.kill()
    killable.start()
    clients.subscriber.get_subscription(subscription=name)  # once it is reached again
    assert clients.pull(name, timeout=1) == []
    clients.subscriber.acknowledge(subscription=name, ack_ids=[received.ack_id])
    with pytest.raises(exceptions.InvalidArgument, match="expired"):
        clients.subscriber.acknowledge(subscription=name, ack_ids=[received.ack_id])
