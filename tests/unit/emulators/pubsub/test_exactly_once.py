"""Exactly-once delivery: a lease is all that counts, and a restart changes nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from localgcp.pubsub.domain.config import DeadLetterPolicy, SubscriptionConfig, TopicConfig
from localgcp.pubsub.errors import MOST_ACK_IDS_TOLD, AckIdsFailed, InvalidArgument
from localgcp.pubsub.wire import layout, protos
from localgcp.pubsub.wire.encoding import properties, received_messages
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC, Bench
from tests.unit.emulators.pubsub.runs import Runs

PERMANENT = "PERMANENT_FAILURE_INVALID_ACK_ID"


def test_an_ack_in_time_counts_once(bench: Bench) -> None:
    subscription = bench.subscribe(enable_exactly_once_delivery=True)
    bench.publish("a")
    ack_id = bench.pull(subscription)["a"]
    bench.ack(subscription, ack_id)
    assert not subscription.unacked
    with pytest.raises(AckIdsFailed) as failed:
        bench.ack(subscription, ack_id)
    assert failed.value.reason == "EXACTLY_ONCE_ACKID_FAILURE"
    assert failed.value.metadata == {ack_id: PERMANENT}


def test_after_its_deadline_an_ack_fails_and_the_next_lease_lives(bench: Bench) -> None:
    subscription = bench.subscribe(enable_exactly_once_delivery=True)
    bench.publish("a")
    late = bench.pull(subscription)["a"]
    bench.pass_time(10)
    again = bench.pull(subscription)["a"]
    for seconds in (0, 30):
        with pytest.raises(AckIdsFailed):
            bench.broker.modify_ack_deadline(SUBSCRIPTION, [late], seconds)
    with pytest.raises(AckIdsFailed):
        bench.ack(subscription, late)
    assert bench.pull(subscription) == {}, "no delivery within a live lease"
    bench.ack(subscription, again)
    assert not subscription.unacked


def test_of_a_request_all_are_done_or_none(bench: Bench) -> None:
    subscription = bench.subscribe(enable_exactly_once_delivery=True)
    bench.publish("a")
    good = bench.pull(subscription)["a"]
    with pytest.raises(AckIdsFailed) as failed:
        bench.ack(subscription, good, "no ack id")
    assert failed.value.metadata["no ack id"] == PERMANENT
    assert failed.value.metadata[good].startswith("TRANSIENT_FAILURE_")
    assert len(subscription.unacked) == 1
    bench.ack(subscription, good)
    assert not subscription.unacked


def test_acks_of_a_key_come_in_its_order(bench: Bench) -> None:
    subscription = bench.subscribe(enable_exactly_once_delivery=True, enable_message_ordering=True)
    bench.publish("a", "b", "c", key="k")
    bench.publish("loose")
    ids = bench.pull(subscription)
    with pytest.raises(AckIdsFailed, match="sent out of order") as failed:
        bench.ack(subscription, ids["b"], ids["loose"])
    assert failed.value.metadata == {
        ids["b"]: "TRANSIENT_FAILURE_UNORDERED_ACK_ID",
        ids["loose"]: "TRANSIENT_FAILURE_OTHER_ACK_IDS_INVALID",
    }
    with pytest.raises(AckIdsFailed, match="were invalid") as failed:
        bench.ack(subscription, ids["c"], "stale")
    assert failed.value.metadata == {
        "stale": PERMANENT,
        ids["c"]: "TRANSIENT_FAILURE_UNORDERED_ACK_ID",
    }
    bench.broker.modify_ack_deadline(SUBSCRIPTION, [ids["c"]], 30)  # in any order
    bench.ack(subscription, ids["b"], ids["loose"], ids["a"])
    bench.ack(subscription, ids["c"])
    assert not subscription.unacked


def test_no_more_ack_ids_are_told_than_a_client_receives(bench: Bench) -> None:
    subscription = bench.subscribe(enable_exactly_once_delivery=True)
    with pytest.raises(AckIdsFailed) as failed:
        bench.ack(subscription, *map(str, range(2500)))
    assert len(failed.value.metadata) == MOST_ACK_IDS_TOLD


def test_without_it_a_late_ack_counts(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish("a")
    late = bench.pull(subscription)["a"]
    bench.pass_time(10)
    bench.ack(subscription, late)
    assert not subscription.unacked


def test_it_is_for_pull_subscriptions(bench: Bench) -> None:
    push = {"push_endpoint": "http://127.0.0.1:9/"}
    with pytest.raises(InvalidArgument, match="orders-sub is none"):
        bench.subscribe(enable_exactly_once_delivery=True, push_config=push)


@pytest.mark.parametrize("exactly_once", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
def test_a_stream_says_how_it_delivers(bench: Bench, exactly_once: bool, ordered: bool) -> None:
    subscription = bench.subscribe(
        enable_exactly_once_delivery=exactly_once, enable_message_ordering=ordered
    )
    bench.publish("a")
    encoded = received_messages(subscription, subscription.lease(bench.clock(), 1, 1000))
    read = protos.StreamingPullResponse.FromString(encoded + properties(subscription.config))
    assert len(read.received_messages) == 1
    said = read.subscription_properties
    assert said.exactly_once_delivery_enabled is exactly_once
    assert said.message_ordering_enabled is ordered


def exactly_once(path: Path, ordered: bool = False) -> Runs:
    runs = Runs(path)
    runs.broker.create_topic(TopicConfig(TOPIC))
    runs.broker.create_subscription(
        SubscriptionConfig(
            SUBSCRIPTION,
            TOPIC,
            ack_deadline_seconds=60,
            enable_exactly_once_delivery=True,
            enable_message_ordering=ordered,
        )
    )
    return runs


@pytest.mark.parametrize("compact", [False, True])
def test_leases_go_on_across_a_restart(tmp_path: Path, compact: bool) -> None:
    runs = exactly_once(tmp_path)
    runs.publish(b"a", b"b", b"c", b"d")
    acked, nacked, extended, kept = runs.pull()
    runs.broker.acknowledge(SUBSCRIPTION, [acked])
    runs.broker.modify_ack_deadline(SUBSCRIPTION, [nacked], 0)
    runs.broker.modify_ack_deadline(SUBSCRIPTION, [extended], 600)
    broker = runs.again(compact)
    [again] = runs.pull()
    assert runs.held() == [b"b", b"c", b"d"]
    for stale in (acked, nacked):
        with pytest.raises(AckIdsFailed):
            broker.acknowledge(SUBSCRIPTION, [stale])
    broker.acknowledge(SUBSCRIPTION, [kept, again])
    assert runs.held() == [b"c"]
    runs.clock.advance(60)
    runs.again(compact).tick()
    assert runs.pull() == []
    runs.clock.advance(600)
    runs.broker.tick()
    assert len(runs.pull()) == 1
    with pytest.raises(AckIdsFailed):
        runs.broker.acknowledge(SUBSCRIPTION, [extended])


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("end", ["seek", "delete"])
def test_no_lease_outlives_a_seek_or_its_subscription(
    tmp_path: Path, compact: bool, end: str
) -> None:
    runs = exactly_once(tmp_path)
    runs.publish(b"a", b"b")
    ack_ids = runs.pull()
    if end == "seek":
        target = runs.broker.subscription(SUBSCRIPTION)
        runs.broker.seeking.to_time(target, runs.clock() - 1)
    else:
        config = runs.broker.subscription(SUBSCRIPTION).config
        runs.broker.delete_subscription(SUBSCRIPTION)
        runs.broker.create_subscription(config)
        runs.publish(b"c")
    expected = runs.held()
    broker = runs.again(compact)
    with pytest.raises(AckIdsFailed):
        broker.acknowledge(SUBSCRIPTION, ack_ids)
    assert runs.held() == expected
    assert len(runs.pull()) == len(expected)


@pytest.mark.parametrize("compact", [False, True])
def test_a_key_is_held_across_a_restart(tmp_path: Path, compact: bool) -> None:
    runs = exactly_once(tmp_path, ordered=True)
    drafts = [layout.lay_out(data, {}, "k") for data in (b"a", b"b", b"c", b"d")]
    runs.broker.publish(TOPIC, drafts)
    subscription = runs.broker.subscription(SUBSCRIPTION)
    first, second, third = (e.ack_id for e in subscription.lease(runs.clock(), 3, 1 << 20))
    broker = runs.again(compact)
    assert runs.pull() == []
    with pytest.raises(AckIdsFailed):
        broker.acknowledge(SUBSCRIPTION, [second])
    broker.acknowledge(SUBSCRIPTION, [second, first])
    broker = runs.again(compact)
    assert runs.pull() == []
    assert runs.held() == [b"c", b"d"]
    broker.acknowledge(SUBSCRIPTION, [third])
    assert runs.held() == [b"d"]
    assert len(runs.pull()) == 1
    assert runs.again(compact).subscription(SUBSCRIPTION).lease(runs.clock(), 1, 1000) == []


@pytest.mark.parametrize("compact", [False, True])
def test_delivery_attempts_are_kept_over_a_restart(tmp_path: Path, compact: bool) -> None:
    runs, dead = Runs(tmp_path), "projects/demo-project/topics/dead"
    runs.broker.create_topic(TopicConfig(TOPIC))
    runs.broker.create_topic(TopicConfig(dead))
    policy = DeadLetterPolicy(dead, 5)
    runs.broker.create_subscription(
        SubscriptionConfig(SUBSCRIPTION, TOPIC, dead_letter_policy=policy)
    )
    runs.publish(b"bad")
    for attempt in range(1, 6):
        subscription = runs.broker.subscription(SUBSCRIPTION)
        [entry] = subscription.lease(runs.clock(), 1, 1000)
        assert subscription.delivery_attempt(entry) == attempt
        runs.broker.modify_ack_deadline(SUBSCRIPTION, [entry.ack_id], 0)
        runs.again(compact)
    assert runs.held() == []
