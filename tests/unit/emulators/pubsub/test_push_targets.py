"""Where a subscription may push."""

from __future__ import annotations

import pytest

from localgcp.pubsub.domain.config import PushConfig
from localgcp.pubsub.domain.push_targets import PushTargets
from localgcp.pubsub.wire import overview
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, Bench

HERE = ["http://127.0.0.1:8081/x", "https://localhost/", "http://a.localhost:1", "http://[::1]:2/"]
ELSEWHERE = [
    *("http://169.254.169.254/computeMetadata/v1/", "https://example.com/push", "http://10.0.0.1"),
    *("http://localhost.evil.test/", "http://127.0.0.1@evil.test/", "http://0.0.0.0:1/"),
    *("http://table-manager:8081/", "http://evil.test#@localhost/", "http://2130706433/"),
]


@pytest.mark.parametrize("endpoint", ["", *HERE])
def test_this_machine_is_pushed_to(endpoint: str) -> None:
    assert PushTargets().why_not(endpoint) == ""


@pytest.mark.parametrize("endpoint", ELSEWHERE)
def test_another_is_not_and_endpoint_and_setting_are_named(endpoint: str) -> None:
    refused = PushTargets().why_not(endpoint)
    assert refused.startswith("not supported by the emulator: ")
    for each in (endpoint, "--allow-push", "ALLOW_PUSH"):
        assert each in refused
    assert PushTargets(["*"]).why_not(endpoint) == ""


def test_an_allowed_name_is_pushed_to_and_no_other() -> None:
    targets = PushTargets(["table-manager"])
    assert not targets.why_not("http://Table-Manager:8081/x")
    assert "ALLOW_PUSH=generator" in targets.why_not("http://generator:8080/")


def test_the_address_is_what_counts_when_it_connects() -> None:
    targets = PushTargets(["table-manager"])
    assert targets.reaches("localhost", "127.0.0.1")
    assert targets.reaches("localhost", "::1")
    assert not targets.reaches("localhost", "192.0.2.1")
    assert targets.reaches("table-manager", "172.18.0.4")
    # A subscription of an earlier run, say, made while its name was allowed.
    assert not targets.reaches("evil.test", "127.0.0.1")


def test_an_endpoint_elsewhere_is_kept_as_data_and_told(bench: Bench) -> None:
    elsewhere = "https://test-project.appspot.com/push"
    bench.subscribe(push_config={"push_endpoint": elsewhere})
    assert bench.broker.subscription(SUBSCRIPTION).config.push_endpoint == elsewhere
    [row] = overview.subscriptions(bench.broker)["subscriptions"]
    assert row["push_endpoint"] == elsewhere
    assert "ALLOW_PUSH=test-project.appspot.com" in row["push_refused"]
    bench.broker.modify_push_config(SUBSCRIPTION, PushConfig(push_endpoint=HERE[0]))
    [row] = overview.subscriptions(bench.broker)["subscriptions"]
    assert row["push_refused"] == ""
