"""A journal that version 0.2 wrote, with the settings of its protos, is read as it was meant.

`journal_of_0_2/` holds a snapshot and a segment: it is never written anew.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from localgcp.pubsub.domain.config import (
    DeadLetterPolicy,
    Duration,
    ExpirationPolicy,
    PubsubWrapper,
    PushConfig,
    RetryPolicy,
    SubscriptionConfig,
)
from localgcp.pubsub.domain.names import DELETED_TOPIC
from tests.unit.emulators.pubsub.bench import SUBSCRIPTION, TOPIC
from tests.unit.emulators.pubsub.runs import Runs

HERE = Path(__file__).parent / "journal_of_0_2"


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    shutil.copytree(HERE, tmp_path / "journal")
    return Runs(tmp_path)


@pytest.mark.parametrize("compact", [False, True])
def test_all_settings_are_there(runs: Runs, compact: bool) -> None:
    broker = runs.again(compact)
    assert broker.topic(TOPIC).config.labels == {"team": "a"}
    assert sorted(broker.topics) == [TOPIC, TOPIC + "-dead"]
    assert broker.subscription(SUBSCRIPTION + "-full").config == SubscriptionConfig(
        name=SUBSCRIPTION + "-full",
        topic=TOPIC,
        ack_deadline_seconds=60,
        message_retention_duration=Duration(1200, 5),
        labels={"team": "b"},
        enable_message_ordering=True,
        expiration_policy=ExpirationPolicy(),
        filter='attributes.kind = "keep"',
        dead_letter_policy=DeadLetterPolicy(TOPIC + "-dead", 7),
        retry_policy=RetryPolicy(Duration(1, 500_000_000), Duration(60)),
    )
    assert broker.subscription(SUBSCRIPTION + "-push").config.push_config == PushConfig(
        "http://127.0.0.1:9/x", {"x-goog-version": "v1"}, PubsubWrapper()
    )
    assert broker.subscription(SUBSCRIPTION + "-detached").config.detached
    assert broker.subscription(SUBSCRIPTION + "-orphan").config.topic == DELETED_TOPIC


@pytest.mark.parametrize("compact", [False, True])
def test_all_messages_are_there(runs: Runs, compact: bool) -> None:
    runs.again(compact)
    assert runs.held() == [b"before", b"passed over", b"after"]
    assert runs.held(SUBSCRIPTION + "-full") == [b"before", b"after"]
    assert runs.held(SUBSCRIPTION + "-push") == [b"before", b"passed over", b"after", b"acked"]
    assert runs.held(SUBSCRIPTION + "-orphan") == [b"orphaned"]
    assert runs.held(SUBSCRIPTION + "-detached") == []
