"""The API's message classes, as plain protobuf: proto-plus wrappers cost ten times as much."""

from __future__ import annotations

from typing import Any, TypeAlias

from google.pubsub_v1 import types

from localgcp.pubsub.errors import Unsupported

# protobuf builds these classes at run time, so a type checker can know no more of them.
Proto: TypeAlias = Any

Topic = types.Topic.pb()
GetTopicRequest = types.GetTopicRequest.pb()
UpdateTopicRequest = types.UpdateTopicRequest.pb()
DeleteTopicRequest = types.DeleteTopicRequest.pb()
ListTopicsRequest = types.ListTopicsRequest.pb()
ListTopicsResponse = types.ListTopicsResponse.pb()
ListTopicSubscriptionsRequest = types.ListTopicSubscriptionsRequest.pb()
ListTopicSubscriptionsResponse = types.ListTopicSubscriptionsResponse.pb()
PubsubMessage = types.PubsubMessage.pb()
PublishRequest = types.PublishRequest.pb()
PublishResponse = types.PublishResponse.pb()

Subscription = types.Subscription.pb()
GetSubscriptionRequest = types.GetSubscriptionRequest.pb()
UpdateSubscriptionRequest = types.UpdateSubscriptionRequest.pb()
DeleteSubscriptionRequest = types.DeleteSubscriptionRequest.pb()
ListSubscriptionsRequest = types.ListSubscriptionsRequest.pb()
ListSubscriptionsResponse = types.ListSubscriptionsResponse.pb()
ModifyPushConfigRequest = types.ModifyPushConfigRequest.pb()
PullRequest = types.PullRequest.pb()
PullResponse = types.PullResponse.pb()
StreamingPullRequest = types.StreamingPullRequest.pb()
AcknowledgeRequest = types.AcknowledgeRequest.pb()
ModifyAckDeadlineRequest = types.ModifyAckDeadlineRequest.pb()


def refuse_all_but(supported: frozenset[str], config: Proto) -> None:
    """Raise Unsupported naming the first field that is set and not in `supported`."""
    for field, _ in config.ListFields():
        if field.name not in supported:
            raise Unsupported(f"{config.DESCRIPTOR.name}.{field.name}")
