"""Whatever clients do, and whenever the process dies, a subscription is what a page of model says.

The suite tries a few ways; `pytest --hypothesis-profile=long` on this file tries many.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from localgcp.pubsub.domain.config import (
    Duration,
    ExpirationPolicy,
    SnapshotConfig,
    SubscriptionConfig,
    TopicConfig,
)
from localgcp.pubsub.domain.snapshots import LONGEST_LIFE
from localgcp.pubsub.errors import AckIdsFailed
from localgcp.pubsub.wire import layout
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC, read
from tests.unit.emulators.pubsub.runs import Runs

DEADLINE, RETENTION = 10, 600
DAY = 24 * 3600
SNAPSHOT = "projects/demo-project/snapshots/number-{}"


class Model:
    """Messages by number, in the order published."""

    def __init__(self, ordered: bool, exactly_once: bool) -> None:
        self.ordered, self.exactly_once = ordered, exactly_once
        self.keys: list[str] = []
        self.times: list[float] = []
        self.acked: set[int] = set()
        self.over: set[int] = set()
        """Those whose retention ended before they were acked, or whose subscription expired."""
        self.early: set[int] = set()
        self.lent: dict[str, tuple[int, float]] = {}
        self.used = 0.0
        self.snapshots: dict[str, tuple[int, set[int], float]] = {}
        """How many messages there were, which were unacked, and when it expires."""

    def unacked(self) -> set[int]:
        return set(range(len(self.keys))) - self.acked - self.over

    def may_come(self, number: int) -> bool:
        lent = {lent for lent, _ in self.lent.values()}
        if number in lent | self.early or number not in self.unacked():
            return False
        key = self.keys[number]
        held = {self.keys[lent] for lent, _ in self.lent.values()}
        return not (self.ordered and key and key in held)

    def in_order(self, number: int) -> bool:
        """Whether exactly-once delivery lets it be acked: nothing of its key is left before it."""
        key = self.keys[number]
        return not (self.ordered and key) or number == min(self._of_key(number) & self.unacked())

    def ack(self, ack_id: str, number: int) -> None:
        live = self.lent.pop(ack_id, None) is not None
        if not (self.ordered and self.keys[number]):
            self.acked.add(number)
        elif live:
            self.early.add(number)
            for each in sorted(self._of_key(number) & self.unacked()):
                if each not in self.early:
                    break
                self.early.discard(each)
                self.acked.add(each)

    def fail(self, ack_id: str) -> None:
        """What follows a failed message of its key comes again too."""
        number, _ = self.lent.pop(ack_id)
        self._take_back_after(number)

    def _take_back_after(self, number: int) -> None:
        if self.ordered and self.keys[number]:
            self._end({each for each in self._of_key(number) if each > number})

    def _end(self, numbers: set[int]) -> None:
        self.early -= numbers
        self.lent = {id: lent for id, lent in self.lent.items() if lent[0] not in numbers}

    def pass_time(self, now: float) -> None:
        for ack_id, (_, deadline) in sorted(self.lent.items(), key=lambda item: item[1][1]):
            if deadline <= now and ack_id in self.lent:
                self.fail(ack_id)
        for number in sorted(self.unacked()):
            if self.times[number] + RETENTION <= now:
                if number in {lent for lent, _ in self.lent.values()} | self.early:
                    self._take_back_after(number)
                self._end({number})
                self.over.add(number)
        self.snapshots = {name: each for name, each in self.snapshots.items() if now < each[2]}

    def expire(self) -> None:
        """The subscription is gone with all that it held or retained."""
        self.over |= self.acked | self.unacked()
        self.acked, self.early, self.lent = set(), set(), {}

    def since(self, time: float, now: float) -> set[int]:
        """What a seek to a time leaves unacked: as far as it is held or still retained."""
        kept = self.unacked() | {each for each in self.acked if now - RETENTION <= self.times[each]}
        return {each for each in kept if self.times[each] >= time}

    def seek(self, unacked: set[int]) -> None:
        self.acked = (self.acked | self.unacked()) - unacked
        self.over -= unacked
        self.early, self.lent = set(), {}

    def crash(self) -> None:
        self.early = set()
        if not self.exactly_once:
            self.lent = {}

    def _of_key(self, number: int) -> set[int]:
        return {each for each, key in enumerate(self.keys) if key == self.keys[number]}


class Machine(RuleBasedStateMachine):
    """A subscription that retains what was acked, beside the model of it."""

    @initialize(ordered=st.booleans(), exactly_once=st.booleans())
    def begin(self, ordered: bool, exactly_once: bool) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.runs, self.model = Runs(Path(self.folder.name)), Model(ordered, exactly_once)
        self.given: list[tuple[str, int]] = []
        self.snapshots_made = 0
        self.runs.broker.create_topic(TopicConfig(TOPIC))
        self._subscribe()

    def _subscribe(self) -> None:
        config = SubscriptionConfig(
            SUBSCRIPTION,
            TOPIC,
            ack_deadline_seconds=DEADLINE,
            message_retention_duration=Duration(RETENTION),
            retain_acked_messages=True,
            enable_message_ordering=self.model.ordered,
            enable_exactly_once_delivery=self.model.exactly_once,
            expiration_policy=ExpirationPolicy(Duration(DAY)),
        )
        self.runs.broker.create_subscription(config)
        self._use()

    def _use(self) -> None:
        self.model.used = self.runs.clock()

    @rule(keys=st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=4))
    def publish(self, keys: list[str]) -> None:
        numbers = range(len(self.model.keys), len(self.model.keys) + len(keys))
        drafts = [
            layout.lay_out(b"%d" % number, {}, key)
            for number, key in zip(numbers, keys, strict=True)
        ]
        self.runs.broker.publish(TOPIC, drafts)
        self.model.keys += keys
        micros = int(self.runs.clock() * 1e6)
        told = micros // 1_000_000 + micros % 1_000_000 * 1000 / 1e9  # as a Timestamp tells it
        self.model.times += [told] * len(keys)
        self.runs.clock.advance(0.001)

    @rule(limit=st.integers(1, 5))
    def pull(self, limit: int) -> None:
        self._pull(limit)

    def _pull(self, limit: int) -> list[int]:
        now, model = self.runs.clock(), self.model
        entries = self.runs.broker.subscription(SUBSCRIPTION).lease(now, limit, 1 << 20)
        self._use()
        numbers = [int(read(entry).data) for entry in entries]
        assert all(model.may_come(number) for number in numbers)
        assert bool(numbers) == any(model.may_come(each) for each in range(len(model.keys)))
        for key in {"a", "b"} if model.ordered else ():
            due = [each for each in sorted(model.unacked()) if model.keys[each] == key]
            came = [each for each in numbers if model.keys[each] == key]
            assert came == due[: len(came)]
        for entry, number in zip(entries, numbers, strict=True):
            model.lent[entry.ack_id] = (number, now + DEADLINE)
            self.given.append((entry.ack_id, number))
        return numbers

    @precondition(lambda self: self.given)
    @rule(which=st.integers(0, 99))
    def ack(self, which: int) -> None:
        ack_id, number = self.given[which % len(self.given)]
        lent = ack_id in self.model.lent
        accepted = not self.model.exactly_once or (lent and self.model.in_order(number))
        try:
            self.runs.broker.acknowledge(SUBSCRIPTION, [ack_id])
        except AckIdsFailed:
            assert not accepted
        else:
            assert accepted
            self._use()
            if number in self.model.unacked():
                self.model.ack(ack_id, number)

    @precondition(lambda self: self.model.lent)
    @rule(which=st.integers(0, 99), seconds=st.sampled_from([0, 15]))
    def modify_ack_deadline(self, which: int, seconds: int) -> None:
        ack_id = sorted(self.model.lent)[which % len(self.model.lent)]
        self.runs.broker.modify_ack_deadline(SUBSCRIPTION, [ack_id], seconds)
        self._use()
        if seconds:
            number, _ = self.model.lent[ack_id]
            self.model.lent[ack_id] = (number, self.runs.clock() + seconds)
        else:
            self.model.fail(ack_id)

    @rule(seconds=st.sampled_from([1, 9, 10, 16, 300, 600, DAY, 7 * DAY]))
    def pass_time(self, seconds: int) -> None:
        self.runs.clock.advance(seconds)
        self._tick()

    def _tick(self) -> None:
        self.runs.broker.tick()
        now, broker = self.runs.clock(), self.runs.broker
        self.model.pass_time(now)
        assert broker.snapshots.by_name.keys() == self.model.snapshots.keys()
        assert (SUBSCRIPTION in broker.subscriptions) == (now < self.model.used + DAY)
        if SUBSCRIPTION not in broker.subscriptions:
            self.model.expire()
            self._subscribe()

    @precondition(lambda self: self.model.keys)
    @rule(which=st.integers(0, 99), ahead=st.booleans())
    def seek_to_a_time(self, which: int, ahead: bool) -> None:
        broker, times, now = self.runs.broker, self.model.times, self.runs.clock()
        time = now + 1 if ahead else times[which % len(times)]
        broker.seeking.to_time(broker.subscription(SUBSCRIPTION), time)
        self._use()
        self.model.seek(self.model.since(time, now))

    @rule()
    def snapshot(self) -> None:
        name, model = SNAPSHOT.format(self.snapshots_made), self.model
        self.snapshots_made += 1
        self.runs.broker.create_snapshot(name, SUBSCRIPTION, {})
        unacked = model.unacked()
        oldest = model.times[min(unacked)] if unacked else self.runs.clock()
        model.snapshots[name] = (len(model.keys), unacked, oldest + LONGEST_LIFE)

    @precondition(lambda self: self.model.snapshots)
    @rule(which=st.integers(0, 99), seconds=st.sampled_from([1, 600, 2 * DAY]))
    def let_a_snapshot_expire_soon(self, which: int, seconds: int) -> None:
        name, until = self._snapshot(which), self.runs.clock() + seconds
        self.runs.broker.snapshots.update(SnapshotConfig(name, TOPIC, {}, until, ""))
        made_at, unacked, _ = self.model.snapshots[name]
        self.model.snapshots[name] = (made_at, unacked, until)

    def _snapshot(self, which: int) -> str:
        return sorted(self.model.snapshots)[which % len(self.model.snapshots)]

    @precondition(lambda self: self.model.snapshots)
    @rule(which=st.integers(0, 99))
    def seek_to_a_snapshot(self, which: int) -> None:
        name, broker = self._snapshot(which), self.runs.broker
        broker.seeking.to_snapshot(broker.subscription(SUBSCRIPTION), broker.snapshots.get(name))
        self._use()
        made_at, unacked, _ = self.model.snapshots[name]
        self.model.seek(unacked | set(range(made_at, len(self.model.keys))))

    @rule(compact=st.booleans())
    def crash(self, compact: bool) -> None:
        self.runs.again(compact)
        self.model.crash()
        self._use()  # unused time counts from a start
        self._tick()

    @invariant()
    def it_holds_what_the_model_holds(self) -> None:
        if hasattr(self, "model"):
            assert {int(each) for each in self.runs.held()} == self.model.unacked()

    def teardown(self) -> None:
        """Nothing is stuck: all that is unacked comes, once its leases are over."""
        if not hasattr(self, "model"):
            return
        self.pass_time(30)
        while self._pull(5):
            for ack_id, (number, _) in sorted(self.model.lent.items(), key=lambda lent: lent[1]):
                self.runs.broker.acknowledge(SUBSCRIPTION, [ack_id])
                self.model.ack(ack_id, number)
        assert not self.model.unacked()
        self.it_holds_what_the_model_holds()
        self.runs.journal.close()
        self.folder.cleanup()


TestModel = Machine.TestCase
TestModel.settings = settings(
    max_examples=max(settings().max_examples // 5, 10), stateful_step_count=30
)
