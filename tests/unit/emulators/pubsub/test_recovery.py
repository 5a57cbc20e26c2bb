"""What a second run finds: everything a first one answered for, and nothing it had acked."""

from __future__ import annotations

from pathlib import Path

from localgcp.pubsub.disk import journal as journal_module
from localgcp.pubsub.disk.journal import Journal
from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.names import DELETED_TOPIC
from localgcp.pubsub.wire import protos
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC, FakeClock


class Runs:
    """One data directory, run after run; a run ends as a kill ends it, with nothing tidied."""

    def __init__(self, directory: Path) -> None:
        self.clock = FakeClock()
        self.path = directory / "x.journal"
        self.journal = Journal(self.path)
        self.broker = Broker(self.clock, self.journal)

    def again(self) -> Broker:
        self.journal.close()
        self.clock.advance(1)
        self.journal = Journal(self.path)
        self.broker = Broker(self.clock, self.journal)
        return self.broker

    def begin(self) -> None:
        self.broker.create_topic(protos.Topic(name=TOPIC, labels={"team": "a"}))
        self.broker.create_subscription(protos.Subscription(name=SUBSCRIPTION, topic=TOPIC))

    def publish(self, *payloads: bytes) -> list[str]:
        return self.broker.publish(TOPIC, [protos.PubsubMessage(data=data) for data in payloads])

    def held(self, name: str = SUBSCRIPTION) -> list[bytes]:
        entries = self.broker.subscription(name).unacked.values()
        return [entry.message.proto.data for entry in entries]

    def pull(self) -> list[str]:
        entries = self.broker.subscription(SUBSCRIPTION).lease(self.clock(), 100, 1 << 30)
        return [entry.ack_id for entry in entries]


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
    for _ in range(2):  # from the log, and then from what it was compacted to
        entries = list(runs.again().subscription(SUBSCRIPTION).unacked.values())
        assert [entry.message.proto.message_id for entry in entries] == ids
        assert [entry.message.published for entry in entries] == [published] * 2
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
        protos.Subscription(name=picky, topic=TOPIC, filter="attributes:k")
    )
    runs.publish(b"plain")
    runs.broker.publish(TOPIC, [protos.PubsubMessage(data=b"with", attributes={"k": "v"})])
    late = SUBSCRIPTION + "-late"
    runs.broker.create_subscription(protos.Subscription(name=late, topic=TOPIC))
    for _ in range(2):
        runs.again()
        assert runs.held() == [b"plain", b"with"]
        assert runs.held(picky) == [b"with"]
        assert runs.held(late) == []


def test_deletions_survive_and_orphans_keep_their_messages(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    gone = SUBSCRIPTION + "-gone"
    runs.broker.create_subscription(protos.Subscription(name=gone, topic=TOPIC))
    runs.publish(b"a")
    runs.broker.delete_subscription(gone)
    runs.broker.delete_topic(TOPIC)
    for _ in range(2):
        runs.again()
        assert list(runs.broker.subscriptions) == [SUBSCRIPTION]
        assert not runs.broker.topics
        assert runs.broker.subscription(SUBSCRIPTION).config.topic == DELETED_TOPIC
        assert runs.held() == [b"a"]


def test_dead_letters_move_once(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    dead = "projects/demo-project/topics/dead"
    dead_sub = "projects/demo-project/subscriptions/dead-sub"
    runs.broker.create_topic(protos.Topic(name=dead))
    runs.broker.create_subscription(protos.Subscription(name=dead_sub, topic=dead))
    update = protos.UpdateSubscriptionRequest()
    update.subscription.name = SUBSCRIPTION
    update.subscription.dead_letter_policy.dead_letter_topic = dead
    update.update_mask.paths.append("dead_letter_policy")
    runs.broker.update_subscription(update.subscription, update.update_mask)
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


def test_a_journal_of_acked_messages_is_compacted_as_it_grows(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    largest = 0
    for _ in range(30):
        runs.publish(*[b"x" * 8_000] * 1000)
        runs.broker.acknowledge(SUBSCRIPTION, runs.pull())
        while runs.held():
            runs.broker.acknowledge(SUBSCRIPTION, runs.pull())
        largest = max(largest, runs.path.stat().st_size)
    assert largest < journal_module._SMALLEST_TO_COMPACT + 10_000_000


def test_a_dead_letter_survives_and_what_it_was_made_of_does_not(tmp_path: Path) -> None:
    runs, dead = Runs(tmp_path), "projects/demo-project/topics/dead"
    letters = "projects/demo-project/subscriptions/dead-sub"
    runs.broker.create_topic(protos.Topic(name=TOPIC))
    runs.broker.create_topic(protos.Topic(name=dead))
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    runs.broker.create_subscription(
        protos.Subscription(name=SUBSCRIPTION, topic=TOPIC, dead_letter_policy=policy)
    )
    runs.broker.create_subscription(protos.Subscription(name=letters, topic=dead))
    runs.publish(b"bad")
    for _ in range(5):
        runs.broker.modify_ack_deadline(SUBSCRIPTION, runs.pull(), 0)
    runs.publish(b"good")
    assert (runs.held(letters), runs.held()) == ([b"bad"], [b"good"])
    for _ in range(2):  # from the log, and then from what it was compacted to
        runs.again()
        assert (runs.held(letters), runs.held()) == ([b"bad"], [b"good"])
