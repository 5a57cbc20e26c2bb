"""A kill loses nothing that was answered, and brings back nothing that was acked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from google.api_core import exceptions

from localgcp.base import StartFailed
from localgcp.pubsub.emulator import PubSubEmulator
from tests.emulators.pubsub.conftest import Clients
from tests.emulators.pubsub.processes import EmulatorProcess

Connect = Callable[[EmulatorProcess], Clients]


def test_unacked_messages_outlive_a_kill(killable: EmulatorProcess, connect: Connect) -> None:
    clients = connect(killable)
    topic = clients.topic(labels={"team": "a"})
    name = clients.subscription(topic, ack_deadline_seconds=33)
    ids = clients.publish(topic, b"a", b"b", b"c", event_type="order")
    before = {received.message.message_id: received for received in clients.pull_all(name, 3)}
    clients.subscriber.acknowledge(subscription=name, ack_ids=[before[ids[0]].ack_id])
    killable.kill()
    killable.start()
    after = {received.message.message_id: received for received in clients.pull_all(name, 2)}
    assert {key: value.message for key, value in after.items()} == {
        key: before[key].message for key in ids[1:]
    }
    assert dict(clients.publisher.get_topic(topic=topic).labels) == {"team": "a"}
    assert clients.subscriber.get_subscription(subscription=name).ack_deadline_seconds == 33
    # An ack id from before the kill still counts.
    clients.subscriber.acknowledge(subscription=name, ack_ids=[before[ids[1]].ack_id])
    killable.kill()
    killable.start()
    assert [received.message.data for received in clients.pull(name)] == [b"c"]


def test_kills_while_publishing_lose_nothing_that_was_answered(
    killable: EmulatorProcess, connect: Connect
) -> None:
    clients = connect(killable)
    topic = clients.topic()
    name = clients.subscription(topic)
    answered: set[str] = set()
    stop = threading.Event()

    def publish() -> None:
        while not stop.is_set():
            try:
                ids = clients.publish_request(topic, [{"data": b"x" * 500}] * 20, timeout=2)
            except exceptions.GoogleAPICallError:
                continue
            answered.update(ids)

    thread = threading.Thread(target=publish)
    thread.start()
    for _ in range(3):
        stop.wait(0.7)
        killable.kill()
        killable.start()
    stop.wait(0.5)
    stop.set()
    thread.join()
    assert len(answered) > 100
    kept: set[str] = set()
    while batch := clients.pull(name, timeout=2):
        kept.update(received.message.message_id for received in batch)
    assert answered <= kept


def test_one_data_directory_serves_one_emulator(killable: EmulatorProcess, tmp_path: Path) -> None:
    second = PubSubEmulator(data_dir=tmp_path)
    with pytest.raises(StartFailed, match="in use by another"):
        second.start()
    assert not second.alive()


def test_snapshots_and_what_is_retained_outlive_a_kill(
    killable: EmulatorProcess, connect: Connect
) -> None:
    clients = connect(killable)
    topic = clients.topic(message_retention_duration={"seconds": 600})
    name = clients.subscription(topic, retain_acked_messages=True)
    snapshot = name.replace("subscriptions", "snapshots")
    clients.publish(topic, b"a")
    clients.subscriber.create_snapshot(name=snapshot, subscription=name)
    [received] = clients.pull(name)
    clients.subscriber.acknowledge(subscription=name, ack_ids=[received.ack_id])
    late = clients.subscription(topic)
    for target in ({"snapshot": snapshot}, {"time": received.message.publish_time}):
        killable.kill()
        killable.start()
        for subscription in (name, late):
            clients.subscriber.seek(request={"subscription": subscription} | target)
            [again] = clients.pull(subscription)
            assert again.message == received.message
            clients.subscriber.acknowledge(subscription=subscription, ack_ids=[again.ack_id])
