"""One subscription alone: what it counts and tells, and what it does when its disk is full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from localgcp.pubsub.domain import subscription_config
from localgcp.pubsub.domain.config import (
    DeadLetterPolicy,
    Duration,
    ExpirationPolicy,
    PushConfig,
    SubscriptionConfig,
)
from localgcp.pubsub.domain.hooks import Hooks
from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.errors import NotFound, StorageFailed, WrongState

NAME = "projects/test-project/subscriptions/orders"
MANY = 1_000


class Told:
    """A broker that writes down what it is told, and whose disk may be full."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.full = False
        self.gives_up = True

    def hooks(self) -> Hooks:
        return Hooks(
            next_serial=count(1).__next__,
            due_changed=lambda subscription: None,
            give_up=self._give_up,
            delivered=lambda *told: self.calls.append(("delivered", *told)),
            lent=lambda subscription, batch: batch,
            keep_lent=self._keep_lent,
            keep_acked=self._keep_acked,
            keep_returned=lambda *told: self.calls.append(("returned", *told)),
        )

    def _give_up(self, subscription: Subscription, entry: Entry, now: float) -> bool:
        self.calls.append(("give up", entry.message.id, now))
        return self.gives_up

    def _keep_lent(self, name: str, leases: Sequence[tuple[int, int]], until: float) -> None:
        if self.full:
            raise StorageFailed("lease", "the disk is full")
        self.calls.append(("lent", name, list(leases), until))

    def _keep_acked(self, name: str, ids: Sequence[int]) -> None:
        if self.full:
            raise StorageFailed("ack", "the disk is full")
        self.calls.append(("acked", name, list(ids)))

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == kind]


@pytest.fixture
def told() -> Told:
    return Told()


def make(told: Told, **settings: Any) -> Subscription:
    config = SubscriptionConfig(name=NAME, topic="projects/test-project/topics/orders", **settings)
    return Subscription(subscription_config.complete(config), told.hooks())


def messages(*numbers: int, key: str = "", published: float = 0.0) -> list[Message]:
    return [Message(number, b"x", published, key) for number in numbers]


def lease(subscription: Subscription, now: float = 100.0, limit: int = MANY) -> list[Entry]:
    return subscription.lease(now, limit, MANY)


def ack_ids(entries: Sequence[Entry]) -> list[str]:
    return [entry.ack_id for entry in entries]


def test_deliveries_and_acks_add_up(told: Told) -> None:
    subscription = make(told)
    subscription.offer(messages(1, 2, 3))
    first = lease(subscription, limit=2)
    subscription.modify_ack_deadline(ack_ids(first), 0, 100.0)
    again = lease(subscription, now=101.0)
    assert subscription.counters.delivered == 5
    assert subscription.counters.redelivered == 2
    assert subscription.ack(ack_ids(again[:1])) == [3]
    assert subscription.ack(ack_ids(again[1:])) == [1, 2]
    assert subscription.counters.acked == 3
    assert told.of("delivered") == [(NAME, [1, 2], 100.0), (NAME, [3, 1, 2], 101.0)]


def test_an_ack_id_that_is_settled_stops_none_behind_it(told: Told) -> None:
    subscription = make(told)
    subscription.offer(messages(1, 2))
    one, two = ack_ids(lease(subscription))
    subscription.ack([one])
    assert subscription.ack([one, two]) == [2]


def test_a_lease_that_ended_stops_none_behind_it(told: Told) -> None:
    subscription = make(told)
    subscription.offer(messages(1, 2))
    one, two = ack_ids(lease(subscription))
    subscription.modify_ack_deadline([one], 0, 100.0)
    subscription.modify_ack_deadline([one, two], 0, 100.0)
    assert [entry.failures for entry in lease(subscription)] == [1, 1]


def test_messages_that_never_left_come_back_unharmed(told: Told) -> None:
    subscription = make(told, enable_exactly_once_delivery=True)
    subscription.offer(messages(1, 2, 3))
    batch = lease(subscription, limit=2)
    ids = ack_ids(batch)
    woken: list[bool] = []
    lease(subscription)
    subscription.waiters.add(lambda: woken.append(True))
    subscription.ack(ids[:1])
    subscription.take_back(batch)
    assert woken == [True]
    assert told.of("returned") == [(NAME, (), [2])]
    assert subscription.not_lent(ids) == ids
    [again] = lease(subscription)
    assert (again.message.id, again.failures) == (2, 0)


def test_what_cannot_be_kept_is_not_lent(told: Told) -> None:
    subscription = make(told, enable_exactly_once_delivery=True)
    subscription.offer(messages(1, 2))
    told.full = True
    with pytest.raises(StorageFailed):
        lease(subscription)
    assert subscription.counters.delivered == 0
    told.full = False
    assert [entry.message.id for entry in lease(subscription)] == [1, 2]


def test_leases_are_kept_for_exactly_once_alone(told: Told) -> None:
    plain = make(told)
    plain.offer(messages(1))
    plain.modify_ack_deadline(ack_ids(lease(plain)), 30, 100.0)
    assert told.of("lent") == []


def test_an_extension_is_kept_and_a_nack_is_not(told: Told) -> None:
    subscription = make(told, enable_exactly_once_delivery=True)
    subscription.offer(messages(1, 2))
    one, two = ack_ids(lease(subscription))
    assert told.of("lent") == [(NAME, [(1, 1), (2, 2)], 110.0)]
    subscription.modify_ack_deadline([two], 0, 104.0)
    subscription.modify_ack_deadline([one, two], 30, 105.0)
    assert told.of("lent")[1:] == [(NAME, [(1, 1)], 135.0)]
    assert told.of("returned") == [(NAME, (2,), [])]


