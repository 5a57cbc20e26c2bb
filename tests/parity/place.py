"""A Pub/Sub that cases are asked of, by the official clients over a plain channel."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.api_core import exceptions
from google.pubsub_v1 import (
    PublisherClient,
    SchemaServiceClient,
    SubscriberClient,
    services,
)

PROJECT = "projects/parity-project"
PATIENCE_SECONDS = 10.0
EMPTY_SECONDS = 1.5
"""How long nothing must come for there to be nothing."""
_numbers = itertools.count(1)


class Place:
    """One server at HOST:PORT. Names are new ones each time, so that cases never meet."""

    def __init__(self, address: str) -> None:
        unlimited = [("grpc.max_receive_message_length", -1)]
        channel = grpc.insecure_channel(address, options=unlimited)
        self.publisher = PublisherClient(
            transport=services.publisher.transports.PublisherGrpcTransport(channel=channel)
        )
        self.subscriber = SubscriberClient(
            transport=services.subscriber.transports.SubscriberGrpcTransport(channel=channel)
        )
        self.schemas = SchemaServiceClient(
            transport=services.schema_service.transports.SchemaServiceGrpcTransport(channel=channel)
        )

    def name(self, kind: str) -> str:
        """A name that nothing has yet; `kind` is topics, subscriptions, snapshots or schemas."""
        return f"{PROJECT}/{kind}/case-{next(_numbers)}"

    def topic(self, **settings: Any) -> str:
        """A new topic's name."""
        return str(self.publisher.create_topic({"name": self.name("topics")} | settings).name)

    def subscription(self, topic: str, **settings: Any) -> str:
        """A new subscription's name."""
        wanted = {"name": self.name("subscriptions"), "topic": topic} | settings
        return str(self.subscriber.create_subscription(wanted, timeout=PATIENCE_SECONDS).name)

    def pair(self, **settings: Any) -> tuple[str, str]:
        """A new topic and a subscription of it with these settings."""
        topic = self.topic()
        return topic, self.subscription(topic, **settings)

    def publish(self, topic: str, *payloads: str, key: str = "", **attributes: str) -> list[str]:
        """Publish one request."""
        messages = [
            {"data": payload.encode(), "ordering_key": key, "attributes": attributes}
            for payload in payloads
        ]
        return self.send(topic, messages)

    def send(self, topic: str, messages: list[dict[str, Any]]) -> list[str]:
        """Publish messages as they are given."""
        answer = self.publisher.publish(topic=topic, messages=messages, timeout=PATIENCE_SECONDS)
        return list(answer.message_ids)

    def pull(self, subscription: str, limit: int = 100, wait: float = EMPTY_SECONDS) -> list[Any]:
        """What one pull gives; nothing if nothing comes in time."""
        try:
            answer = self.subscriber.pull(
                subscription=subscription, max_messages=limit, timeout=wait, retry=None
            )
        except exceptions.DeadlineExceeded:
            return []
        return list(answer.received_messages)

    def all(self, subscription: str) -> list[Any]:
        """What pulls give until one gives nothing; all of it stays lent."""
        received: list[Any] = []
        while batch := self.pull(subscription):
            received += batch
        return received

    def payloads(self, subscription: str) -> str:
        """The payloads of all(), in the order in which they came."""
        return _told(each.message.data.decode() for each in self.all(subscription))

    def ack(self, subscription: str, *received: Any) -> None:
        """Ack what was pulled."""
        ids = [each.ack_id for each in received]
        self.subscriber.acknowledge(subscription=subscription, ack_ids=ids)

    def nack(self, subscription: str, *received: Any) -> None:
        """Give back what was pulled."""
        self.subscriber.modify_ack_deadline(
            subscription=subscription,
            ack_ids=[each.ack_id for each in received],
            ack_deadline_seconds=0,
        )


def _told(words: Any) -> str:
    return " ".join(words) or "nothing"


def answer(ask: Callable[[], object]) -> str:
    """ "taken", or the status that the call fails with."""
    try:
        ask()
    except exceptions.GoogleAPICallError as error:
        return str(error.grpc_status_code.name if error.grpc_status_code else error.code)
    return "taken"


def attributes(received: Any) -> Mapping[str, str]:
    """A received message's attributes."""
    return dict(received.message.attributes)
