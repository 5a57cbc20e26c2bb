"""A broker in memory with a clock to turn by hand, and short ways to say what tests say often."""

from __future__ import annotations

from typing import Any

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.config import TopicConfig
from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.message import Draft
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.wire import configs, layout, protos
from localgcp.pubsub.wire.methods import SERVICES

TOPIC = "projects/demo-project/topics/orders"
SUBSCRIPTION = "projects/demo-project/subscriptions/orders-sub"


class FakeClock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def read(entry: Entry) -> Any:
    """The PubsubMessage that a client would read."""
    return layout.proto(entry.shown)


def drafts(*messages: Any) -> list[Draft]:
    """What the emulator reads of a publish request with these PubsubMessages."""
    return layout.read(protos.PublishRequest(messages=messages).SerializeToString())[1]


def call(broker: Broker, name: str, request: Any) -> Any:
    """Call a method of the API as a client does."""
    [method] = [methods[name] for methods in SERVICES.values() if name in methods]
    return method.answer(broker, request)


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.broker = Broker(self.clock, layout)
        self.broker.create_topic(TopicConfig(name=TOPIC))

    def subscribe(self, name: str = SUBSCRIPTION, **settings: Any) -> Subscription:
        config = protos.Subscription(**{"name": name, "topic": TOPIC} | settings)
        return self.broker.create_subscription(configs.read_subscription(config))

    def publish(self, *payloads: str, topic: str = TOPIC, key: str = "", **attributes: str) -> None:
        messages = [
            protos.PubsubMessage(data=payload.encode(), ordering_key=key, attributes=attributes)
            for payload in payloads
        ]
        self.broker.publish(topic, drafts(*messages))

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.broker.tick()

    def pull(self, subscription: Subscription, limit: int = 100) -> dict[str, str]:
        """Lease, and return ack ids by payload, in order."""
        entries = subscription.lease(self.clock(), limit, 1 << 30)
        return {read(entry).data.decode(): entry.ack_id for entry in entries}

    def nack(self, subscription: Subscription, *ack_ids: str) -> None:
        self.broker.modify_ack_deadline(subscription.name, ack_ids, 0)

    def ack(self, subscription: Subscription, *ack_ids: str) -> None:
        self.broker.acknowledge(subscription.name, ack_ids)
