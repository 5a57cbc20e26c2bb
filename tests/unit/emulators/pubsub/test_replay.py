"""Seek and snapshots: what comes back, what goes, and what outlives the process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localgcp.pubsub.domain.config import Duration, SubscriptionConfig, TopicConfig
from localgcp.pubsub.errors import AlreadyExists, InvalidArgument, NotFound, WrongState
from localgcp.pubsub.wire import protos
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC, Bench, call, read
from tests.unit.emulators.pubsub.runs import Runs

SNAPSHOT = "projects/demo-project/snapshots/snap"
WEEK = 7 * 24 * 3600


def seek(bench: Bench, to: float | str, subscription: str = SUBSCRIPTION) -> None:
    request = protos.SeekRequest(subscription=subscription)
    if isinstance(to, str):
        request.snapshot = to
    else:
        request.time.FromMicroseconds(int(to * 1e6))
    call(bench.broker, "Seek", request)


def snapshot(bench: Bench, subscription: str = SUBSCRIPTION, **fields: Any) -> Any:
    request = protos.CreateSnapshotRequest(
        **{"name": SNAPSHOT, "subscription": subscription} | fields
    )
    return call(bench.broker, "CreateSnapshot", request)


def test_a_seek_back_replays_what_was_acked_and_retained(bench: Bench) -> None:
    subscription = bench.subscribe(retain_acked_messages=True)
    start = bench.clock()
    bench.publish("a", "b")
    bench.pass_time(1)
    middle = bench.clock()
    bench.publish("c")
    bench.ack(subscription, *bench.pull(subscription).values())
    seek(bench, middle)
    assert list(bench.pull(subscription)) == ["c"]
    seek(bench, start)
    assert list(bench.pull(subscription)) == ["a", "b", "c"]


def test_without_retained_messages_only_what_is_unacked_stays(bench: Bench) -> None:
    subscription = bench.subscribe()
    start = bench.clock()
    bench.publish("a", "b")
    bench.ack(subscription, bench.pull(subscription, limit=1)["a"])
    seek(bench, start)
    assert list(bench.pull(subscription)) == ["b"]


def test_a_seek_ahead_purges(bench: Bench) -> None:
    subscription = bench.subscribe(retain_acked_messages=True)
    bench.publish("a", "b")
    bench.pull(subscription, limit=1)
    seek(bench, bench.clock() + 3600)
    assert not subscription.unacked
    assert len(subscription.outstanding) == 0
    bench.publish("after")
    assert list(bench.pull(subscription)) == ["after"]
    seek(bench, bench.clock())
    assert list(bench.pull(subscription)) == ["a", "b", "after"]


def test_what_is_past_its_retention_does_not_come_back(bench: Bench) -> None:
    retention = {"seconds": 600}
    subscription = bench.subscribe(retain_acked_messages=True, message_retention_duration=retention)
    start = bench.clock()
    bench.publish("old")
    bench.pass_time(500)
    bench.publish("new")
    bench.ack(subscription, *bench.pull(subscription).values())
    bench.pass_time(101)
    seek(bench, start)
    assert list(bench.pull(subscription)) == ["new"]
    bench.pass_time(600)
    bench.publish("newest")
    assert len(subscription.retained) == 0, "memory does not grow with what is past"


def test_a_topic_retains_for_any_subscription_even_a_later_one(bench: Bench) -> None:
    bench.broker.update_topic(TopicConfig(TOPIC, message_retention_duration=Duration(3600)))
    start = bench.clock()
    bench.publish("order", event_type="order")
    bench.publish("other", event_type="other")
    late = bench.subscribe(filter='attributes.event_type = "order"')
    assert late.config.topic_message_retention_duration == Duration(3600)
    seek(bench, start)
    [(payload, ack_id)] = bench.pull(late).items()
    assert payload == "order"
    bench.ack(late, ack_id)
    bench.pass_time(3600)
    seek(bench, start)
    [ack_id] = bench.pull(late).values()
    bench.ack(late, ack_id)
    bench.pass_time(1)
    seek(bench, start)
    assert bench.pull(late) == {}
    bench.broker.update_topic(TopicConfig(TOPIC))
    assert late.config.topic_message_retention_duration is None
    assert len(bench.broker.topics[TOPIC].retained) == 0


def test_a_topics_retention_keeps_what_a_subscription_would_drop(bench: Bench) -> None:
    bench.broker.update_topic(TopicConfig(TOPIC, message_retention_duration=Duration(7200)))
    subscription = bench.subscribe(message_retention_duration={"seconds": 600})
    bench.publish("a")
    bench.pass_time(7199)
    assert len(subscription.unacked) == 1
    bench.pass_time(1)
    assert not subscription.unacked


def test_no_more_is_retained_once_that_is_switched_off(bench: Bench) -> None:
    subscription = bench.subscribe(retain_acked_messages=True)
    start = bench.clock()
    bench.publish("a")
    bench.ack(subscription, *bench.pull(subscription).values())
    bench.broker.update_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC))
    seek(bench, start)
    assert bench.pull(subscription) == {}


def test_a_replay_keeps_the_order_of_its_keys(bench: Bench) -> None:
    subscription = bench.subscribe(retain_acked_messages=True, enable_message_ordering=True)
    start = bench.clock()
    bench.publish("a1", "a2", "a3", "a4", key="a")
    batch = bench.pull(subscription, limit=3)
    bench.ack(subscription, batch["a1"], batch["a3"])
    seek(bench, start)
    again = bench.pull(subscription)
    assert list(again) == ["a1", "a2", "a3", "a4"]
    bench.ack(subscription, *again.values())
    assert not subscription.unacked


def test_a_dead_letter_can_be_replayed_and_is_tried_anew(bench: Bench) -> None:
    dead = "projects/demo-project/topics/dead"
    bench.broker.create_topic(TopicConfig(dead))
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    subscription = bench.subscribe(retain_acked_messages=True, dead_letter_policy=policy)
    start = bench.clock()
    bench.publish("bad")
    for _ in range(5):
        bench.nack(subscription, *bench.pull(subscription).values())
    assert not subscription.unacked
    seek(bench, start)
    [entry] = subscription.lease(bench.clock(), 1, 1000)
    assert subscription.delivery_attempt(entry) == 1


def test_a_snapshot_holds_what_was_unacked_and_what_came_after(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish("acked", "held")
    bench.ack(subscription, bench.pull(subscription, limit=1)["acked"])
    made = snapshot(bench, labels={"team": "a"})
    assert (made.name, made.topic, dict(made.labels)) == (SNAPSHOT, TOPIC, {"team": "a"})
    bench.publish("after")
    bench.pass_time(10)
    bench.ack(subscription, *bench.pull(subscription).values())
    assert not subscription.unacked
    other = bench.subscribe(name=SUBSCRIPTION + "-other")
    for name in (SUBSCRIPTION, SUBSCRIPTION + "-other"):
        seek(bench, SNAPSHOT, name)
    assert list(bench.pull(subscription)) == ["held", "after"]
    assert list(bench.pull(other)) == ["held", "after"]


def test_a_snapshot_of_a_filtered_subscription_has_what_passes(bench: Bench) -> None:
    picky = bench.subscribe(name=SUBSCRIPTION + "-picky", filter="attributes:k")
    subscription = bench.subscribe()
    bench.publish("with", k="v")
    snapshot(bench, picky.name)
    bench.publish("without")
    bench.publish("with too", k="v")
    seek(bench, SNAPSHOT)
    assert list(bench.pull(subscription)) == ["with", "with too"]
    snapshot(bench, name=SNAPSHOT + "-all")
    bench.publish("nothing")
    seek(bench, SNAPSHOT + "-all", picky.name)
    assert list(bench.pull(picky)) == ["with", "with too"]


def test_a_snapshot_lives_for_a_week_less_the_age_of_its_backlog(bench: Bench) -> None:
    subscription = bench.subscribe()
    assert snapshot(bench).expire_time.ToSeconds() == int(bench.clock()) + WEEK
    bench.publish("a")
    published = int(bench.clock())
    bench.pass_time(WEEK - 3600)
    late = snapshot(bench, name=SNAPSHOT + "-late")
    assert late.expire_time.ToSeconds() == published + WEEK
    bench.pass_time(1)
    with pytest.raises(WrongState, match="expire in 3599s"):
        snapshot(bench, name=SNAPSHOT + "-too-late")
    bench.pass_time(3599)
    assert not bench.broker.snapshots.by_name
    assert not bench.broker.topics[TOPIC].snapshots
    assert not subscription.unacked


def test_snapshots_are_listed_changed_and_deleted(bench: Bench) -> None:
    bench.subscribe()
    snapshot(bench)
    named = call(
        bench.broker, "CreateSnapshot", protos.CreateSnapshotRequest(subscription=SUBSCRIPTION)
    )
    assert named.name.startswith("projects/demo-project/snapshots/")
    listed = call(
        bench.broker, "ListSnapshots", protos.ListSnapshotsRequest(project="projects/demo-project")
    )
    assert [each.name for each in listed.snapshots] == [SNAPSHOT, named.name]
    of_topic = call(
        bench.broker, "ListTopicSnapshots", protos.ListTopicSnapshotsRequest(topic=TOPIC)
    )
    assert list(of_topic.snapshots) == [SNAPSHOT, named.name]
    request = protos.UpdateSnapshotRequest(
        snapshot={"name": SNAPSHOT, "labels": {"a": "b"}}, update_mask={"paths": ["labels"]}
    )
    request.snapshot.expire_time.FromSeconds(int(bench.clock()) + 7200)
    request.update_mask.paths.append("expire_time")
    changed = call(bench.broker, "UpdateSnapshot", request)
    assert (dict(changed.labels), changed.expire_time) == ({"a": "b"}, request.snapshot.expire_time)
    call(bench.broker, "DeleteSnapshot", protos.DeleteSnapshotRequest(snapshot=named.name))
    with pytest.raises(NotFound, match="resource=snapshot-"):
        call(bench.broker, "GetSnapshot", protos.GetSnapshotRequest(snapshot=named.name))
    bench.pass_time(7200)
    assert not bench.broker.snapshots.by_name


def test_what_is_wrong_with_a_snapshot_or_a_seek_is_told(bench: Bench) -> None:
    bench.subscribe()
    snapshot(bench)
    with pytest.raises(AlreadyExists, match="resource=snap"):
        snapshot(bench)
    with pytest.raises(InvalidArgument, match=r"Invalid \[snapshots\] name"):
        snapshot(bench, name="projects/demo-project/topics/snap")
    with pytest.raises(NotFound, match="resource=nowhere"):
        snapshot(bench, "projects/demo-project/subscriptions/nowhere")
    other = "projects/demo-project/topics/other"
    bench.broker.create_topic(TopicConfig(other))
    bench.subscribe(name=SUBSCRIPTION + "-other", topic=other)
    with pytest.raises(InvalidArgument, match="same topic"):
        seek(bench, SNAPSHOT, SUBSCRIPTION + "-other")
    with pytest.raises(NotFound, match="resource=missing"):
        seek(bench, "projects/demo-project/snapshots/missing")
    with pytest.raises(InvalidArgument, match="neither a time nor a snapshot"):
        call(bench.broker, "Seek", protos.SeekRequest(subscription=SUBSCRIPTION))
    for ahead in (0, WEEK + 1):
        update = protos.UpdateSnapshotRequest(
            snapshot={"name": SNAPSHOT}, update_mask={"paths": ["expire_time"]}
        )
        update.snapshot.expire_time.FromSeconds(int(bench.clock()) + ahead)
        with pytest.raises(InvalidArgument, match="expire_time"):
            call(bench.broker, "UpdateSnapshot", update)
    bench.broker.delete_topic(TOPIC)
    with pytest.raises(InvalidArgument, match="_deleted-topic_"):
        seek(bench, SNAPSHOT)


@pytest.mark.parametrize("compact", [False, True])
def test_seeks_snapshots_and_what_is_retained_survive(tmp_path: Path, compact: bool) -> None:
    runs = Runs(tmp_path)
    broker = runs.broker
    broker.create_topic(TopicConfig(TOPIC, message_retention_duration=Duration(3600)))
    broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC, retain_acked_messages=True))
    start = runs.clock()
    runs.publish(b"a", b"b")
    broker.acknowledge(SUBSCRIPTION, runs.pull()[:1])
    broker.create_snapshot(SNAPSHOT, SUBSCRIPTION, {"team": "a"})
    runs.publish(b"c")
    broker = runs.again(compact)
    broker.seeking.to_time(broker.subscription(SUBSCRIPTION), runs.clock())
    broker = runs.again(compact)
    assert runs.held() == []
    kept = broker.snapshots.get(SNAPSHOT)
    assert kept.config.labels == {"team": "a"}
    broker.seeking.to_snapshot(broker.subscription(SUBSCRIPTION), kept)
    broker = runs.again(compact)
    assert runs.held() == [b"b", b"c"]
    broker.seeking.to_time(broker.subscription(SUBSCRIPTION), start)
    broker = runs.again(compact)
    assert runs.held() == [b"a", b"b", b"c"]
    broker.delete_snapshot(SNAPSHOT)
    broker = runs.again(compact)
    assert not broker.snapshots.by_name
    assert not broker.topics[TOPIC].snapshots


def test_a_snapshot_made_while_the_journal_is_compacted_is_whole(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    runs.publish(b"a", b"b")
    compaction = runs.keeper._begin()
    runs.broker.create_snapshot(SNAPSHOT, SUBSCRIPTION, {})
    runs.broker.acknowledge(SUBSCRIPTION, runs.pull())
    while compaction.step():
        pass
    compaction.sync()
    compaction.adopt()
    broker = runs.again()
    assert runs.held() == []
    broker.seeking.to_snapshot(broker.subscription(SUBSCRIPTION), broker.snapshots.get(SNAPSHOT))
    assert runs.held() == [b"a", b"b"]


def test_a_seek_that_changes_nothing_brings_again_what_is_lent(bench: Bench) -> None:
    subscription = bench.subscribe(ack_deadline_seconds=60)
    bench.publish("a")
    lent = bench.pull(subscription)
    seek(bench, bench.clock() - 60)
    assert list(bench.pull(subscription)) == ["a"]
    bench.ack(subscription, lent["a"])
    assert not subscription.unacked, "a late ack still counts"


def test_a_seek_to_the_publish_time_that_a_client_read_finds_the_message(bench: Bench) -> None:
    """Whatever the fraction: of a hundred floats one lies below its own microseconds."""
    subscription = bench.subscribe(retain_acked_messages=True)
    for number in range(500):
        bench.pass_time(0.100_000_7)
        bench.publish(str(number))
        [entry] = subscription.lease(bench.clock(), 1, 1000)
        bench.ack(subscription, entry.ack_id)
        published = read(entry).publish_time
        request = protos.SeekRequest(subscription=SUBSCRIPTION, time=published)
        call(bench.broker, "Seek", request)
        bench.ack(subscription, bench.pull(subscription)[str(number)])
