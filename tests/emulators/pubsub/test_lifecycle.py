"""Starting, stopping and standing idle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.subscriber.message import Message
from google.cloud.pubsub_v1.types import FlowControl

from localgcp.pubsub.emulator import PubSubEmulator
from tests.emulators.pubsub.conftest import Clients
from tests.emulators.pubsub.processes import EmulatorProcess, wait_until

Connect = Callable[[EmulatorProcess], Clients]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def resident_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def test_it_stops_soon_with_a_stream_open(killable: EmulatorProcess, connect: Connect) -> None:
    clients = connect(killable)
    name = clients.subscription(clients.topic())
    stream = clients.subscriber.subscribe(name, lambda message: message.ack())
    time.sleep(0.5)
    started = time.monotonic()
    assert killable.stop() == 0
    assert time.monotonic() - started < 3
    killable.start()
    stream.cancel()
    stream.result(timeout=10)


def test_a_stream_that_is_full_still_learns_of_a_deletion(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    held: list[Message] = []
    stream = clients.subscriber.subscribe(
        name, held.append, flow_control=FlowControl(max_messages=1)
    )
    clients.publish(topic, b"a", b"b")
    wait_until(lambda: len(held) == 1)
    clients.subscriber.delete_subscription(subscription=name)
    with pytest.raises(exceptions.NotFound, match=name.rpartition("/")[2]):
        stream.result(timeout=10)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_idle_costs_nothing_with_streams_and_leases(
    killable: EmulatorProcess, connect: Connect
) -> None:
    clients = connect(killable)
    topic = clients.topic()
    name = clients.subscription(topic, ack_deadline_seconds=600)
    stream = clients.subscriber.subscribe(clients.subscription(topic), lambda m: m.ack())
    clients.publish(topic, b"a")
    clients.pull(name)
    time.sleep(0.5)
    before = cpu_seconds(killable.pid)
    time.sleep(2)
    assert cpu_seconds(killable.pid) - before < 0.1
    stream.cancel()
    stream.result(timeout=10)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_memory_is_flat_while_messages_are_acked(
    killable: EmulatorProcess, connect: Connect
) -> None:
    clients = connect(killable)
    topic = clients.topic()
    name = clients.subscription(topic, ack_deadline_seconds=600)
    messages = [{"data": b"x" * 10_000}] * 200

    def rounds(count: int) -> float:
        for _ in range(count):
            clients.publish_request(topic, messages)
            received = clients.pull_all(name, len(messages))
            clients.subscriber.acknowledge(
                subscription=name, ack_ids=[message.ack_id for message in received]
            )
        return resident_megabytes(killable.pid)

    settled = rounds(10)
    assert rounds(40) - settled < 20  # 80 MB went through


def test_in_this_process_it_leaves_no_thread_behind(tmp_path: Path) -> None:
    before = threading.active_count()
    emulator = PubSubEmulator(data_dir=tmp_path)
    emulator.start()
    assert emulator.health().figures == {"subscriptions": 0, "backlog": 0, "outstanding": 0}
    emulator.stop()
    emulator.stop()
    assert not emulator.health().ok
    assert threading.active_count() <= before + 1  # gRPC keeps its poller
