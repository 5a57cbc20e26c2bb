from __future__ import annotations

import logging
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1 import SubscriberClient

from tests.emulators.pubsub.conftest import PROJECT, Clients
from tests.surface.introspect import covers
from tests.surface.pubsub.refusals import refused


@covers(SubscriberClient, "create_subscription", "get_subscription", "update_subscription")
@covers(SubscriberClient, "list_subscriptions", "delete_subscription", "modify_push_config")
def test_subscriptions(clients: Clients) -> None:
    subscriber, topic = clients.subscriber, clients.topic()
    name = subscriber.subscription_path(PROJECT, "of-the-surface")
    made = subscriber.create_subscription(name=name, topic=topic, ack_deadline_seconds=30)
    assert (made.state.name, made.ack_deadline_seconds) == ("ACTIVE", 30)
    assert made.message_retention_duration.days == 7
    changed = subscriber.update_subscription(
        subscription={"name": name, "labels": {"team": "a"}}, update_mask={"paths": ["labels"]}
    )
    assert changed == subscriber.get_subscription(subscription=name)
    assert changed in list(subscriber.list_subscriptions(project=f"projects/{PROJECT}"))
    endpoint = {"push_endpoint": "http://127.0.0.1:9/never"}
    assert subscriber.modify_push_config(subscription=name, push_config=endpoint) is None
    pushed = subscriber.get_subscription(subscription=name)
    assert pushed.push_config.push_endpoint == endpoint["push_endpoint"]
    assert subscriber.delete_subscription(subscription=name) is None
    with pytest.raises(exceptions.NotFound, match="of-the-surface"):
        subscriber.get_subscription(subscription=name)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bigtable_config", {"table": "t"}),
        ("tags", {"123/env": "456"}),
    ],
)
def test_a_subscriptions_settings_that_it_lacks_are_named(
    clients: Clients, field: str, value: Any
) -> None:
    topic = clients.topic()
    with refused(f"Subscription.{field}"):
        clients.subscription(topic, **{field: value})
    name = clients.subscription(topic)
    with refused(f"Subscription.{field}"):
        clients.subscriber.update_subscription(
            subscription={"name": name, field: value}, update_mask={"paths": [field]}
        )


def test_nested_settings(clients: Clients) -> None:
    push = {"push_endpoint": "http://127.0.0.1:9/never", "no_wrapper": {"write_metadata": True}}
    token = {"service_account_email": "a@b.c", "audience": "d"}
    name = clients.subscription(
        clients.topic(),
        expiration_policy={"ttl": {"seconds": 86400}},
        push_config=push | {"oidc_token": token},
    )
    shown = clients.subscriber.get_subscription(subscription=name)
    assert shown.expiration_policy.ttl.days == 1
    assert shown.push_config.no_wrapper.write_metadata
    assert shown.push_config.oidc_token.audience == "d"
    with refused(r"PushConfig.attributes\[x-goog-version\]=v1beta1"):
        clients.subscription(
            clients.topic(), push_config={"attributes": {"x-goog-version": "v1beta1"}}
        )


@covers(SubscriberClient, "pull", "acknowledge", "modify_ack_deadline")
def test_pull(clients: Clients) -> None:
    subscriber, topic = clients.subscriber, clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, b"a")
    [received] = subscriber.pull(subscription=name, max_messages=10).received_messages
    assert received.message.data == b"a"
    ids = [received.ack_id]
    assert (
        subscriber.modify_ack_deadline(subscription=name, ack_ids=ids, ack_deadline_seconds=0)
        is None
    )
    [again] = subscriber.pull(subscription=name, max_messages=10).received_messages
    assert again.message == received.message
    assert subscriber.acknowledge(subscription=name, ack_ids=[again.ack_id]) is None
    assert clients.pull(name, timeout=1) == []


