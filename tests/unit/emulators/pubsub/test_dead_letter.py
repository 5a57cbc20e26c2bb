from __future__ import annotations

import pytest

from localgcp.pubsub.domain.config import TopicConfig
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.errors import InvalidArgument, NotFound
from tests.unit.emulators.pubsub.bench import Bench, read

DEAD = "projects/demo-project/topics/dead"
DEAD_SUBSCRIPTION = "projects/demo-project/subscriptions/dead-sub"


def with_dead_letters(bench: Bench, attempts: int = 5) -> tuple[Subscription, Subscription]:
    bench.broker.create_topic(TopicConfig(name=DEAD))
    policy = {"dead_letter_topic": DEAD, "max_delivery_attempts": attempts}
    return (
        bench.subscribe(dead_letter_policy=policy),
        bench.subscribe(name=DEAD_SUBSCRIPTION, topic=DEAD),
    )


def test_after_the_last_attempt_it_moves_to_the_dead_letter_topic(bench: Bench) -> None:
    subscription, dead = with_dead_letters(bench)
    bench.publish("bad", reason="why")
    for attempt in range(1, 6):
        [entry] = subscription.lease(bench.clock(), 1, 1000)
        assert subscription.delivery_attempt(entry) == attempt
        if attempt % 2:
            bench.nack(subscription, entry.ack_id)
        else:
            bench.pass_time(10)
    assert not subscription.unacked
    assert subscription.counters.dead_lettered == 1
    [letter] = dead.lease(bench.clock(), 1, 1000)
    assert read(letter).data == b"bad"
    assert dict(read(letter).attributes) == {
        "reason": "why",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "orders-sub",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "demo-project",
        "CloudPubSubDeadLetterSourceTopicPublishTime": "2023-11-14T22:13:20.000+00:00",
    }


def test_without_a_policy_the_attempt_is_not_told(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.publish("a")
    [entry] = subscription.lease(bench.clock(), 1, 1000)
    assert subscription.delivery_attempt(entry) == 0


def test_a_dead_letter_topic_that_is_gone_keeps_the_message(bench: Bench) -> None:
    subscription, _ = with_dead_letters(bench)
    bench.publish("bad")
    bench.broker.delete_topic(DEAD)
    for _ in range(7):
        bench.nack(subscription, bench.pull(subscription)["bad"])
    assert len(subscription.unacked) == 1
    assert subscription.counters.dead_lettered == 0


@pytest.mark.parametrize("attempts", [4, 101])
def test_attempts_out_of_range_are_refused(bench: Bench, attempts: int) -> None:
    with pytest.raises(InvalidArgument, match=str(attempts)):
        with_dead_letters(bench, attempts)


def test_the_dead_letter_topic_must_exist(bench: Bench) -> None:
    with pytest.raises(NotFound, match="dead"):
        bench.subscribe(dead_letter_policy={"dead_letter_topic": DEAD})


def test_five_attempts_are_the_default(bench: Bench) -> None:
    subscription, _ = with_dead_letters(bench, attempts=0)
    assert subscription.config.max_delivery_attempts == 5
