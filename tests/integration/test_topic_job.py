"""A job that reads a topic and names no subscription: what it held outlives it, as on Dataflow."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from localgcp.beam import LocalRunner
from localgcp.beam.errors import DrainTimedOut
from tests.e2e.conftest import until

PROJECT, TOPIC = "topic-job", "projects/topic-job/topics/events"

taken: list[bytes] = []
fails: list[bool] = []


class Take(beam.DoFn):
    """Takes a message, or fails."""

    def process(self, data: bytes) -> None:
        if fails:
            raise ConnectionError("away")
        taken.append(data)


@pytest.fixture
def topic(pubsub: Any) -> Iterator[str]:
    taken.clear()
    fails.clear()
    with PublisherClient() as publisher:
        publisher.create_topic(name=TOPIC)
        yield TOPIC
        publisher.delete_topic(topic=TOPIC)


def subscriptions() -> list[str]:
    with SubscriberClient() as client:
        return [each.name for each in client.list_subscriptions(project=f"projects/{PROJECT}")]


def start(state: Path) -> Any:
    options = ["--streaming", f"--project={PROJECT}", "--job_name=one", f"--state_dir={state}"]
    options += ["--drain_timeout_seconds=0.5", "--ack_lease_seconds=10"]
    pipeline = beam.Pipeline(LocalRunner(), PipelineOptions(options))
    pipeline | beam.io.ReadFromPubSub(topic=TOPIC) | beam.ParDo(Take())
    return pipeline.run()


def publish(data: bytes) -> None:
    with PublisherClient() as publisher:
        publisher.publish(TOPIC, data).result(10)


def test_a_job_that_ended_badly_is_started_again_and_loses_nothing(
    topic: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fails.append(True)
    job = start(tmp_path)
    (own,) = subscriptions()
    publish(b"held")
    until(lambda: job.status()["failed_bundles"] > 0, 20, "the message to fail")
    job.drain()
    with pytest.raises(DrainTimedOut):
        job.wait_until_finish()
    publish(b"between")
    fails.clear()
    with caplog.at_level(logging.WARNING):
        job = start(tmp_path)
    assert subscriptions() == [own]
    assert f"{own}: reading on" in caplog.text
    until(lambda: sorted(taken) == [b"between", b"held"], 30, "both messages")
    job.drain()
    job.wait_until_finish()
    assert subscriptions() == []
    assert list(tmp_path.iterdir()) == []


def test_a_topic_made_anew_has_a_new_subscription(topic: str, tmp_path: Path) -> None:
    fails.append(True)
    job = start(tmp_path)
    (own,) = subscriptions()
    publish(b"held")
    until(lambda: job.status()["failed_bundles"] > 0, 20, "the message to fail")
    job.drain()
    with pytest.raises(DrainTimedOut):
        job.wait_until_finish()
    with PublisherClient() as publisher:
        publisher.delete_topic(topic=TOPIC)
        publisher.create_topic(name=TOPIC)
    fails.clear()
    job = start(tmp_path)
    assert len(subscriptions()) == 2
    publish(b"new")
    until(lambda: taken == [b"new"], 30, "the message")
    job.cancel()
    assert subscriptions() == [own]