@pytest.mark.parametrize("ids", [[], ["made-up"]])
def test_acks_of_nothing_are_refused(clients: Clients, ids: list[str]) -> None:
    name = clients.subscription(clients.topic())
    with pytest.raises(exceptions.InvalidArgument, match="ack"):
        clients.subscriber.acknowledge(request={"subscription": name, "ack_ids": ids})
    with pytest.raises(exceptions.InvalidArgument, match="ack"):
        clients.subscriber.modify_ack_deadline(
            request={"subscription": name, "ack_ids": ids, "ack_deadline_seconds": 10}
        )


@covers(SubscriberClient, "streaming_pull")
def test_streaming_pull(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, b"a")
    first = {"subscription": name, "stream_ack_deadline_seconds": 10}
    stream = clients.subscriber.streaming_pull(requests=iter([first]))
    [received] = next(iter(stream)).received_messages
    assert received.message.data == b"a"
    stream.cancel()


@covers(SubscriberClient, "list_snapshots", "create_snapshot", "get_snapshot")
@covers(SubscriberClient, "update_snapshot", "delete_snapshot", "seek")
def test_snapshots_and_seeks(clients: Clients) -> None:
    subscriber, topic = clients.subscriber, clients.topic()
    subscription = clients.subscription(topic, retain_acked_messages=True)
    clients.publish(topic, b"a")
    name = subscriber.snapshot_path(PROJECT, "of-the-surface")
    made = subscriber.create_snapshot(name=name, subscription=subscription)
    assert (made.name, made.topic) == (name, topic)
    assert list(subscriber.list_snapshots(project=f"projects/{PROJECT}")) == [made]
    assert list(clients.publisher.list_topic_snapshots(topic=topic)) == [name]
    changed = subscriber.update_snapshot(
        snapshot={"name": name, "labels": {"team": "a"}}, update_mask={"paths": ["labels"]}
    )
    assert dict(changed.labels) == {"team": "a"}
    assert changed == subscriber.get_snapshot(snapshot=name)
    [received] = clients.pull(subscription)
    subscriber.acknowledge(subscription=subscription, ack_ids=[received.ack_id])
    for target in ({"snapshot": name}, {"time": received.message.publish_time}):
        subscriber.seek(request={"subscription": subscription} | target)
        [again] = clients.pull(subscription)
        assert again.message == received.message
        subscriber.acknowledge(subscription=subscription, ack_ids=[again.ack_id])
    assert subscriber.delete_snapshot(snapshot=name) is None
    with pytest.raises(exceptions.NotFound, match="of-the-surface"):
        subscriber.seek(request={"subscription": subscription, "snapshot": name})


@covers(SubscriberClient, "close", "closed", "api", "target", "open_telemetry_enabled")
def test_a_subscriber_is_closed_once(clients: Clients) -> None:
    subscriber, subscription = SubscriberClient(), clients.subscription(clients.topic())
    assert subscriber.target == clients.subscriber.target
    assert subscriber.open_telemetry_enabled is False
    with pytest.warns(DeprecationWarning, match="backward compatibility"):
        assert subscriber.api.get_subscription(subscription=subscription).name == subscription
    assert not subscriber.closed
    subscriber.close()
    subscriber.close()
    assert subscriber.closed
    with pytest.raises(ValueError, match="closed channel"):
        subscriber.get_subscription(subscription=subscription)


@covers(SubscriberClient, "subscribe")
def test_subscribe_ends_by_the_servers_word(
    clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)  # the client's own account of it
    nowhere = clients.subscriber.subscription_path(PROJECT, "nowhere")
    future = clients.subscriber.subscribe(nowhere, lambda message: message.ack())
    with pytest.raises(exceptions.NotFound, match="nowhere"):
        future.result(timeout=10)
    name = clients.subscription(clients.topic())
    future = clients.subscriber.subscribe(name, lambda message: message.ack())
    clients.publisher.detach_subscription(request={"subscription": name})
    with pytest.raises(exceptions.FailedPrecondition, match="is detached"):
        future.result(timeout=10)
