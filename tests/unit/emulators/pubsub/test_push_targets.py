"""Where a subscription may push."""

from __future__ import annotations

import pytest

from localgcp.pubsub.domain.push_targets import PushTargets
from localgcp.pubsub.errors import InvalidArgument
from localgcp.pubsub.wire import protos
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, Bench

HERE = ["http://127.0.0.1:8081/x", "https://localhost/", "http://a.localhost:1", "http://[::1]:2/"]
ELSEWHERE = [
    *("http://169.254.169.254/computeMetadata/v1/", "https://example.com/push", "http://10.0.0.1"),
    *("http://localhost.evil.test/", "http://127.0.0.1@evil.test/", "http://0.0.0.0:1/"),
    *("http://table-manager:8081/", "http://evil.test#@localhost/", "http://2130706433/"),
]


@pytest.mark.parametrize("endpoint", ["", *HERE])
def test_this_machine_is_pushed_to(endpoint: str) -> None:
    PushTargets().check(endpoint)


@pytest.mark.parametrize("endpoint", ELSEWHERE)
def test_another_is_not_and_endpoint_and_setting_are_named(endpoint: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        PushTargets().check(endpoint)
    assert f"endpoint={endpoint}" in str(refused.value)
    assert "--allow-push" in str(refused.value)
    assert "ALLOW_PUSH" in str(refused.value)
    PushTargets(["*"]).check(endpoint)


def test_an_allowed_name_is_pushed_to_and_no_other() -> None:
    targets = PushTargets(["table-manager"])
    targets.check("http://Table-Manager:8081/x")
    with pytest.raises(InvalidArgument):
        targets.check("http://generator:8080/")


def test_the_address_is_what_counts_when_it_connects() -> None:
    targets = PushTargets(["table-manager"])
    assert targets.reaches("localhost", "127.0.0.1")
    assert targets.reaches("localhost", "::1")
    assert not targets.reaches("localhost", "192.0.2.1")
    assert targets.reaches("table-manager", "172.18.0.4")
    # A subscription of an earlier run, say, made while its name was allowed.
    assert not targets.reaches("evil.test", "127.0.0.1")


def test_every_way_to_set_an_endpoint_asks(bench: Bench) -> None:
    elsewhere = protos.Subscription(push_config={"push_endpoint": "http://192.0.2.1/"})
    with pytest.raises(InvalidArgument, match=r"192\.0\.2\.1"):
        bench.subscribe(push_config={"push_endpoint": "http://192.0.2.1/"})
    assert not bench.broker.subscriptions
    bench.subscribe()
    with pytest.raises(InvalidArgument, match=r"192\.0\.2\.1"):
        bench.broker.modify_push_config(SUBSCRIPTION, elsewhere.push_config)
    request = protos.UpdateSubscriptionRequest(
        subscription={"name": SUBSCRIPTION, "push_config": {"push_endpoint": "http://192.0.2.1/"}},
        update_mask={"paths": ["push_config"]},
    )
    with pytest.raises(InvalidArgument, match=r"192\.0\.2\.1"):
        bench.broker.update_subscription(request.subscription, request.update_mask)
    assert not bench.broker.subscription(SUBSCRIPTION).push_endpoint
