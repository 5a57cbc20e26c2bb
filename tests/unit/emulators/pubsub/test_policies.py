"""IAM policies: kept as data, with etags that tell of another's change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from localgcp.pubsub.domain.policies import Policies, check_permissions
from localgcp.pubsub.domain.policy import NO_POLICY, Binding, Condition, Policy
from localgcp.pubsub.errors import Conflict, InvalidArgument
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC, Bench
from tests.unit.emulators.pubsub.runs import Runs

VIEWER = Binding("roles/pubsub.viewer", ("allUsers", "user:a@example.com"))
AT_NIGHT = Binding("roles/pubsub.editor", ("group:g@example.com",), Condition("now", "night"))


@pytest.fixture
def policies(bench: Bench) -> Policies:
    return bench.broker.policies


def test_a_policy_comes_back_as_it_was_set_with_an_etag(policies: Policies) -> None:
    assert policies.get(TOPIC) == NO_POLICY
    first = policies.set(TOPIC, Policy((VIEWER,), etag=NO_POLICY.etag))
    assert policies.get(TOPIC) == first
    assert (first.bindings, first.version) == ((VIEWER,), 1)
    second = policies.set(TOPIC, Policy((VIEWER, AT_NIGHT), 3, first.etag))
    assert second.etag > first.etag
    with pytest.raises(Conflict, match=r"concurrent policy changes.*orders"):
        policies.set(TOPIC, replace(first, bindings=()))
    assert policies.set(TOPIC, Policy()).bindings == ()  # without an etag: whatever it was


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (Policy(version=2), "version: 2"),
        (Policy((AT_NIGHT,), 1), "has the version 3"),
        (Policy((Binding("viewer"),)), "'viewer'"),
        (Policy((Binding("roles/viewer", ("somebody",)),)), "'somebody'"),
        (Policy((Binding("roles/viewer", ("user:",)),)), "'user:'"),
    ],
)
def test_what_is_no_policy(policies: Policies, policy: Policy, why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        policies.set(TOPIC, policy)
    assert policies.get(TOPIC) == NO_POLICY


def test_what_is_no_permission() -> None:
    check_permissions(["pubsub.topics.publish"])
    for wrong in ("pubsub.topics.*", "publish"):
        with pytest.raises(InvalidArgument, match="is not valid"):
            check_permissions([wrong])


@pytest.mark.parametrize("compact", [False, True])
def test_a_policy_outlives_a_restart_but_not_its_resource(tmp_path: Path, compact: bool) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    kept = runs.broker.policies.set(TOPIC, Policy((VIEWER, AT_NIGHT), 3))
    runs.broker.policies.set(SUBSCRIPTION, Policy((VIEWER,)))
    runs.broker.delete_subscription(SUBSCRIPTION)
    restarted = runs.again(compact)
    assert restarted.policies.by_resource == {TOPIC: kept}
    restarted.delete_topic(TOPIC)
    assert restarted.policies.get(TOPIC) == NO_POLICY