def test_an_early_ack_is_kept_once_it_drops_its_message(told: Told) -> None:
    subscription = make(told, enable_message_ordering=True)
    subscription.offer(messages(1, 2, key="k"))
    one, two = ack_ids(lease(subscription))
    assert subscription.ack([two]) == []
    assert subscription.ack([one]) == [1, 2]
    assert told.of("acked") == [(NAME, []), (NAME, [1, 2])]


@pytest.mark.parametrize("ordered", [False, True])
def test_an_ack_that_is_not_kept_has_not_happened(told: Told, ordered: bool) -> None:
    subscription = make(told, enable_message_ordering=ordered)
    subscription.offer(messages(1, 2, 3, key="k"))
    one, two, three = ack_ids(lease(subscription))
    told.full = True
    with pytest.raises(StorageFailed):
        subscription.ack([one, three])
    assert subscription.not_lent([one, two, three]) == []
    assert subscription.counters.acked == 0
    told.full = False
    assert subscription.ack([two, one]) == ([1, 2] if ordered else [2, 1])
    subscription.tick(1000.0)
    assert [entry.message.id for entry in lease(subscription, now=1000.0)] == [3]


def test_a_failure_is_told_where_attempts_are_counted(told: Told) -> None:
    for settings in ({}, {"enable_message_ordering": True}):
        plain = make(told, **settings)
        plain.offer(messages(1, 2, key="k"))
        plain.modify_ack_deadline(ack_ids(lease(plain)), 0, 100.0)
    assert told.of("returned") == []
    counted = make(
        told, dead_letter_policy=DeadLetterPolicy("projects/test-project/topics/dead", 5)
    )
    counted.offer(messages(1))
    counted.modify_ack_deadline(ack_ids(lease(counted)), 0, 100.0)
    assert told.of("returned") == [(NAME, (1,), [])]


def test_attempts_that_are_used_up_make_dead_letters(told: Told) -> None:
    subscription = make(
        told, dead_letter_policy=DeadLetterPolicy("projects/test-project/topics/dead", 5)
    )
    subscription.offer(messages(1, 2))
    for attempt in range(5):
        batch = lease(subscription, now=100.0 + attempt)
        assert [subscription.delivery_attempt(entry) for entry in batch] == [attempt + 1] * 2
        subscription.modify_ack_deadline(ack_ids(batch), 0, 100.5 + attempt)
    assert told.of("give up") == [(1, 104.5), (2, 104.5)]
    assert subscription.counters.dead_lettered == 2
    assert lease(subscription) == []


def test_a_deadline_that_passes_counts_with_its_time(told: Told) -> None:
    subscription = make(
        told, dead_letter_policy=DeadLetterPolicy("projects/test-project/topics/dead", 5)
    )
    told.gives_up = False
    subscription.offer(messages(1))
    for attempt in range(5):
        lease(subscription, now=100.0 * attempt)
        subscription.tick(100.0 * attempt + 10)
    assert told.of("give up") == [(1, 410.0)]
    assert len(lease(subscription, now=500.0)) == 1, "what could not be given up comes again"


def test_what_expires_lets_what_follows_it_come_again(told: Told) -> None:
    subscription = make(
        told,
        enable_message_ordering=True,
        enable_exactly_once_delivery=True,
        message_retention_duration=Duration(600),
    )
    subscription.offer(messages(1, key="k"))
    subscription.offer(messages(2, key="k", published=500.0))
    subscription.lease(100.0, MANY, MANY, ack_deadline=600)
    assert subscription.tick(600.0) == [1]
    assert told.of("returned") == [(NAME, (), [2])]
    assert [entry.message.id for entry in lease(subscription, now=600.0)] == [2]
    assert subscription.tick(1_100.0) == [2]
    assert subscription.counters.expired == 2


def test_who_may_not_pull_is_told_why(told: Told) -> None:
    subscription = make(told)
    subscription.check_pullable()
    subscription.configure(replace(subscription.config, detached=True))
    with pytest.raises(WrongState, match=r"Subscription is detached \(resource=orders\)"):
        subscription.check_open()
    subscription.close()
    with pytest.raises(NotFound, match="orders"):
        subscription.check_pullable()
    pushed = make(told, push_config=PushConfig(push_endpoint="http://127.0.0.1:9/"))
    with pytest.raises(WrongState, match=r"are pushed or exported, .* \(resource=orders\)"):
        pushed.check_pullable()


def test_attempts_are_told_where_they_are_counted_alone(told: Told) -> None:
    plain = make(told)
    plain.offer(messages(1))
    [entry] = lease(plain)
    assert plain.delivery_attempt(entry) == 0


class Holder:
    def __init__(self) -> None:
        self.released: list[int] = []

    def release(self, entry: Entry) -> None:
        self.released.append(entry.message.id)


def test_who_holds_a_message_is_told_when_its_lease_ends(told: Told) -> None:
    subscription = make(told)
    subscription.offer(messages(1, 2))
    holder = Holder()
    one, two = ack_ids(subscription.lease(100.0, MANY, MANY, holder=holder))
    subscription.ack([one])
    subscription.modify_ack_deadline([two], 0, 101.0)
    assert holder.released == [1, 2]


def test_a_pull_keeps_it_from_expiring(told: Told) -> None:
    subscription = make(told, expiration_policy=ExpirationPolicy(Duration(86_400)))
    subscription.lease(100.0, MANY, MANY)
    assert subscription.next_due() == 86_500.0
    subscription.lease(200.0, MANY, MANY)
    assert subscription.expiry.due() == 86_600.0
