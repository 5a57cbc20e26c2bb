"""What a retry policy's settings amount to, to the nanosecond and to the bound."""

from __future__ import annotations

import pytest

from localgcp.pubsub.domain import retry_policy
from localgcp.pubsub.domain.config import (
    Duration,
    PushConfig,
    RetryPolicy,
    SubscriptionConfig,
)
from localgcp.pubsub.errors import InvalidArgument
from tests.unit.emulators.pubsub.bench import Bench


def test_fractions_of_a_second_count() -> None:
    policy = RetryPolicy(minimum_backoff=Duration(1, 500_000_000))
    config = SubscriptionConfig(retry_policy=policy)
    assert retry_policy.of(config) == retry_policy.Backoff(1.5, 600.0)


@pytest.mark.parametrize(("low", "high"), [(0, 0), (0, 600), (600, 600), (10, 10)])
def test_the_bounds_themselves_are_good(bench: Bench, low: int, high: int) -> None:
    policy = {"minimum_backoff": {"seconds": low}, "maximum_backoff": {"seconds": high}}
    kept = bench.subscribe(retry_policy=policy).config.retry_policy
    assert kept == RetryPolicy(Duration(low), Duration(high))


def test_a_bad_one_is_told_with_its_values(bench: Bench) -> None:
    policy = {"minimum_backoff": {"seconds": 20}, "maximum_backoff": {"seconds": 10}}
    with pytest.raises(InvalidArgument, match="minimum_backoff=20s, maximum_backoff=10s"):
        bench.subscribe(retry_policy=policy)


def test_a_push_subscription_backs_off_by_itself() -> None:
    config = SubscriptionConfig(push_config=PushConfig(push_endpoint="http://127.0.0.1:9/"))
    assert retry_policy.of(config) == retry_policy.PUSH_BACKOFF
    assert retry_policy.of(SubscriptionConfig()) == retry_policy.AT_ONCE
