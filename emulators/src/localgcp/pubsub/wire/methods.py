"""The API's methods that answer at once: request in, domain call, response out.

gRPC and REST both go through this table, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from google.protobuf.empty_pb2 import Empty

from localgcp.pubsub.domain import subscription_config, topic
from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.names import check_project, page
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.wire import (
    configs,
    layout,
    policy_methods,
    protos,
    replay_methods,
    schema_methods,
    update_mask,
)
from localgcp.pubsub.wire.protos import Proto


@dataclass(frozen=True)
class Method:
    """The class of its request, and what answers it: a request that was read, or its bytes."""

    request: Proto
    answer: Callable[[Broker, Proto], Proto]
    from_bytes: Callable[[Broker, bytes], Proto] | None = None
    """Given where the bytes are read sooner than the class reads them."""

    def answer_bytes(self, broker: Broker, raw: bytes) -> Proto:
        """Read a request and answer it."""
        if self.from_bytes is not None:
            return self.from_bytes(broker, raw)
        return self.answer(broker, protos.parse(self.request, raw))


def _create_topic(broker: Broker, request: Proto) -> Proto:
    return configs.topic(broker.create_topic(configs.read_topic(request)).config)


def _get_topic(broker: Broker, request: Proto) -> Proto:
    return configs.topic(broker.topic(request.topic).config)


def _update_topic(broker: Broker, request: Proto) -> Proto:
    current = configs.topic(broker.topic(request.topic.name).config)
    merged = update_mask.merge(
        current, request.topic, request.update_mask, topic.MUTABLE, topic.FIXED
    )
    return configs.topic(broker.update_topic(configs.read_topic(merged)).config)


def _list_topics(broker: Broker, request: Proto) -> Proto:
    names = _within(request.project, broker.topics)
    listed, token = page(names, request.page_size, request.page_token)
    topics = [configs.topic(broker.topics[name].config) for name in listed]
    return protos.ListTopicsResponse(topics=topics, next_page_token=token)


def _list_topic_subscriptions(broker: Broker, request: Proto) -> Proto:
    names = broker.topic(request.topic).subscriptions
    listed, token = page(names, request.page_size, request.page_token)
    return protos.ListTopicSubscriptionsResponse(subscriptions=listed, next_page_token=token)


def _shown(subscription: Subscription) -> Proto:
    return configs.subscription(subscription.config, subscription.destination)


def _create_subscription(broker: Broker, request: Proto) -> Proto:
    made = broker.create_subscription(configs.read_subscription(request))
    return _shown(made)


def _get_subscription(broker: Broker, request: Proto) -> Proto:
    return _shown(broker.subscription(request.subscription))


def _update_subscription(broker: Broker, request: Proto) -> Proto:
    wanted = request.subscription
    merged = update_mask.merge(
        configs.subscription(broker.subscription(wanted.name).config),
        wanted,
        request.update_mask,
        subscription_config.MUTABLE,
        subscription_config.FIXED,
    )
    return _shown(broker.update_subscription(configs.read_subscription(merged)))


def _list_subscriptions(broker: Broker, request: Proto) -> Proto:
    names = _within(request.project, broker.subscriptions)
    listed, token = page(names, request.page_size, request.page_token)
    subscriptions = [_shown(broker.subscriptions[name]) for name in listed]
    return protos.ListSubscriptionsResponse(subscriptions=subscriptions, next_page_token=token)


def _detach_subscription(broker: Broker, request: Proto) -> Proto:
    broker.detach_subscription(request.subscription)
    return protos.DetachSubscriptionResponse()


def _delete_topic(broker: Broker, request: Proto) -> Proto:
    broker.delete_topic(request.topic)
    return Empty()


def _publish(broker: Broker, request: Proto) -> Proto:
    return _publish_bytes(broker, request.SerializeToString())


def _publish_bytes(broker: Broker, raw: bytes) -> Proto:
    message_ids = broker.publish(*layout.read(raw))
    return protos.PublishResponse(message_ids=message_ids)


def _delete_subscription(broker: Broker, request: Proto) -> Proto:
    broker.delete_subscription(request.subscription)
    return Empty()


def _modify_push_config(broker: Broker, request: Proto) -> Proto:
    push_config = configs.read_push_config(request.push_config)
    broker.modify_push_config(request.subscription, push_config)
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
    "CreateTopic": Method(protos.Topic, _create_topic),
    "GetTopic": Method(protos.GetTopicRequest, _get_topic),
    "UpdateTopic": Method(protos.UpdateTopicRequest, _update_topic),
    "DeleteTopic": Method(protos.DeleteTopicRequest, _delete_topic),
    "ListTopics": Method(protos.ListTopicsRequest, _list_topics),
    "ListTopicSubscriptions": Method(
        protos.ListTopicSubscriptionsRequest, _list_topic_subscriptions
    ),
    "ListTopicSnapshots": Method(*replay_methods.TOPIC_SNAPSHOTS),
    "DetachSubscription": Method(protos.DetachSubscriptionRequest, _detach_subscription),
    "Publish": Method(protos.PublishRequest, _publish, _publish_bytes),
}

_SUBSCRIBER = {
    "CreateSubscription": Method(protos.Subscription, _create_subscription),
    "GetSubscription": Method(protos.GetSubscriptionRequest, _get_subscription),
    "UpdateSubscription": Method(protos.UpdateSubscriptionRequest, _update_subscription),
    "DeleteSubscription": Method(protos.DeleteSubscriptionRequest, _delete_subscription),
    "ListSubscriptions": Method(protos.ListSubscriptionsRequest, _list_subscriptions),
    "ModifyPushConfig": Method(protos.ModifyPushConfigRequest, _modify_push_config),
    "Acknowledge": Method(protos.AcknowledgeRequest, _acknowledge),
    "ModifyAckDeadline": Method(protos.ModifyAckDeadlineRequest, _modify_ack_deadline),
    **{name: Method(*parts) for name, parts in replay_methods.METHODS.items()},
}

_SCHEMA_SERVICE = {name: Method(*parts) for name, parts in schema_methods.METHODS.items()}
_IAM_POLICY = {name: Method(*parts) for name, parts in policy_methods.METHODS.items()}

PUBLISHER, SUBSCRIBER = "google.pubsub.v1.Publisher", "google.pubsub.v1.Subscriber"
SCHEMA_SERVICE, IAM_POLICY = "google.pubsub.v1.SchemaService", "google.iam.v1.IAMPolicy"

# The methods of each service that are answered at once; Pull and StreamingPull may wait, and stand
# elsewhere; every other method is refused by its name.
SERVICES = {
    PUBLISHER: _PUBLISHER,
    SUBSCRIBER: _SUBSCRIBER,
    SCHEMA_SERVICE: _SCHEMA_SERVICE,
    IAM_POLICY: _IAM_POLICY,
}
