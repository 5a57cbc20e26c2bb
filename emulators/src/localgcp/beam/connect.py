"""Opens what a ReadFromPubSub names: its subscription, or one made for its topic."""

from __future__ import annotations

import logging
import random
import time
from typing import Any

import grpc
from google.api_core.exceptions import GoogleAPICallError
from google.cloud.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from localgcp import environment
from localgcp.beam.acks import LeaseKeeper
from localgcp.beam.errors import SubscriptionUnusable
from localgcp.beam.source import Limits, Reader
from localgcp.beam.subscriber import UNARY_SECONDS, Subscriber

log = logging.getLogger(__name__)


def open_reader(source: Any, project: str | None, options: Any) -> Reader:
    """Connect a Beam _PubSubSource; `options` is LocalRunnerOptions.

    Reading a topic makes a subscription in `project` (else in the topic's) that is deleted when
    the reader closes, as Beam's direct runner does. Raises SubscriptionUnusable.
    """
    client = _client()
    temporary = source.subscription_name is None
    if temporary:
        name = _subscribe(client, source.full_topic, project or source.project)
    else:
        name = source.full_subscription
    subscriber = Subscriber(name, client, time.monotonic)
    keeper = LeaseKeeper(subscriber, options.ack_lease_seconds)
    limits = Limits(
        pull_messages=options.pull_max_messages,
        wait_seconds=options.pull_wait_seconds,
        outstanding_messages=options.max_outstanding_messages,
        outstanding_bytes=options.max_outstanding_bytes,
    )

    def disconnect() -> None:
        if temporary:
            _unsubscribe(client, name)
        client.close()

    keeper.start()
    return Reader(source, subscriber, keeper, limits, disconnect)


def _client() -> SubscriberClient:
    """The official client; to an emulator over a channel that is soon back after an outage.

    gRPC by itself waits up to two minutes between attempts, and that client takes 4 MiB at most.
    """
    emulator = environment.pubsub_emulator()
    if emulator is None:
        return SubscriberClient()
    channel = grpc.insecure_channel(
        emulator,
        options=[
            ("grpc.max_receive_message_length", -1),
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.max_reconnect_backoff_ms", 2000),
        ],
    )
    return SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))


def _subscribe(client: SubscriberClient, topic: str, project: str) -> str:
    name = f"projects/{project}/subscriptions/beam_{int(time.time())}_{random.randrange(1 << 32):x}"
    try:
        client.create_subscription(name=name, topic=topic, timeout=UNARY_SECONDS)
    except GoogleAPICallError as error:
        raise SubscriptionUnusable(name, type(error).__name__, error.message) from error
    return name


def _unsubscribe(client: SubscriberClient, name: str) -> None:
    try:
        client.delete_subscription(subscription=name, timeout=UNARY_SECONDS)
    except GoogleAPICallError as error:
        log.warning("temporary subscription %s was not deleted: %s", name, error.message)
