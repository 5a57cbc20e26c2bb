"""What the broker remembers of each message's way, and how much of it."""

from __future__ import annotations

import pytest

from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.trace import Step, Trace
from localgcp.pubsub.errors import InvalidArgument
from localgcp.pubsub.wire import layout, overview, peeking
from localgcp.pubsub.wire.protos import PubsubMessage
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC, Bench, drafts


def test_a_message_s_way_is_told_step_by_step(bench: Bench) -> None:
    subscription = bench.subscribe()
    message = PubsubMessage(data=b"x", attributes={"event_id": "e-1"})
    (message_id,) = bench.broker.publish(TOPIC, drafts(message))
    bench.clock.now += 1
    entry = subscription.lease(bench.clock(), 1, 1000)[0]
    bench.clock.now += 1
    bench.broker.modify_ack_deadline(SUBSCRIPTION, [entry.ack_id], 0)
    entry = subscription.lease(bench.clock(), 1, 1000)[0]
    bench.clock.now += 1
    bench.broker.acknowledge(SUBSCRIPTION, [entry.ack_id])
    bench.publish("another", source="e-1")

    for asked in ("e-1", message_id):
        (found,) = peeking.trace(bench.broker, {"event_id": asked})["messages"]
        assert found["messageId"] == message_id
        assert found["attributes"] == {"event_id": "e-1"}
    start = bench.clock() - 3
    assert [(each["at"] - start, each["what"]) for each in found["steps"]] == [
        (0, "published"),
        (1, "delivered"),
        (2, "delivered"),
        (3, "acked"),
    ]
    assert peeking.trace(bench.broker, {"event_id": "e-2"}) == {"messages": []}


def test_a_subscription_s_latency_is_that_of_its_last_acks(bench: Bench) -> None:
    subscription = bench.subscribe()
    for seconds in (1, 5, 3):
        bench.publish("x")
        bench.clock.now += seconds - 1
        (entry,) = subscription.lease(bench.clock(), 1, 1000)
        bench.clock.now += 1
        bench.broker.acknowledge(SUBSCRIPTION, [entry.ack_id])
    assert bench.broker.trace.latencies(SUBSCRIPTION) == [1, 3, 5]
    (row,) = overview.subscriptions(bench.broker)["subscriptions"]
    assert row["seconds_to_ack"] == {"p50": 3, "p99": 3}
    assert row["seconds_to_deliver"] == {"p50": 2, "p99": 2}
    assert bench.broker.trace.latencies("projects/p/subscriptions/other") == []


def test_a_peek_takes_nothing(bench: Bench) -> None:
    bench.subscribe()
    bench.publish("0", "1", "2")
    bench.broker.subscription(SUBSCRIPTION).lease(bench.clock(), 1, 1000)
    held = peeking.messages(bench.broker, {"subscription": SUBSCRIPTION})["messages"]
    assert [(each["data"], each["leased"]) for each in held] == [
        ("MA==", True),
        ("MQ==", False),
        ("Mg==", False),
    ]
    (newest,) = peeking.messages(bench.broker, {"topic": TOPIC, "limit": "1"})["messages"]
    assert newest["data"] == "Mg=="
    assert len(bench.broker.subscription(SUBSCRIPTION).outstanding) == 1


@pytest.mark.parametrize(
    "query", [{}, {"topic": TOPIC, "limit": "0"}, {"limit": "x", "topic": TOPIC}]
)
def test_a_peek_without_a_place_or_with_no_limit_is_refused(
    bench: Bench, query: dict[str, str]
) -> None:
    with pytest.raises(InvalidArgument, match="argument="):
        peeking.messages(bench.broker, query)


def stamped(first: int, count: int) -> list[Message]:
    read = drafts(*[PubsubMessage(data=b"x" * 100)] * count)
    return layout.stamp(read, first, 0.0)


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    trace = Trace(lambda: 7.0, layout, kept_bytes=500, kept_steps=4)
    for first in (1, 3, 5, 7):
        trace.published("t", stamped(first, 2))
    assert [each.id for each in trace.latest("t")] == [8, 7, 6, 5]
    for now in (1.0, 2.0, 3.0):
        trace.delivered("s", [7, 8], now)
    trace.acked("s", [])
    assert trace.steps(8) == [
        Step(2.0, "delivered", "s"),
        Step(3.0, "delivered", "s"),
        Step(7.0, "published", "t"),
    ]
    trace.published("t", stamped(9, 9))
    assert len(list(trace.latest("t"))) == 9, "one request is always whole"
