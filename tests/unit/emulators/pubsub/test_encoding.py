"""The hand-made encoding, read back by the official protobuf classes."""

from __future__ import annotations

import pytest

from localgcp.pubsub.domain.config import TopicConfig
from localgcp.pubsub.wire import protos
from localgcp.pubsub.wire.encoding import received_messages
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, Bench


@pytest.mark.parametrize("size", [1, 100, 127, 128, 16_000, 17_000, 3_000_000])
def test_a_pull_response_reads_back(bench: Bench, size: int) -> None:
    subscription = bench.subscribe()
    bench.publish("x" * size, "second", event_type="order", key="k")
    entries = subscription.lease(bench.clock(), 10, 1 << 30)
    response = protos.PullResponse.FromString(received_messages(subscription, entries))
    first, second = response.received_messages
    assert first.message.data == b"x" * size
    assert dict(second.message.attributes) == {"event_type": "order"}
    assert second.message.ordering_key == "k"
    assert [first.ack_id, second.ack_id] == [entry.ack_id for entry in entries]
    assert int(second.message.message_id) == entries[1].message.id
    assert second.message.publish_time.ToMicroseconds() == int(bench.clock() * 1e6)
    assert second.delivery_attempt == 0


def test_the_delivery_attempt_is_told_with_a_dead_letter_policy(bench: Bench) -> None:
    dead = "projects/demo-project/topics/dead"
    bench.broker.create_topic(TopicConfig(name=dead))
    subscription = bench.subscribe(
        dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 100}
    )
    bench.publish("a")
    bench.nack(subscription, bench.pull(subscription)["a"])
    entries = subscription.lease(bench.clock(), 10, 1 << 30)
    response = protos.PullResponse.FromString(received_messages(subscription, entries))
    assert response.received_messages[0].delivery_attempt == 2


def test_nothing_is_an_empty_response(bench: Bench) -> None:
    assert received_messages(bench.subscribe(), []) == b""


def test_what_the_python_client_cannot_receive_is_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    subscription = bench.subscribe()
    frame = 100  # more than what a message is wrapped in
    bench.publish("x" * ((4 << 20) - frame))
    [largest] = subscription.lease(bench.clock(), 1, 1 << 30)
    assert len(received_messages(subscription, [largest])) <= 4 << 20
    assert not caplog.records
    bench.publish("x" * (4 << 20))
    [larger] = subscription.lease(bench.clock(), 1, 1 << 30)
    received_messages(subscription, [larger], float("inf"))
    assert not caplog.records, "by REST it arrives"
    received_messages(subscription, [larger])
    [record] = caplog.records
    for told in (str(larger.message.id), SUBSCRIPTION, "max_receive_message_length", "--auto-ack"):
        assert told in record.getMessage()
