"""The stage of a test that runs a program of somebody else's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from google.cloud.pubsub_v1 import SubscriberClient

from tests.beam.stage import Stage


@pytest.fixture
def stage(gcp_stack: Any, bigquery_dataset: str, pubsub_topic: str, tmp_path: Path) -> Stage:
    project, dataset = bigquery_dataset.split(".")
    subscription = pubsub_topic.replace("/topics/", "/subscriptions/")
    with SubscriberClient() as subscriber:
        subscriber.create_subscription(name=subscription, topic=pubsub_topic)
    environ = {**os.environ, **gcp_stack.environ()}
    return Stage(project, pubsub_topic, subscription, dataset, environ, tmp_path)
