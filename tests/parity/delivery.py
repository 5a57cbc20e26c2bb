"""Cases of delivery: what comes, in which order, how often, and what comes again."""

from __future__ import annotations

import time

from tests.parity.case import case
from tests.parity.place import Place, answer, attributes

LARGE = 6_000_000
DEADLINE_SECONDS = 12.0
"""More than the shortest ack deadline."""


@case("a filter", "a", "Filter messages from a subscription")
def filtered(place: Place) -> str:
    topic, subscription = place.pair(filter='attributes.kind = "wanted"')
    place.publish(topic, "a", kind="wanted")
    place.publish(topic, "b", kind="other")
    return place.payloads(subscription)


@case("minimum_backoff of 5 s: a nacked message", "not at once", "Handle message failures")
def backed_off(place: Place) -> str:
    policy = {"minimum_backoff": {"seconds": 5}, "maximum_backoff": {"seconds": 10}}
    topic, subscription = place.pair(retry_policy=policy)
    place.publish(topic, "a")
    place.nack(subscription, *place.pull(subscription))
    return "at once" if place.pull(subscription) else "not at once"


@case("a nacked message without a retry policy", "a", "Handle message failures")
def nacked(place: Place) -> str:
    topic, subscription = place.pair()
    place.publish(topic, "a")
    place.nack(subscription, *place.pull(subscription))
    return place.payloads(subscription)


@case("an ordering key, its first message nacked", "a b c", "Order messages")
def ordered(place: Place) -> str:
    topic, subscription = place.pair(enable_message_ordering=True, ack_deadline_seconds=10)
    place.publish(topic, "a", "b", "c", key="k")
    received = place.all(subscription)
    place.nack(subscription, received[0])
    again: list[str] = []
    until = time.monotonic() + DEADLINE_SECONDS
    while len(again) < 3 and time.monotonic() < until:
        again += [each.message.data.decode() for each in place.pull(subscription)]
    return " ".join(again) or "nothing"


@case("an ordering key while one of it is unacked", "nothing", "Order messages")
def ordered_one_at_a_time(place: Place) -> str:
    topic, subscription = place.pair(enable_message_ordering=True, ack_deadline_seconds=60)
    place.publish(topic, "a", key="k")
    place.pull(subscription)
    place.publish(topic, "b", key="k")
    return place.payloads(subscription)


@case("a dead-letter policy of 5 attempts", "a after 5", "Handle message failures")
def given_up(place: Place) -> str:
    dead = place.topic()
    letters = place.subscription(dead)
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    topic, subscription = place.pair(dead_letter_policy=policy)
    place.publish(topic, "a")
    for _ in range(7):
        if received := place.pull(subscription):
            place.nack(subscription, *received)
        if found := place.pull(letters):
            count = attributes(found[0]).get("CloudPubSubDeadLetterSourceDeliveryCount", "?")
            return f"{found[0].message.data.decode()} after {count}"
    return "nothing"


@case("delivery_attempt of a second delivery, with a dead-letter policy", "2", "ReceivedMessage")
def attempts(place: Place) -> str:
    policy = {"dead_letter_topic": place.topic(), "max_delivery_attempts": 5}
    topic, subscription = place.pair(dead_letter_policy=policy)
    place.publish(topic, "a")
    place.nack(subscription, *place.pull(subscription))
    return " ".join(str(each.delivery_attempt) for each in place.pull(subscription))


@case("a message of 6 MB", f"{LARGE} bytes", "Pub/Sub quotas and limits")
def large(place: Place) -> str:
    topic, subscription = place.pair()
    place.publish(topic, "x" * LARGE)
    return " ".join(f"{len(each.message.data)} bytes" for each in place.all(subscription))


@case("a passed ack deadline of 10 s", "a", "Lease management")
def expired(place: Place) -> str:
    topic, subscription = place.pair(ack_deadline_seconds=10)
    place.publish(topic, "a")
    place.pull(subscription)
    time.sleep(10.5)
    return place.payloads(subscription)


@case("exactly once: an ack after the lease has ended", "INVALID_ARGUMENT", "Exactly-once delivery")
def late_ack(place: Place) -> str:
    topic, subscription = place.pair(enable_exactly_once_delivery=True)
    place.publish(topic, "a")
    received = place.pull(subscription)
    place.nack(subscription, *received)
    return answer(lambda: place.ack(subscription, *received))


@case(
    "a seek back to before an acked message, retained by its subscription", "a", "Replay and purge"
)
def replayed(place: Place) -> str:
    topic, subscription = place.pair(retain_acked_messages=True)
    place.publish(topic, "a")
    place.ack(subscription, *place.all(subscription))
    place.subscriber.seek(
        {"subscription": subscription, "time": {"seconds": int(time.time()) - 60}}
    )
    return place.payloads(subscription)


@case("a seek back that nobody retains messages for", "nothing", "Replay and purge")
def not_retained(place: Place) -> str:
    topic, subscription = place.pair()
    place.publish(topic, "a")
    place.ack(subscription, *place.all(subscription))
    place.subscriber.seek(
        {"subscription": subscription, "time": {"seconds": int(time.time()) - 60}}
    )
    return place.payloads(subscription)


@case("a seek ahead, over a backlog", "nothing", "Replay and purge")
def purged(place: Place) -> str:
    topic, subscription = place.pair()
    place.publish(topic, "a")
    place.subscriber.seek(
        {"subscription": subscription, "time": {"seconds": int(time.time()) + 60}}
    )
    return place.payloads(subscription)


@case("a seek to a snapshot", "a b", "Replay and purge")
def to_snapshot(place: Place) -> str:
    topic, subscription = place.pair()
    place.publish(topic, "a")
    snapshot = place.name("snapshots")
    place.subscriber.create_snapshot(name=snapshot, subscription=subscription)
    place.publish(topic, "b")
    place.ack(subscription, *place.all(subscription))
    place.subscriber.seek({"subscription": subscription, "snapshot": snapshot})
    return " ".join(sorted(place.payloads(subscription).split()))


@case("a topic's retention: a subscription made later seeks back", "a", "Replay and purge")
def topic_retains(place: Place) -> str:
    topic = place.topic(message_retention_duration={"seconds": 600})
    place.publish(topic, "a")
    subscription = place.subscription(topic)
    place.subscriber.seek(
        {"subscription": subscription, "time": {"seconds": int(time.time()) - 60}}
    )
    return place.payloads(subscription)


@case("a topic's JavaScript transform", "A", "Single message transforms (SMTs) overview")
def transformed(place: Place) -> str:
    code = "function up(m, metadata) { m.data = m.data.toUpperCase(); return m; }"
    udf = {"javascript_udf": {"function_name": "up", "code": code}}
    topic = place.topic(message_transforms=[udf])
    subscription = place.subscription(topic)
    place.publish(topic, "a")
    return place.payloads(subscription)


@case("pull of a detached subscription", "FAILED_PRECONDITION", "Detach subscriptions")
def detached(place: Place) -> str:
    topic, subscription = place.pair()
    place.publish(topic, "a")
    place.publisher.detach_subscription({"subscription": subscription})
    return answer(
        lambda: place.subscriber.pull(subscription=subscription, max_messages=1, timeout=3)
    )
