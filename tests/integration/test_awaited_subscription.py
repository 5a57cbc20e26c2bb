"""A job that starts beside its Pub/Sub: its subscription comes a little later."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from localgcp.beam.errors import SubscriptionUnusable
from localgcp.beam.subscriber import Subscriber

PROJECT = "projects/awaited-subscription"
TOPIC, SUBSCRIPTION = f"{PROJECT}/topics/events", f"{PROJECT}/subscriptions/events"


def ticking() -> Any:
    """A clock on which each look is a second later, so that no pause is waited out."""
    seconds = count()
    return lambda: float(next(seconds))


def test_a_subscription_may_come_later_but_not_go(pubsub: Any) -> None:
    with PublisherClient() as publisher, SubscriberClient() as client:
        reader = Subscriber(SUBSCRIPTION, client, ticking(), patience=100.0)
        assert not reader.poll(10, wait=10).messages
        assert "NOT_FOUND" in str(reader.trouble())
        publisher.create_topic(name=TOPIC)
        client.create_subscription(name=SUBSCRIPTION, topic=TOPIC)
        publisher.publish(TOPIC, b"first").result(10)
        (message,) = reader.poll(10, wait=10).messages
        assert message.message.data == b"first"
        assert reader.trouble() is None
        client.delete_subscription(subscription=SUBSCRIPTION)
        with pytest.raises(SubscriptionUnusable, match="NOT_FOUND"):
            reader.poll(10, wait=10)
        publisher.delete_topic(topic=TOPIC)


def test_patience_ends(pubsub: Any) -> None:
    with SubscriberClient() as client:
        reader = Subscriber(SUBSCRIPTION, client, ticking(), patience=3.0)
        assert not reader.poll(10, wait=10).messages
        with pytest.raises(SubscriptionUnusable, match="NOT_FOUND"):
            reader.poll(10, wait=10)
