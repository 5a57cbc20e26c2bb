"""Opens what a ReadFromPubSub names: its subscription, or one made for its topic."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from apache_beam.options.pipeline_options import GoogleCloudOptions
from google.cloud.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from localgcp import environment
from localgcp.beam.acks import LeaseKeeper
from localgcp.beam.options import LocalRunnerOptions, state_folder
from localgcp.beam.own_subscription import Record, claim, subscribe, unsubscribe
from localgcp.beam.source import Limits, Reader
from localgcp.beam.subscriber import Subscriber
from localgcp.beam.watching import Watch, WatchedSubscriber


def open_reader(step: str, source: Any, options: Any, watch: Watch | None = None) -> Reader:
    """Connect a Beam _PubSubSource; `watch` is told of what comes and what is acked.

    Reading a topic makes a subscription in the job's project (else in the topic's) for the job's
    life, as Dataflow does: it is deleted when the job is drained or cancelled, and found again by
    the next start after a kill or a failure. Raises SubscriptionUnusable, StoreUnusable.
    """
    client, record = _client(), None
    local = options.view_as(LocalRunnerOptions)
    if source.subscription_name is None:
        project = options.view_as(GoogleCloudOptions).project or source.project
        record = claim(state_folder(local), _job(options), step)
        name = subscribe(client, record, source.full_topic, project)
    else:
        name = source.full_subscription
    patience = local.subscription_wait_seconds
    subscriber = (
        Subscriber(name, client, time.monotonic, patience)
        if watch is None
        else WatchedSubscriber(name, client, time.monotonic, watch, patience)
    )
    keeper = LeaseKeeper(subscriber, local.ack_lease_seconds)
    limits = Limits(
        pull_messages=local.pull_max_messages,
        wait_seconds=local.pull_wait_seconds,
        outstanding_messages=local.max_outstanding_messages,
        outstanding_bytes=local.max_outstanding_bytes,
    )

    keeper.start()
    return Reader(source, subscriber, keeper, limits, partial(_disconnect, client, record))


def _job(options: Any) -> str:
    """What the job is called: by its options, else by its script."""
    return options.view_as(GoogleCloudOptions).job_name or Path(sys.argv[0]).stem


def _disconnect(client: SubscriberClient, record: Record | None, over: bool) -> None:
    if record is not None:
        unsubscribe(client, record) if over else record.leave()
    client.close()


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
