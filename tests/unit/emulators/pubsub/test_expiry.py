"""A subscription that nobody uses is deleted after its time to live."""

from __future__ import annotations

from pathlib import Path

from localgcp.pubsub.domain.config import Duration, ExpirationPolicy
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, Bench
from tests.unit.emulators.pubsub.runs import Runs

DAY = 86400


def test_it_is_deleted_a_day_after_its_last_use(bench: Bench) -> None:
    subscription = bench.subscribe(expiration_policy={"ttl": {"seconds": DAY}})
    told: list[str] = []
    bench.broker.on_change = lambda changed: told.append(changed.name)
    bench.pass_time(DAY - 1)
    bench.pull(subscription)
    bench.pass_time(DAY - 1)
    assert SUBSCRIPTION in bench.broker.subscriptions
    bench.publish("nobody reads it")  # is no use of the subscription
    bench.pass_time(1)
    assert SUBSCRIPTION not in bench.broker.subscriptions
    assert (told, subscription.closed) == ([SUBSCRIPTION], True)


def test_who_waits_uses_it(bench: Bench) -> None:
    subscription = bench.subscribe(expiration_policy={"ttl": {"seconds": DAY}})
    subscription.waiters.add(lambda: None)
    bench.pass_time(10 * DAY)
    assert subscription.expiry.due() == bench.clock() + DAY


def test_without_a_policy_after_31_days_and_with_an_empty_one_never(bench: Bench) -> None:
    subscription = bench.subscribe()
    assert subscription.config.expiration_policy == ExpirationPolicy(Duration(31 * DAY))
    forever = bench.subscribe(SUBSCRIPTION + "-2", expiration_policy={})
    bench.pass_time(31 * DAY)
    assert list(bench.broker.subscriptions) == [forever.name]
    bench.pass_time(10_000 * DAY)
    assert list(bench.broker.subscriptions) == [forever.name]


def test_it_is_gone_after_a_restart_and_a_start_is_a_use(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    runs.clock.advance(30 * DAY)
    assert SUBSCRIPTION in runs.again().subscriptions
    runs.clock.advance(30 * DAY)
    runs.broker.tick()
    assert SUBSCRIPTION in runs.broker.subscriptions
    runs.clock.advance(DAY)
    runs.broker.tick()
    assert SUBSCRIPTION not in runs.again().subscriptions
