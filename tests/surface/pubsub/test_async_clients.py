"""GAPIC's async clients: every method, over one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google import pubsub_v1 as gapic
from google.pubsub_v1 import PublisherAsyncClient, SchemaServiceAsyncClient, SubscriberAsyncClient

from tests.emulators.pubsub.conftest import PROJECT, Clients
from tests.surface.introspect import covers

PARENT = f"projects/{PROJECT}"


@covers(PublisherAsyncClient, "create_topic", "get_topic", "update_topic", "delete_topic")
@covers(PublisherAsyncClient, "list_topics", "list_topic_subscriptions", "list_topic_snapshots")
@covers(PublisherAsyncClient, "publish", "detach_subscription")
def test_publisher(clients: Clients) -> None:
    topic = f"{PARENT}/topics/of-the-async-surface"

    async def use(publisher: PublisherAsyncClient) -> None:
        made = await publisher.create_topic(name=topic)
        assert await publisher.get_topic(topic=topic) == made
        assert made in [each async for each in await publisher.list_topics(project=PARENT)]
        labelled = gapic.Topic(name=topic, labels={"a": "b"})
        changed = await publisher.update_topic(topic=labelled, update_mask={"paths": ["labels"]})
        assert dict(changed.labels) == {"a": "b"}
        name = clients.subscription(topic)
        listed = await publisher.list_topic_subscriptions(topic=topic)
        assert [each async for each in listed] == [name]
        published = await publisher.publish(topic=topic, messages=[{"data": b"a"}])
        assert len(published.message_ids) == 1
        assert [each async for each in await publisher.list_topic_snapshots(topic=topic)] == []
        await publisher.detach_subscription(request={"subscription": name})
        await publisher.delete_topic(topic=topic)

    asyncio.run(using(PublisherAsyncClient, use))


@covers(SubscriberAsyncClient, "create_subscription", "get_subscription", "update_subscription")
@covers(SubscriberAsyncClient, "list_subscriptions", "delete_subscription", "modify_push_config")
@covers(SubscriberAsyncClient, "pull", "acknowledge", "modify_ack_deadline", "streaming_pull")
def test_subscriber(clients: Clients) -> None:
    topic, name = clients.topic(), f"{PARENT}/subscriptions/of-the-async-surface"

    async def use(subscriber: SubscriberAsyncClient) -> None:
        made = await subscriber.create_subscription(name=name, topic=topic)
        assert await subscriber.get_subscription(subscription=name) == made
        listed = await subscriber.list_subscriptions(project=PARENT)
        assert made in [each async for each in listed]
        changed = await subscriber.update_subscription(
            subscription={"name": name, "labels": {"a": "b"}}, update_mask={"paths": ["labels"]}
        )
        assert dict(changed.labels) == {"a": "b"}
        await subscriber.modify_push_config(subscription=name, push_config={})
        clients.publish(topic, b"a")
        [received] = (await subscriber.pull(subscription=name, max_messages=1)).received_messages
        await subscriber.modify_ack_deadline(
            subscription=name, ack_ids=[received.ack_id], ack_deadline_seconds=0
        )
        first = gapic.StreamingPullRequest(subscription=name, stream_ack_deadline_seconds=10)
        stream = await subscriber.streaming_pull(requests=one_and_no_end(first))
        [streamed] = (await anext(aiter(stream))).received_messages
        stream.cancel()
        assert streamed.message == received.message
        await subscriber.acknowledge(subscription=name, ack_ids=[streamed.ack_id])
        await subscriber.delete_subscription(subscription=name)

    asyncio.run(using(SubscriberAsyncClient, use))


@covers(SubscriberAsyncClient, "list_snapshots", "create_snapshot", "get_snapshot")
@covers(SubscriberAsyncClient, "update_snapshot", "delete_snapshot", "seek")
def test_snapshots(clients: Clients) -> None:
    subscription, name = clients.subscription(clients.topic()), f"{PARENT}/snapshots/of-async"

    async def use(subscriber: SubscriberAsyncClient) -> None:
        made = await subscriber.create_snapshot(name=name, subscription=subscription)
        assert [each async for each in await subscriber.list_snapshots(project=PARENT)] == [made]
        changed = await subscriber.update_snapshot(
            snapshot={"name": name, "labels": {"a": "b"}}, update_mask={"paths": ["labels"]}
        )
        assert changed == await subscriber.get_snapshot(snapshot=name)
        await subscriber.seek(request={"subscription": subscription, "snapshot": name})
        await subscriber.delete_snapshot(snapshot=name)

    asyncio.run(using(SubscriberAsyncClient, use))


@covers(SchemaServiceAsyncClient, "list_schemas", "create_schema", "get_schema", "delete_schema")
@covers(SchemaServiceAsyncClient, "list_schema_revisions", "commit_schema", "rollback_schema")
@covers(SchemaServiceAsyncClient, "delete_schema_revision", "validate_schema", "validate_message")
def test_schema_service(clients: Clients) -> None:
    definition = '{"type": "record", "name": "R", "fields": []}'
    schema = gapic.Schema(type_="AVRO", definition=definition)

    async def use(schemas: SchemaServiceAsyncClient) -> None:
        await schemas.validate_schema(parent=PARENT, schema=schema)
        made = await schemas.create_schema(
            parent=PARENT, schema=schema, schema_id="of-the-async-surface"
        )
        name = made.name
        assert await schemas.get_schema(name=name) == made
        assert name in [each.name async for each in await schemas.list_schemas(parent=PARENT)]
        message = {"parent": PARENT, "name": name, "message": b"{}", "encoding": "JSON"}
        await schemas.validate_message(request=message)
        committed = await schemas.commit_schema(name=name, schema=schema)
        await schemas.rollback_schema(name=name, revision_id=made.revision_id)
        await schemas.delete_schema_revision(name=f"{name}@{committed.revision_id}")
        revisions = await schemas.list_schema_revisions(name=name)
        assert len([each async for each in revisions]) == 2
        await schemas.delete_schema(name=name)

    asyncio.run(using(SchemaServiceAsyncClient, use))


@covers(PublisherAsyncClient, "get_iam_policy", "set_iam_policy", "test_iam_permissions")
@covers(SubscriberAsyncClient, "get_iam_policy", "set_iam_policy", "test_iam_permissions")
@covers(SchemaServiceAsyncClient, "get_iam_policy", "set_iam_policy", "test_iam_permissions")
@pytest.mark.parametrize(
    "cls", [PublisherAsyncClient, SubscriberAsyncClient, SchemaServiceAsyncClient]
)
def test_policies(clients: Clients, cls: Any) -> None:
    of = {"resource": clients.topic()}
    granted = {"role": "roles/pubsub.viewer", "members": ["domain:example.com"]}

    async def use(client: Any) -> None:
        before = await client.get_iam_policy(request=of)
        assert not before.bindings
        changed = {"bindings": [granted], "etag": before.etag}
        after = await client.set_iam_policy(request=of | {"policy": changed})
        assert after == await client.get_iam_policy(request=of)
        asked = of | {"permissions": ["pubsub.topics.get"]}
        assert (await client.test_iam_permissions(request=asked)).permissions

    asyncio.run(using(cls, use))


async def using(cls: Any, use: Any) -> None:
    async with cls() as client:
        await use(client)


async def one_and_no_end(request: Any) -> AsyncIterator[Any]:
    """What keeps a stream open."""
    yield request
    await asyncio.Event().wait()
