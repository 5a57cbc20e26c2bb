"""Topics and subscriptions, by the official clients."""

from __future__ import annotations

import pytest
from google.api_core import exceptions

from tests.emulators.pubsub.conftest import PROJECT, Clients


def test_a_topic_from_making_to_deleting(clients: Clients) -> None:
    name = clients.topic(labels={"team": "a"})
    assert dict(clients.publisher.get_topic(topic=name).labels) == {"team": "a"}
    assert name in [
        topic.name for topic in clients.publisher.list_topics(project=f"projects/{PROJECT}")
    ]
    changed = clients.publisher.update_topic(
        request={
            "topic": {"name": name, "labels": {"team": "b"}},
            "update_mask": {"paths": ["labels"]},
        }
    )
    assert dict(changed.labels) == {"team": "b"}
    clients.publisher.delete_topic(topic=name)
    with pytest.raises(exceptions.NotFound, match=name.rpartition("/")[2]):
        clients.publisher.get_topic(topic=name)


def test_a_subscription_from_making_to_deleting(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic, ack_deadline_seconds=30, filter="attributes:k")
    got = clients.subscriber.get_subscription(subscription=name)
    assert (got.topic, got.ack_deadline_seconds, got.filter) == (topic, 30, "attributes:k")
    assert list(clients.publisher.list_topic_subscriptions(topic=topic)) == [name]
    listed = clients.subscriber.list_subscriptions(project=f"projects/{PROJECT}")
    assert name in [subscription.name for subscription in listed]
    changed = clients.subscriber.update_subscription(
        request={
            "subscription": {"name": name, "ack_deadline_seconds": 60},
            "update_mask": {"paths": ["ack_deadline_seconds"]},
        }
    )
    assert changed.ack_deadline_seconds == 60
    clients.publisher.delete_topic(topic=topic)
    assert clients.subscriber.get_subscription(subscription=name).topic == "_deleted-topic_"
    clients.subscriber.delete_subscription(subscription=name)
    with pytest.raises(exceptions.NotFound, match=name.rpartition("/")[2]):
        clients.pull(name)


def test_lists_come_in_pages(clients: Clients) -> None:
    topic = clients.topic()
    names = sorted(clients.subscription(topic) for _ in range(5))
    pager = clients.publisher.list_topic_subscriptions(request={"topic": topic, "page_size": 2})
    assert [list(page.subscriptions) for page in pager.pages] == [names[:2], names[2:4], names[4:]]


def test_twice_is_already_exists(clients: Clients) -> None:
    topic = clients.topic()
    with pytest.raises(exceptions.AlreadyExists, match=topic.rpartition("/")[2]):
        clients.publisher.create_topic(name=topic)


def test_a_bad_id_is_an_invalid_argument(clients: Clients) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="projects/demo-project/topics/1x"):
        clients.publisher.create_topic(name="projects/demo-project/topics/1x")


def test_settings_and_methods_it_lacks_are_named(clients: Clients) -> None:
    topic = clients.topic()
    with pytest.raises(exceptions.MethodNotImplemented, match=r"Subscription\.tags"):
        clients.subscription(topic, tags={"123/env": "456"})


def test_an_empty_message_is_refused(clients: Clients) -> None:
    topic = clients.topic()
    with pytest.raises(exceptions.InvalidArgument, match="is empty"):
        clients.publisher.publish(topic, b"").result(timeout=10)
