"""What an empty stack is given, asked for by plain HTTP, and read back by the official clients."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud import bigquery, pubsub_v1, storage

import settings
from event_types.dead_letter import DEAD_LETTER_TABLE
from local import provision
from local.errors import NotDone
from tests.integration.processes import PROJECT

HOSTS = {
    "pubsub": "PUBSUB_EMULATOR_HOST",
    "bigquery": "BIGQUERY_EMULATOR_HOST",
    "storage": "STORAGE_EMULATOR_HOST",
}


class Here:
    """The emulators that the fixtures lead to."""

    names = settings.load({"PROJECT_ID": PROJECT})
    publish_log = Path("published.jsonl")
    table_manager = "http://127.0.0.1:8081"

    def url(self, process: str) -> str:
        if process == "table_manager":
            return self.table_manager
        found = os.environ[HOSTS[process]]
        return found if found.startswith("http") else f"http://{found}"


@pytest.fixture(scope="module")
def here(pubsub: None, bigquery_emulator: None, storage_emulator: None) -> Here:
    made = Here()
    provision.provision(made)
    return made


@pytest.fixture(scope="module")
def subscriber(here: Here) -> Iterator[pubsub_v1.SubscriberClient]:
    with pubsub_v1.SubscriberClient() as client:
        yield client


@pytest.fixture(scope="module")
def table(here: Here) -> str:
    return f"{PROJECT}.{here.names.dataset}.{DEAD_LETTER_TABLE.name}"


def test_the_job_s_subscription_gives_a_message_up_last_of_all(
    here: Here, subscriber: pubsub_v1.SubscriberClient
) -> None:
    found = subscriber.get_subscription(subscription=here.names.subscription)
    assert found.topic == here.names.topic
    assert found.ack_deadline_seconds == provision.ACK_DEADLINE_SECONDS
    assert found.dead_letter_policy.dead_letter_topic == here.names.dead_letter_topic
    assert found.dead_letter_policy.max_delivery_attempts == provision.PIPELINE_ATTEMPTS
    kept = subscriber.get_subscription(subscription=here.names.dead_letter_subscription)
    assert kept.topic == here.names.dead_letter_topic


def test_requests_for_tables_are_pushed_to_where_the_table_manager_is_now(
    here: Here, subscriber: pubsub_v1.SubscriberClient
) -> None:
    name = here.names.table_requests_subscription
    found = subscriber.get_subscription(subscription=name)
    assert found.topic == here.names.table_requests_topic
    assert found.message_retention_duration.total_seconds() == provision.REQUEST_SECONDS
    assert found.retry_policy.maximum_backoff.total_seconds() == 30
    assert found.push_config.push_endpoint.startswith(Here.table_manager)

    moved = Here()
    moved.table_manager = "http://127.0.0.1:8091"
    provision.messaging(moved)
    found = subscriber.get_subscription(subscription=name)
    assert found.push_config.push_endpoint == (
        f"{moved.table_manager}/{here.names.table_requests_topic}"
        "?__GCP_CloudEventsMode=CE_PUBSUB_BINDING"
    )


def test_the_subscription_of_an_older_stack_is_gone(
    here: Here, subscriber: pubsub_v1.SubscriberClient
) -> None:
    former = here.names.former_table_manager_subscription
    subscriber.create_subscription(name=former, topic=here.names.topic)
    provision.messaging(here)
    project = f"projects/{PROJECT}"
    assert former not in {each.name for each in subscriber.list_subscriptions(project=project)}


def test_the_buckets_are_there(here: Here) -> None:
    client = storage.Client(PROJECT)
    for name in (here.names.bucket, here.names.template_bucket):
        assert client.get_bucket(name).name == name


def test_the_dead_letter_table_is_as_of_record_and_stays_so(here: Here, table: str) -> None:
    client = bigquery.Client(PROJECT)
    found = client.get_table(table)
    assert [each.to_api_repr() for each in found.schema] == DEAD_LETTER_TABLE.schema_to_api()
    assert found.time_partitioning.field == DEAD_LETTER_TABLE.partition_by
    assert found.clustering_fields == list(DEAD_LETTER_TABLE.cluster_by)
    provision.provision(here)
    assert client.get_table(table).etag == found.etag, "nothing to do, and nothing done"


def test_a_dead_letter_table_of_an_older_version_gets_its_columns(here: Here, table: str) -> None:
    client = bigquery.Client(PROJECT)
    wanted = client.get_table(table)
    client.delete_table(table)
    older = bigquery.Table(
        table, schema=[each for each in wanted.schema if each.name != "attributes"]
    )
    older.time_partitioning = wanted.time_partitioning
    older.clustering_fields = wanted.clustering_fields
    client.create_table(older)
    provision.stores(here)
    assert {each.name for each in client.get_table(table).schema} == {
        each.name for each in wanted.schema
    }


def test_what_a_part_refuses_is_told_with_what_was_asked(here: Here) -> None:
    refused = Here()
    refused.names = settings.load({"PROJECT_ID": PROJECT, "ENVIRONMENT": "d" * 300})
    with pytest.raises(NotDone, match=r"^PUT http\S+/topics/d+-backend-events-topic: "):
        provision.messaging(refused)
