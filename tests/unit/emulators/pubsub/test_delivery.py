"""Leases, deadlines, redelivery and retention, with a clock turned by hand."""

from __future__ import annotations

import pytest

from localgcp.pubsub.errors import InvalidArgument, NotFound
from localgcp.pubsub.wire import protos
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC, Bench, call, read


def test_a_leased_message_is_not_given_twice(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish("a")
    assert list(bench.pull(subscription)) == ["a"]
    assert bench.pull(subscription) == {}


def test_every_subscription_gets_every_message(bench: Bench) -> None:
    first, second = bench.subscribe(), bench.subscribe(name=SUBSCRIPTION + "-2")
    bench.publish("a")
    assert list(bench.pull(first)) == list(bench.pull(second)) == ["a"]


def test_an_acked_message_never_comes_back(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish("a")
    bench.ack(subscription, *bench.pull(subscription).values())
    bench.pass_time(10_000)
    assert bench.pull(subscription) == {}
    assert subscription.counters.acked == 1


def test_a_passed_deadline_redelivers(bench: Bench) -> None:
    subscription = bench.subscribe(ack_deadline_seconds=20)
    bench.publish("a")
    first = bench.pull(subscription)["a"]
    bench.pass_time(19.9)
    assert bench.pull(subscription) == {}
    bench.pass_time(0.1)
    second = bench.pull(subscription)["a"]
    assert second != first
    assert subscription.counters.redelivered == 1


def test_an_extended_deadline_counts_from_the_extension(bench: Bench) -> None:
    subscription = bench.subscribe(ack_deadline_seconds=10)
    bench.publish("a")
    ack_id = bench.pull(subscription)["a"]
    bench.pass_time(9)
    bench.broker.modify_ack_deadline(subscription.name, [ack_id], 30)
    bench.pass_time(29)
    assert bench.pull(subscription) == {}
    bench.pass_time(1)
    assert "a" in bench.pull(subscription)


def test_a_deadline_can_be_brought_forward(bench: Bench) -> None:
    subscription = bench.subscribe(ack_deadline_seconds=600)
    bench.publish("a")
    bench.broker.modify_ack_deadline(subscription.name, [bench.pull(subscription)["a"]], 5)
    bench.pass_time(5)
    assert "a" in bench.pull(subscription)


def test_a_nack_redelivers_at_once_and_after_what_waits(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish("a", "b")
    bench.nack(subscription, bench.pull(subscription, limit=1)["a"])
    assert list(bench.pull(subscription)) == ["b", "a"]


def test_a_stale_nack_leaves_the_newer_lease_alone(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish("a")
    stale = bench.pull(subscription)["a"]
    bench.pass_time(10)
    bench.pull(subscription)
    bench.nack(subscription, stale)
    assert bench.pull(subscription) == {}


def test_a_late_ack_still_counts(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish("a")
    late = bench.pull(subscription)["a"]
    bench.pass_time(10)
    bench.ack(subscription, late)
    assert bench.pull(subscription) == {}
    assert not subscription.unacked


def test_an_ack_id_of_another_subscription_is_refused(bench: Bench) -> None:
    mine, other = bench.subscribe(), bench.subscribe(name=SUBSCRIPTION + "-2")
    bench.publish("a")
    foreign = bench.pull(other)["a"]
    with pytest.raises(InvalidArgument, match=foreign):
        bench.ack(mine, foreign)
    assert len(mine.unacked) == 1


def test_one_bad_ack_id_acks_nothing(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish("a")
    good = bench.pull(subscription)["a"]
    with pytest.raises(InvalidArgument, match="nonsense"):
        bench.ack(subscription, good, "nonsense")
    assert len(subscription.unacked) == 1


@pytest.mark.parametrize("seconds", [-1, 601])
def test_a_deadline_out_of_range_is_refused(bench: Bench, seconds: int) -> None:
    bench.subscribe()
    with pytest.raises(InvalidArgument, match=str(seconds)):
        bench.broker.modify_ack_deadline(SUBSCRIPTION, [], seconds)


def test_backoff_doubles_up_to_its_maximum(bench: Bench) -> None:
    policy = {"minimum_backoff": {"seconds": 10}, "maximum_backoff": {"seconds": 40}}
    subscription = bench.subscribe(retry_policy=policy)
    bench.publish("a")
    for rest in (10, 20, 40, 40):
        bench.nack(subscription, bench.pull(subscription)["a"])
        bench.pass_time(rest - 0.1)
        assert bench.pull(subscription) == {}
        bench.pass_time(0.1)
    assert "a" in bench.pull(subscription)


def test_an_ack_ends_a_rest(bench: Bench) -> None:
    policy = {"minimum_backoff": {"seconds": 10}}
    subscription = bench.subscribe(retry_policy=policy)
    bench.publish("a")
    ack_id = bench.pull(subscription)["a"]
    bench.nack(subscription, ack_id)
    bench.ack(subscription, ack_id)
    bench.pass_time(600)
    assert bench.pull(subscription) == {}


def test_retention_drops_what_is_too_old_even_while_leased(bench: Bench) -> None:
    subscription = bench.subscribe(message_retention_duration={"seconds": 600})
    bench.publish("old")
    bench.pass_time(300)
    bench.publish("new")
    bench.pull(subscription, limit=1)
    bench.pass_time(300)
    assert list(bench.pull(subscription)) == ["new"]
    assert subscription.counters.expired == 1
    bench.pass_time(300)
    assert not subscription.unacked


def test_a_shorter_retention_holds_for_what_is_there(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish("a")
    bench.pass_time(3600)
    update = protos.UpdateSubscriptionRequest()
    update.subscription.name = SUBSCRIPTION
    update.subscription.message_retention_duration.FromSeconds(600)
    update.update_mask.paths.append("message_retention_duration")
    call(bench.broker, "UpdateSubscription", update)
    bench.pass_time(0)
    assert not subscription.unacked


def test_limits_of_a_lease_hold_but_one_large_message_goes_out(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish("x" * 900, "y" * 900, "z")
    first = subscription.lease(bench.clock(), 10, 500)
    assert [read(entry).data[:1] for entry in first] == [b"x"]
    assert len(subscription.lease(bench.clock(), 10, 1500)) == 2


def test_who_waits_longest_is_woken_once(bench: Bench) -> None:
    subscription, woken = bench.subscribe(), list[str]()
    subscription.waiters.add(lambda: woken.append("first"))
    subscription.waiters.add(lambda: woken.append("second"))
    bench.publish("a")
    assert woken == ["first"]
    bench.publish("b")
    assert woken == ["first", "second"]


def test_who_waits_is_woken_when_a_deadline_passes(bench: Bench) -> None:
    subscription, woken = bench.subscribe(), list[str]()
    bench.publish("a")
    bench.pull(subscription)
    subscription.waiters.add(lambda: woken.append("me"))
    assert woken == []
    bench.pass_time(10)
    assert woken == ["me"]


def test_a_deleted_subscription_wakes_who_waits_and_says_so(bench: Bench) -> None:
    subscription, woken = bench.subscribe(), list[str]()
    subscription.waiters.add(lambda: woken.append("me"))
    bench.broker.delete_subscription(SUBSCRIPTION)
    assert woken == ["me"]
    with pytest.raises(NotFound, match="orders-sub"):
        subscription.check_open()


def test_the_alarm_is_set_for_the_earliest_deadline_only(bench: Bench) -> None:
    alarms: list[float] = []
    bench.broker.on_due = lambda due: alarms.append(due - bench.clock())
    subscription = bench.subscribe(ack_deadline_seconds=30)
    bench.publish("a", "b")
    assert alarms == [pytest.approx(days * 24 * 3600) for days in (31, 7)]  # its own end, theirs
    bench.pull(subscription, limit=1)
    bench.clock.advance(1)
    bench.pull(subscription, limit=1)
    assert alarms[2:] == [30]


def test_acked_leases_leave_nothing_behind(bench: Bench) -> None:
    subscription = bench.subscribe(ack_deadline_seconds=600)
    for _ in range(50):
        bench.publish(*(str(number) for number in range(100)))
        bench.ack(subscription, *bench.pull(subscription).values())
    assert len(subscription.outstanding) == 0
    assert len(subscription.outstanding._deadlines._heap) <= 64 + 200


def test_the_timetable_does_not_grow_as_deadlines_pass(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish("a")
    for _ in range(500):
        assert bench.pull(subscription)
        bench.pass_time(10)
    assert len(bench.broker.timetable._agenda._heap) <= 2 + 64


def test_a_filter_holds_messages_back(bench: Bench) -> None:
    subscription = bench.subscribe(filter='attributes.event_type = "order"')
    bench.publish("yes", event_type="order")
    bench.publish("no", event_type="inventory")
    assert list(bench.pull(subscription)) == ["yes"]
    assert len(subscription.unacked) == 1


def test_nothing_from_before_it_was_made(bench: Bench) -> None:
    bench.publish("early")
    assert bench.pull(bench.subscribe()) == {}
    assert bench.broker.topics[TOPIC].published == 1
