"""A broker in memory with a clock to turn by hand, and short ways to say what tests say often."""

from __future__ import annotations

from typing import Any

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.wire import protos

TOPIC = "projects/demo-project/topics/orders"
SUBSCRIPTION = "projects/demo-project/subscriptions/orders-sub"


class FakeClock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.broker = Broker(self.clock)
        self.broker.create_topic(protos.Topic(name=TOPIC))

    def subscribe(self, name: str = SUBSCRIPTION, **settings: Any) -> Subscription:
        config = protos.Subscription(**{"name": name, "topic": TOPIC} | settings)
        return self.broker.create_subscription(config)

    def publish(self, *payloads: str, topic: str = TOPIC, key: str = "", **attributes: str) -> None:
        messages = [
            protos.PubsubMessage(data=payload.encode(), ordering_key=key, attributes=attributes)
            for payload in payloads
        ]
        self.broker.publish(topic, messages)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.broker.tick()

    def pull(self, subscription: Subscription, limit: int = 100) -> dict[str, str]:
        """Lease, and return ack ids by payload, in order."""
        entries = subscription.lease(self.clock(), limit, 1 << 30)
        return {entry.message.proto.data.decode(): entry.ack_id for entry in entries}

    def nack(self, subscription: Subscription, *ack_ids: str) -> None:
        self.broker.modify_ack_deadline(subscription.name, ack_ids, 0)

    def ack(self, subscription: Subscription, *ack_ids: str) -> None:
        self.broker.acknowledge(subscription.name, ack_ids)
