"""A detached subscription has lost its backlog, gets no more, and stays so."""

from __future__ import annotations

from pathlib import Path

import pytest

from localgcp.pubsub.domain.config import PushConfig
from localgcp.pubsub.errors import WrongState
from localgcp.pubsub.wire import protos
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC, Bench, call
from tests.unit.emulators.pubsub.runs import Runs


def test_it_loses_all_it_held_and_gets_no_more(bench: Bench) -> None:
    subscription = bench.subscribe(retry_policy={"minimum_backoff": {"seconds": 60}})
    bench.publish("lent", "resting", "ready")
    lent, resting = bench.pull(subscription, limit=2).values()
    bench.nack(subscription, resting)
    woken: list[str] = []
    subscription.waiters.add(lambda: woken.append("told"))
    bench.broker.detach_subscription(SUBSCRIPTION)
    assert woken == ["told"]
    assert (len(subscription.unacked), len(subscription.outstanding)) == (0, 0)
    assert subscription.next_due() in (subscription.expiry.due(), bench.clock() + 60)
    bench.publish("after")
    bench.pass_time(60)
    assert bench.pull(subscription) == {}
    bench.ack(subscription, lent)  # comes to nothing
    assert subscription.counters.acked == 0
    with pytest.raises(WrongState, match="detached"):
        subscription.check_pullable()


def test_changing_and_deleting_it_still_work(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.broker.detach_subscription(SUBSCRIPTION)
    update = protos.UpdateSubscriptionRequest(
        subscription={"name": SUBSCRIPTION, "ack_deadline_seconds": 60},
        update_mask={"paths": ["ack_deadline_seconds"]},
    )
    call(bench.broker, "UpdateSubscription", update)
    assert (subscription.config.detached, subscription.ack_deadline) == (True, 60)
    bench.broker.modify_push_config(SUBSCRIPTION, PushConfig())
    assert subscription.config.detached
    assert not bench.broker.topics[TOPIC].subscriptions
    bench.broker.delete_subscription(SUBSCRIPTION)
    assert SUBSCRIPTION not in bench.broker.subscriptions


@pytest.mark.parametrize("compact", [False, True])
def test_it_is_so_after_a_restart(tmp_path: Path, compact: bool) -> None:
    runs = Runs(tmp_path)
    runs.begin()
    runs.publish(b"lost")
    runs.broker.detach_subscription(SUBSCRIPTION)
    restarted = runs.again(compact)
    assert restarted.subscriptions[SUBSCRIPTION].config.detached
    assert not restarted.topics[TOPIC].subscriptions
    assert runs.held() == []
