from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1 import PublisherClient
from google.pubsub_v1 import PublisherClient as GapicPublisher

from tests.emulators.pubsub.conftest import PROJECT, Clients
from tests.surface.introspect import covers
from tests.surface.pubsub.refusals import refused


@covers(PublisherClient, "create_topic", "get_topic", "list_topics", "update_topic", "delete_topic")
def test_topics(clients: Clients) -> None:
    publisher = clients.publisher
    name = publisher.topic_path(PROJECT, "of-the-surface")
    made = publisher.create_topic(name=name)
    assert (made.name, made.state.name) == (name, "ACTIVE")
    changed = publisher.update_topic(
        topic={"name": name, "labels": {"team": "a"}}, update_mask={"paths": ["labels"]}
    )
    assert changed == publisher.get_topic(topic=name)
    assert dict(changed.labels) == {"team": "a"}
    assert changed in list(publisher.list_topics(project=f"projects/{PROJECT}"))
    assert publisher.delete_topic(topic=name) is None
    with pytest.raises(exceptions.NotFound, match="of-the-surface"):
        publisher.delete_topic(topic=name)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tags", {"123/env": "456"}),
    ],
)
def test_a_topics_settings_that_it_lacks_are_named(
    clients: Clients, field: str, value: Any
) -> None:
    topic = {"name": f"projects/{PROJECT}/topics/never", field: value}
    with refused(f"Topic.{field}"):
        clients.publisher.create_topic(request=topic)
    name = clients.topic()
    with refused(f"Topic.{field}"):
        clients.publisher.update_topic(topic=topic | {"name": name}, update_mask={"paths": [field]})


def test_a_topics_settings_that_are_kept_as_data(clients: Clients) -> None:
    publisher, policy = clients.publisher, {"allowed_persistence_regions": ["europe-west1"]}
    key = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
    ingested = {"cloud_storage": {"bucket": "b", "text_format": {"delimiter": ","}}}
    name = clients.topic(
        message_storage_policy=policy,
        kms_key_name=key,
        ingestion_data_source_settings=ingested,
    )
    shown = publisher.get_topic(topic=name)
    assert list(shown.message_storage_policy.allowed_persistence_regions) == ["europe-west1"]
    assert shown.kms_key_name == key
    assert shown.ingestion_data_source_settings.cloud_storage.bucket == "b"
    with pytest.raises(exceptions.InvalidArgument, match="kms_key_name cannot be updated"):
        publisher.update_topic(topic={"name": name}, update_mask={"paths": ["kms_key_name"]})
    with refused("IngestionDataSourceSettings.aws_kinesis"):
        clients.topic(ingestion_data_source_settings={"aws_kinesis": {"stream_arn": "arn"}})


@covers(PublisherClient, "list_topic_subscriptions", "list_topic_snapshots", "detach_subscription")
def test_what_hangs_on_a_topic(clients: Clients) -> None:
    publisher, topic = clients.publisher, clients.topic()
    assert list(publisher.list_topic_subscriptions(topic=topic)) == []
    subscription = clients.subscription(topic)
    assert list(publisher.list_topic_subscriptions(topic=topic)) == [subscription]
    assert list(publisher.list_topic_snapshots(topic=topic)) == []
    with pytest.raises(exceptions.NotFound, match="nowhere"):
        publisher.list_topic_snapshots(topic=f"projects/{PROJECT}/topics/nowhere")
    clients.publish(topic, b"a")
    publisher.detach_subscription(request={"subscription": subscription})
    assert clients.subscriber.get_subscription(subscription=subscription).detached
    assert list(publisher.list_topic_subscriptions(topic=topic)) == []
    with pytest.raises(exceptions.FailedPrecondition, match="is detached"):
        clients.pull(subscription)


@covers(PublisherClient, "publish", "ensure_cleanup_and_commit_timer_runs")
def test_publish(clients: Clients) -> None:
    topic = clients.topic()
    subscription = clients.subscription(topic)
    future = clients.publisher.publish(topic, b"data", ordering_key="k", origin="here")
    clients.publisher.ensure_cleanup_and_commit_timer_runs()
    answer = GapicPublisher.publish(clients.publisher, topic=topic, messages=[{"data": b"gapic"}])
    assert len(answer.message_ids) == 1
    received = {each.message.data: each.message for each in clients.pull_all(subscription, 2)}
    message = received[b"data"]
    assert message.message_id == future.result(timeout=10)
    assert (message.ordering_key, dict(message.attributes)) == ("k", {"origin": "here"})
    assert received[b"gapic"].message_id == answer.message_ids[0]


@covers(PublisherClient, "resume_publish")
def test_a_key_that_failed_is_paused_until_it_is_resumed(clients: Clients) -> None:
    publisher = clients.publisher
    topic = publisher.topic_path(PROJECT, "made-too-late")
    with pytest.raises(exceptions.NotFound):
        publisher.publish(topic, b"1", ordering_key="k").result(timeout=10)
    paused = pubsub_v1.publisher.exceptions.PublishToPausedOrderingKeyException
    with pytest.raises(paused):
        publisher.publish(topic, b"2", ordering_key="k").result(timeout=10)
    publisher.create_topic(name=topic)
    publisher.resume_publish(topic, "k")
    assert publisher.publish(topic, b"3", ordering_key="k").result(timeout=10).isdecimal()
    publisher.delete_topic(topic=topic)


@covers(PublisherClient, "stop", "api", "target", "open_telemetry_enabled")
def test_a_publisher_that_is_stopped_has_published_all(clients: Clients) -> None:
    publisher, topic = PublisherClient(), clients.topic()
    assert publisher.target == clients.publisher.target
    assert publisher.open_telemetry_enabled is False
    with pytest.warns(DeprecationWarning, match="backward compatibility"):
        assert publisher.api.get_topic(topic=topic).name == topic
    future = publisher.publish(topic, b"last")
    publisher.stop()
    assert future.result(timeout=10).isdecimal()
    with pytest.raises(RuntimeError, match="stopped"):
        publisher.publish(topic, b"too late")
    publisher.transport.close()
