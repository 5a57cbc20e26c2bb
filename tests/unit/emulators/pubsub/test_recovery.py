"""What a second run finds: everything a first one answered for, and nothing it had acked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localgcp.pubsub.disk import keeper as keeper_module
from localgcp.pubsub.disk import records
from localgcp.pubsub.disk.journal import JournalDamaged
from localgcp.pubsub.disk.records import Kind
from localgcp.pubsub.domain.config import DeadLetterPolicy, SubscriptionConfig, TopicConfig
from localgcp.pubsub.domain.names import DELETED_TOPIC
from localgcp.pubsub.errors import StorageFailed
from localgcp.pubsub.wire import layout, protos
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC, call
from tests.unit.emulators.pubsub.runs import Runs


def test_settings_survive(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    before = runs.broker.subscription(SUBSCRIPTION).config
    after = runs.again()
    assert dict(after.topic(TOPIC).config.labels) == {"team": "a"}
    assert after.subscription(SUBSCRIPTION).config == before
    assert list(after.topic(TOPIC).subscriptions) == [SUBSCRIPTION]


def test_unacked_messages_survive_with_ids_and_times(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    ids = runs.publish(b"a", b"b")
    runs.pull()
    published = runs.clock()
    for compact in (False, True, False):
        messages = list(runs.again(compact).subscription(SUBSCRIPTION).unacked)
        assert [layout.proto(message).message_id for message in messages] == ids
        assert [message.published for message in messages] == [published] * 2
    assert len(runs.pull()) == 2


def test_acked_messages_do_not_come_back(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    runs.publish(b"a", b"b", b"c")
    runs.broker.acknowledge(SUBSCRIPTION, runs.pull()[:2])
    runs.again()
    assert runs.held() == [b"c"]


def test_an_ack_id_of_the_last_run_still_counts(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    runs.publish(b"a", b"b")
    ack_ids = runs.pull()
    runs.again().acknowledge(SUBSCRIPTION, ack_ids[:1])
    assert runs.held() == [b"b"]


def test_new_ids_follow_those_of_the_last_run(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    [first] = runs.publish(b"a")
    runs.clock.now -= 3600  # the clock was set back between the runs
    runs.again()
    [second] = runs.publish(b"b")
    assert int(second) > int(first)


def test_a_filter_and_a_later_subscription_get_what_they_got(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    picky = SUBSCRIPTION + "-picky"
    runs.broker.create_subscription(
        SubscriptionConfig(name=picky, topic=TOPIC, filter="attributes:k")
    )
    runs.publish(b"plain")
    runs.broker.publish(TOPIC, [layout.lay_out(b"with", {"k": "v"}, "")])
    late = SUBSCRIPTION + "-late"
    runs.broker.create_subscription(SubscriptionConfig(name=late, topic=TOPIC))
    for compact in (False, True):
        runs.again(compact)
        assert runs.held() == [b"plain", b"with"]
        assert runs.held(picky) == [b"with"]
        assert runs.held(late) == []


def test_deletions_survive_and_orphans_keep_their_messages(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    gone = SUBSCRIPTION + "-gone"
    runs.broker.create_subscription(SubscriptionConfig(name=gone, topic=TOPIC))
    runs.publish(b"a")
    runs.broker.delete_subscription(gone)
    runs.broker.delete_topic(TOPIC)
    for compact in (False, True):
        runs.again(compact)
        assert list(runs.broker.subscriptions) == [SUBSCRIPTION]
        assert not runs.broker.topics
        assert runs.broker.subscription(SUBSCRIPTION).config.topic == DELETED_TOPIC
        assert runs.held() == [b"a"]


def test_dead_letters_move_once(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    dead = "projects/demo-project/topics/dead"
    dead_sub = "projects/demo-project/subscriptions/dead-sub"
    runs.broker.create_topic(TopicConfig(name=dead))
    runs.broker.create_subscription(SubscriptionConfig(name=dead_sub, topic=dead))
    update = protos.UpdateSubscriptionRequest()
    update.subscription.name = SUBSCRIPTION
    update.subscription.dead_letter_policy.dead_letter_topic = dead
    update.update_mask.paths.append("dead_letter_policy")
    call(runs.broker, "UpdateSubscription", update)
    runs.publish(b"bad")
    for _ in range(5):
        runs.broker.modify_ack_deadline(SUBSCRIPTION, runs.pull(), 0)
    runs.again()
    assert runs.held() == []
    assert runs.held(dead_sub) == [b"bad"]


def test_expired_messages_do_not_come_back(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    runs.publish(b"old")
    runs.clock.advance(8 * 24 * 3600)
    runs.again().tick()
    assert runs.held() == []


def test_what_came_and_went_while_a_snapshot_was_written(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    for start in range(0, 2500, 500):
        runs.publish(*[b"%d" % number for number in range(start, start + 500)])
    acks = runs.pull()
    while more := runs.pull():
        acks += more
    snapshot = runs.keeper._begin()
    steps = 0
    while snapshot.step():
        runs.publish(b"later %d" % steps)
        if steps < 3:
            runs.broker.acknowledge(SUBSCRIPTION, acks[steps * 900 : steps * 900 + 10])
        steps += 1
    snapshot.sync()
    snapshot.adopt()
    assert steps > 3
    held = runs.held()
    runs.again()
    assert runs.held() == held
    assert len(set(held)) == len(held) == 2500 - 10 * 3 + steps


def test_settings_that_change_while_a_snapshot_is_written(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    gone = SUBSCRIPTION + "-gone"
    runs.broker.create_subscription(SubscriptionConfig(name=gone, topic=TOPIC))
    runs.publish(b"a")
    snapshot = runs.keeper._begin()
    snapshot.step()
    runs.broker.delete_subscription(gone)
    runs.broker.create_subscription(SubscriptionConfig(name=gone, topic=TOPIC))
    runs.publish(b"b")
    while snapshot.step():
        pass
    snapshot.sync()
    snapshot.adopt()
    runs.again()
    assert runs.held(gone) == [b"b"]
    assert runs.held() == [b"a", b"b"]


def test_a_drained_journal_costs_what_is_left(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    largest = 0
    for _ in range(30):
        runs.publish(*[b"x" * 8_000] * 1000)
        while acks := runs.pull():
            runs.broker.acknowledge(SUBSCRIPTION, acks)
        if runs.keeper.overgrown():
            runs.keeper.compact()
        largest = max(largest, runs.size())
    assert largest < keeper_module.SMALLEST_TO_COMPACT + 20_000_000
    runs.keeper.compact()
    assert runs.size() < 2_000


def test_a_snapshot_that_fails_leaves_no_half_and_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    runs.publish(b"a")
    monkeypatch.setattr(keeper_module, "SMALLEST_TO_COMPACT", 0)
    assert runs.keeper.overgrown()

    def full(file: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(StorageFailed, match="No space left"):
            runs.keeper.compact()
    assert not list(runs.path.glob("*.draft"))
    assert not runs.keeper.overgrown()
    runs.publish(b"b")
    runs.again()
    assert runs.held() == [b"a", b"b"]


def test_a_dead_letter_survives_and_what_it_was_made_of_does_not(tmp_path: Path) -> None:
    runs, dead = Runs(tmp_path), "projects/demo-project/topics/dead"
    letters = "projects/demo-project/subscriptions/dead-sub"
    runs.broker.create_topic(TopicConfig(name=TOPIC))
    runs.broker.create_topic(TopicConfig(name=dead))
    policy = DeadLetterPolicy(dead, 5)
    runs.broker.create_subscription(
        SubscriptionConfig(name=SUBSCRIPTION, topic=TOPIC, dead_letter_policy=policy)
    )
    runs.broker.create_subscription(SubscriptionConfig(name=letters, topic=dead))
    runs.publish(b"bad")
    for _ in range(5):
        runs.broker.modify_ack_deadline(SUBSCRIPTION, runs.pull(), 0)
    runs.publish(b"good")
    assert (runs.held(letters), runs.held()) == ([b"bad"], [b"good"])
    for compact in (False, True):
        runs.again(compact)
        assert (runs.held(letters), runs.held()) == ([b"bad"], [b"good"])


def test_a_record_of_what_never_was_is_told_with_its_place(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    runs.journal.append(records.encode(Kind.FORGET, SUBSCRIPTION + "-none", records.pack_ids([1])))
    with pytest.raises(JournalDamaged, match=r"journal/journal.*record 2 .*KeyError.*-none"):
        runs.again()
    runs.journal.close()
    runs.salvage = True
    runs.start()
    runs.salvage = False
    assert list(runs.again().subscriptions) == [SUBSCRIPTION]


def test_a_salvage_goes_on_without_what_the_damage_made_senseless(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    lost = SUBSCRIPTION + "-lost"
    runs.broker.create_subscription(SubscriptionConfig(name=lost, topic=TOPIC))
    runs.publish(b"a")
    [ack_id] = (e.ack_id for e in runs.broker.subscription(lost).lease(runs.clock(), 1, 1000))
    runs.broker.acknowledge(lost, [ack_id])
    runs.publish(b"b")
    runs.journal.close()
    [log] = runs.path.glob("*.log")
    data = bytearray(log.read_bytes())
    data[data.index(lost.encode())] ^= 1
    log.write_bytes(data)
    runs.salvage = True
    runs.start()
    assert (list(runs.broker.subscriptions), runs.held()) == ([SUBSCRIPTION], [b"a", b"b"])
    [told] = [each.getMessage() for each in caplog.records if "passed over, as" in each.message]
    assert "can't be replayed: KeyError" in told
    assert lost in told
