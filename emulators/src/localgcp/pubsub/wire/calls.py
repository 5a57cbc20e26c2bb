"""The API's methods that answer at once: request in, domain call, response out.

gRPC and REST both go through this table, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from google.protobuf.empty_pb2 import Empty

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.names import check_project, page
from localgcp.pubsub.wire import protos, schema_calls
from localgcp.pubsub.wire.protos import Proto


@dataclass(frozen=True)
class Call:
    """One method: the class of its request, and what answers it."""

    request: Proto
    answer: Callable[[Broker, Proto], Proto]


def _list_topics(broker: Broker, request: Proto) -> Proto:
    names = _within(request.project, broker.topics)
    listed, token = page(names, request.page_size, request.page_token)
    topics = [broker.topics[name].config for name in listed]
    return protos.ListTopicsResponse(topics=topics, next_page_token=token)


def _list_topic_subscriptions(broker: Broker, request: Proto) -> Proto:
    names = broker.topic(request.topic).subscriptions
    listed, token = page(names, request.page_size, request.page_token)
    return protos.ListTopicSubscriptionsResponse(subscriptions=listed, next_page_token=token)


def _list_subscriptions(broker: Broker, request: Proto) -> Proto:
    names = _within(request.project, broker.subscriptions)
    listed, token = page(names, request.page_size, request.page_token)
    subscriptions = [broker.subscriptions[name].config for name in listed]
    return protos.ListSubscriptionsResponse(subscriptions=subscriptions, next_page_token=token)


def _list_topic_snapshots(broker: Broker, request: Proto) -> Proto:
    broker.topic(request.topic)
    return protos.ListTopicSnapshotsResponse()  # none can be made


def _detach_subscription(broker: Broker, request: Proto) -> Proto:
    broker.detach_subscription(request.subscription)
    return protos.DetachSubscriptionResponse()


def _delete_topic(broker: Broker, request: Proto) -> Proto:
    broker.delete_topic(request.topic)
    return Empty()


def _publish(broker: Broker, request: Proto) -> Proto:
    return protos.PublishResponse(message_ids=broker.publish(request.topic, request.messages))


def _delete_subscription(broker: Broker, request: Proto) -> Proto:
    broker.delete_subscription(request.subscription)
    return Empty()


def _list_snapshots(broker: Broker, request: Proto) -> Proto:
    check_project(request.project)
    return protos.ListSnapshotsResponse()  # none can be made


def _modify_push_config(broker: Broker, request: Proto) -> Proto:
    broker.modify_push_config(request.subscription, request.push_config)
    return Empty()


def _acknowledge(broker: Broker, request: Proto) -> Proto:
    broker.acknowledge(request.subscription, request.ack_ids)
    return Empty()


def _modify_ack_deadline(broker: Broker, request: Proto) -> Proto:
    broker.modify_ack_deadline(request.subscription, request.ack_ids, request.ack_deadline_seconds)
    return Empty()


def _within(project: str, names: Iterable[str]) -> list[str]:
    prefix = check_project(project) + "/"
    return [name for name in names if name.startswith(prefix)]


_PUBLISHER = {
    "CreateTopic": Call(protos.Topic, lambda broker, r: broker.create_topic(r).config),
    "GetTopic": Call(protos.GetTopicRequest, lambda broker, r: broker.topic(r.topic).config),
    "UpdateTopic": Call(
        protos.UpdateTopicRequest,
        lambda broker, r: broker.update_topic(r.topic, r.update_mask).config,
    ),
    "DeleteTopic": Call(protos.DeleteTopicRequest, _delete_topic),
    "ListTopics": Call(protos.ListTopicsRequest, _list_topics),
    "ListTopicSubscriptions": Call(protos.ListTopicSubscriptionsRequest, _list_topic_subscriptions),
    "ListTopicSnapshots": Call(protos.ListTopicSnapshotsRequest, _list_topic_snapshots),
    "DetachSubscription": Call(protos.DetachSubscriptionRequest, _detach_subscription),
    "Publish": Call(protos.PublishRequest, _publish),
}

_SUBSCRIBER = {
    "CreateSubscription": Call(
        protos.Subscription, lambda broker, r: broker.create_subscription(r).config
    ),
    "GetSubscription": Call(
        protos.GetSubscriptionRequest, lambda broker, r: broker.subscription(r.subscription).config
    ),
    "UpdateSubscription": Call(
        protos.UpdateSubscriptionRequest,
        lambda broker, r: broker.update_subscription(r.subscription, r.update_mask).config,
    ),
    "DeleteSubscription": Call(protos.DeleteSubscriptionRequest, _delete_subscription),
    "ListSubscriptions": Call(protos.ListSubscriptionsRequest, _list_subscriptions),
    "ListSnapshots": Call(protos.ListSnapshotsRequest, _list_snapshots),
    "ModifyPushConfig": Call(protos.ModifyPushConfigRequest, _modify_push_config),
    "Acknowledge": Call(protos.AcknowledgeRequest, _acknowledge),
    "ModifyAckDeadline": Call(protos.ModifyAckDeadlineRequest, _modify_ack_deadline),
}

_SCHEMA_SERVICE = {name: Call(*parts) for name, parts in schema_calls.CALLS.items()}

PUBLISHER, SUBSCRIBER = "google.pubsub.v1.Publisher", "google.pubsub.v1.Subscriber"
SCHEMA_SERVICE, IAM_POLICY = "google.pubsub.v1.SchemaService", "google.iam.v1.IAMPolicy"

# The methods of each service that are answered at once; Pull and StreamingPull may wait, and stand
# elsewhere; every other method is refused by its name.
SERVICES = {PUBLISHER: _PUBLISHER, SUBSCRIBER: _SUBSCRIBER, SCHEMA_SERVICE: _SCHEMA_SERVICE}
