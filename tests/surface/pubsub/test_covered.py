from __future__ import annotations

import pytest
from google import pubsub_v1 as gapic
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1 import types
from google.cloud.pubsub_v1.publisher import futures as publisher
from google.cloud.pubsub_v1.subscriber import futures as subscriber
from google.cloud.pubsub_v1.subscriber import message, scheduler

from tests.surface.introspect import public, uncovered

CLASSES = [
    pubsub_v1.PublisherClient,
    pubsub_v1.SubscriberClient,
    pubsub_v1.SchemaServiceClient,
    gapic.PublisherAsyncClient,
    gapic.SubscriberAsyncClient,
    gapic.SchemaServiceAsyncClient,
    publisher.Future,
    subscriber.Future,
    subscriber.StreamingPullFuture,
    message.Message,
    scheduler.Scheduler,
    scheduler.ThreadScheduler,
    types.BatchSettings,
    types.FlowControl,
    types.PublisherOptions,
    types.PublishFlowControl,
    types.LimitExceededBehavior,
]


@pytest.mark.parametrize("owner", CLASSES, ids=lambda owner: f"{owner.__module__}.{owner.__name__}")
def test_every_public_name_has_a_case(owner: type) -> None:
    of_python = (
        public(tuple) | public(str) | {"name", "value"} if issubclass(owner, tuple | str) else set()
    )
    assert set(uncovered(owner, __package__)) - of_python == set()


def test_the_clients_of_gapic_differ_in_publish_alone() -> None:
    for name in ("PublisherClient", "SubscriberClient", "SchemaServiceClient"):
        plain, ours = getattr(gapic, name), getattr(pubsub_v1, name)
        assert public(plain) <= public(ours)
        differ = {method for method in public(plain) if _code(plain, method) != _code(ours, method)}
        own = {"publish"} if name == "PublisherClient" else set()
        keys = {"from_service_account_file", "from_service_account_json"}
        assert differ == (own if name == "SchemaServiceClient" else own | keys)


def _code(owner: type, name: str) -> object:
    """What stands for the method, past the binding to its class."""
    found = getattr(owner, name)
    return getattr(found, "__func__", found)
