"""Makes what an empty stack needs: topics, subscriptions, bucket, dataset, dead-letter table.

The same resources as terraform/ makes in the cloud, by the same names. The event tables are not
among them: the table manager makes each when its first event comes.
"""

from __future__ import annotations

from contextlib import suppress

from google.api_core.exceptions import AlreadyExists, Conflict, NotFound
from google.cloud import bigquery, pubsub_v1, storage
from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1.types import DeadLetterPolicy, PushConfig, RetryPolicy, Subscription

from event_types.dead_letter import DEAD_LETTER_TABLE
from services.table_manager.tables import ensure_table
from settings import Settings

ACK_DEADLINE_SECONDS = 20
"""Short, so that what a killed pipeline held comes back soon; the runner extends it at work."""
PIPELINE_ATTEMPTS = 100
"""The most that Pub/Sub allows: a pipeline that was killed often must not lose its events to the
dead-letter topic, where a redelivery would count as a failure."""
REQUEST_SECONDS = 600
"""The least that Pub/Sub allows: a request for a table is only a hint, and is made again."""


def provision(names: Settings, table_manager_url: str) -> None:
    """Create what is absent; what exists stays as it is."""
    messaging(names, table_manager_url)
    stores(names)


def stores(names: Settings) -> None:
    """The buckets, the dataset and the dead-letter table."""
    _storage(names)
    _bigquery(names)


def messaging(names: Settings, table_manager_url: str) -> None:
    """Topics and subscriptions: a job ends at once where its subscription is absent."""
    publisher = pubsub_v1.PublisherClient()
    for topic in (names.topic, names.table_requests_topic, names.dead_letter_topic):
        _unless_there(publisher.create_topic, name=topic)
    subscriptions = (
        Subscription(name=names.dead_letter_subscription, topic=names.dead_letter_topic),
        Subscription(
            name=names.subscription,
            topic=names.topic,
            ack_deadline_seconds=ACK_DEADLINE_SECONDS,
            dead_letter_policy=DeadLetterPolicy(
                dead_letter_topic=names.dead_letter_topic, max_delivery_attempts=PIPELINE_ATTEMPTS
            ),
        ),
        Subscription(
            name=names.table_requests_subscription,
            topic=names.table_requests_topic,
            # As Eventarc names it, so that the framework makes a CloudEvent of what is pushed.
            push_config=PushConfig(
                push_endpoint=f"{table_manager_url}/{names.table_requests_topic}"
                "?__GCP_CloudEventsMode=CE_PUBSUB_BINDING"
            ),
            ack_deadline_seconds=ACK_DEADLINE_SECONDS,
            message_retention_duration=Duration(seconds=REQUEST_SECONDS),
            retry_policy=RetryPolicy(
                minimum_backoff=Duration(seconds=1), maximum_backoff=Duration(seconds=30)
            ),
        ),
    )
    with pubsub_v1.SubscriberClient() as subscriber:
        for subscription in subscriptions:
            _unless_there(subscriber.create_subscription, request=subscription)
        # The function may have got another port since the subscription was made.
        subscriber.modify_push_config(
            subscription=names.table_requests_subscription,
            push_config=subscriptions[-1].push_config,
        )
        # A data folder of before 2026-11-25: it would push every event to where nobody listens.
        with suppress(NotFound):
            subscriber.delete_subscription(subscription=names.former_table_manager_subscription)


def _storage(names: Settings) -> None:
    client = storage.Client(project=names.project_id)
    for bucket in (names.bucket, names.template_bucket):
        _unless_there(client.create_bucket, bucket)


def _bigquery(names: Settings) -> None:
    client = bigquery.Client(project=names.project_id)
    client.create_dataset(names.dataset, exists_ok=True)
    ensure_table(client, names.dataset, DEAD_LETTER_TABLE)


def _unless_there(create, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
    try:
        create(*args, **kwargs)
    except (AlreadyExists, Conflict):
        return
