"""What a waiting message takes in memory besides its payload, published and after a restart."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import pytest

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.config import SubscriptionConfig, TopicConfig
from localgcp.pubsub.wire import layout, protos
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC
from tests.unit.emulators.pubsub.runs import Runs

BATCH, BATCHES, PAYLOAD = 1000, 14, 100
MOST = 250
"""Bytes a message, as they are asked for; the allocator rounds up, and 300 is what is promised."""


def publish(broker: Broker, key: str, batch: int) -> None:
    one = protos.PubsubMessage(data=b"x" * PAYLOAD, ordering_key=key)
    raw = protos.PublishRequest(messages=[one] * batch).SerializeToString()
    for _ in range(BATCH * BATCHES // batch):
        broker.publish(TOPIC, layout.read(raw)[1])


@pytest.mark.parametrize(
    ("key", "batch", "restarted"),
    [
        ("", BATCH, False),
        ("a-key-of-many-messages", BATCH, True),
        ("", 1, True),
    ],
)
def test_a_waiting_message_takes_less_than_300_bytes_besides_its_payload(
    tmp_path: Path, key: str, batch: int, restarted: bool
) -> None:
    runs = Runs(tmp_path)
    runs.broker.create_topic(TopicConfig(TOPIC))
    config = SubscriptionConfig(SUBSCRIPTION, TOPIC, enable_message_ordering=bool(key))
    runs.broker.create_subscription(config)
    if restarted:
        publish(runs.broker, key, batch)
        runs.journal.close()
        del runs.broker, runs.keeper, runs.journal
    gc.collect()
    tracemalloc.start()
    try:
        runs.start() if restarted else publish(runs.broker, key, batch)
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    payloads = PAYLOAD + (2 + len(key) if key else 0)
    assert len(runs.held()) == BATCH * BATCHES
    assert taken / (BATCH * BATCHES) - payloads < MOST
