"""What the plugin puts into a guest's hands: time, faults, projects, tables, other clients."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError, NotFound, ServiceUnavailable
from google.cloud import bigquery, pubsub_v1, storage

from localgcp.testing.hands import ThrownFaults, TurnableClock
from localgcp.testing.plugin import *  # noqa: F403 - as a guest has them, by the entry point


def subscription_of(topic: str) -> str:
    name = topic.replace("/topics/", "/subscriptions/")
    with pubsub_v1.SubscriberClient() as subscriber:
        subscriber.create_subscription(name=name, topic=topic)
    return name


def pull(subscription: str) -> list[bytes]:
    with pubsub_v1.SubscriberClient() as subscriber:
        answer = subscriber.pull(
            subscription=subscription, max_messages=10, return_immediately=True, timeout=20
        )
    return [each.message.data for each in answer.received_messages]


@pytest.mark.filterwarnings("ignore:The return_immediately flag")
def test_a_turned_clock_lets_ack_deadlines_pass(
    pubsub_topic: str, gcp_clock: TurnableClock
) -> None:
    subscription = subscription_of(pubsub_topic)
    pubsub_v1.PublisherClient().publish(pubsub_topic, b"again").result(20)
    began = time.monotonic()
    assert pull(subscription) == [b"again"]
    assert pull(subscription) == []
    gcp_clock.advance(11)
    assert pull(subscription) == [b"again"]
    gcp_clock.advance(8 * 24 * 3600)
    assert pull(subscription) == []
    assert time.monotonic() - began < 10  # no deadline was waited for


def test_a_turned_clock_expires_tables(bigquery_dataset: str, gcp_clock: TurnableClock) -> None:
    client = bigquery.Client()
    dataset = client.get_dataset(bigquery_dataset)
    dataset.default_table_expiration_ms = 3_600_000
    client.update_dataset(dataset, ["default_table_expiration_ms"])
    table = client.create_table(
        bigquery.Table(f"{bigquery_dataset}.soon_gone", [bigquery.SchemaField("x", "INT64")])
    )
    gcp_clock.advance(3_601)
    with pytest.raises(NotFound):
        client.get_table(table)


@pytest.mark.parametrize("seconds", [-1, "soon"])
def test_a_clock_is_not_turned_back(gcp_clock: TurnableClock, seconds: Any) -> None:
    with pytest.raises(ValueError, match="advance_seconds should be a number"):
        gcp_clock.advance(seconds)


def test_a_fault_is_met_as_often_as_it_says_and_the_client_gets_through(
    pubsub_topic: str, gcp_faults: ThrownFaults
) -> None:
    gcp_faults.throw("pubsub", {"match": "Publish", "code": "UNAVAILABLE", "times": 2})
    assert pubsub_v1.PublisherClient().publish(pubsub_topic, b"x").result(30)
    assert gcp_faults.met("pubsub") == 2


def test_a_fault_that_a_client_does_not_retry_is_seen(
    pubsub_topic: str, gcp_faults: ThrownFaults
) -> None:
    gcp_faults.throw("pubsub", {"match": "*", "code": "PERMISSION_DENIED"})
    with pytest.raises(GoogleAPICallError, match="thrown on purpose"):
        pubsub_v1.PublisherClient().get_topic(topic=pubsub_topic)
    gcp_faults.clear()
    assert pubsub_v1.PublisherClient().get_topic(topic=pubsub_topic).name == pubsub_topic


def test_faults_of_the_services_over_http(
    bigquery_dataset: str, gcs_bucket: str, gcp_faults: ThrownFaults
) -> None:
    gcp_faults.throw("bigquery", {"match": "GET */tables", "code": "UNAVAILABLE"})
    with pytest.raises(ServiceUnavailable, match="thrown on purpose"):
        list(bigquery.Client().list_tables(bigquery_dataset, retry=None))
    gcp_faults.throw("storage", {"match": "POST /upload/*", "code": "UNAVAILABLE", "times": 1})
    blob = storage.Client().bucket(gcs_bucket).blob("x")
    with pytest.raises(GoogleAPICallError):
        blob.upload_from_string("x", retry=None)
    blob.upload_from_string("x", retry=None)


def test_what_is_no_fault_is_told(gcp_faults: ThrownFaults) -> None:
    with pytest.raises(ValueError, match="code should be one of"):
        gcp_faults.throw("pubsub", {"match": "*", "code": "BROKEN"})


@pytest.mark.parametrize("number", range(2))
def test_a_project_of_its_own_meets_no_other(gcp_project: str, number: int) -> None:
    publisher = pubsub_v1.PublisherClient()
    publisher.create_topic(name=f"projects/{gcp_project}/topics/same-name")
    assert len(list(publisher.list_topics(project=f"projects/{gcp_project}"))) == 1
    client = bigquery.Client()
    assert client.project == gcp_project
    client.create_dataset("same_name")


def test_a_seeded_table(bigquery_seed: Callable[..., str]) -> None:
    made = bigquery_seed("orders", [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
    typed = bigquery_seed("typed", [{"id": "7"}], [bigquery.SchemaField("id", "STRING")])
    client = bigquery.Client()
    rows = client.query_and_wait(f"SELECT id, name FROM {made} ORDER BY id")
    assert [tuple(row) for row in rows] == [(1, "a"), (2, "b")]
    assert [row.id for row in client.query_and_wait(f"SELECT id FROM {typed}")] == ["7"]


def test_async_clients(
    pubsub_topic: str,
    pubsub_async_publisher: Callable[[], Any],
    pubsub_async_subscriber: Callable[[], Any],
) -> None:
    subscription = subscription_of(pubsub_topic)

    async def publish_and_pull() -> list[bytes]:
        publisher, subscriber = pubsub_async_publisher(), pubsub_async_subscriber()
        await publisher.publish(topic=pubsub_topic, messages=[{"data": b"async"}])
        answer = await subscriber.pull(subscription=subscription, max_messages=1)
        await publisher.transport.close()
        await subscriber.transport.close()
        return [each.message.data for each in answer.received_messages]

    assert asyncio.run(publish_and_pull()) == [b"async"]


@pytest.mark.installed
@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not installed")
def test_gcloud_finds_the_emulators(
    gcp_project: str, gcloud_environ: dict[str, str], tmp_path: Path
) -> None:
    made = subprocess.run(
        ["gcloud", "pubsub", "topics", "create", "by-gcloud", "--format=value(name)"],
        env={
            **gcloud_environ,
            "PATH": "/usr/bin:/bin",
            "HOME": gcloud_environ["BOTO_CONFIG"] + ".d",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout.strip() == f"projects/{gcp_project}/topics/by-gcloud"
