"""The API's message classes, as plain protobuf: proto-plus wrappers cost ten times as much."""

from __future__ import annotations

from typing import Any, TypeAlias

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from google.pubsub_v1 import types

from localgcp.pubsub.errors import InvalidArgument

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
ListTopicSnapshotsRequest = types.ListTopicSnapshotsRequest.pb()
ListTopicSnapshotsResponse = types.ListTopicSnapshotsResponse.pb()
DetachSubscriptionRequest = types.DetachSubscriptionRequest.pb()
DetachSubscriptionResponse = types.DetachSubscriptionResponse.pb()
PubsubMessage = types.PubsubMessage.pb()
PublishRequest = types.PublishRequest.pb()
PublishResponse = types.PublishResponse.pb()

Subscription = types.Subscription.pb()
GetSubscriptionRequest = types.GetSubscriptionRequest.pb()
UpdateSubscriptionRequest = types.UpdateSubscriptionRequest.pb()
DeleteSubscriptionRequest = types.DeleteSubscriptionRequest.pb()
ListSubscriptionsRequest = types.ListSubscriptionsRequest.pb()
ListSubscriptionsResponse = types.ListSubscriptionsResponse.pb()
Snapshot = types.Snapshot.pb()
CreateSnapshotRequest = types.CreateSnapshotRequest.pb()
GetSnapshotRequest = types.GetSnapshotRequest.pb()
UpdateSnapshotRequest = types.UpdateSnapshotRequest.pb()
DeleteSnapshotRequest = types.DeleteSnapshotRequest.pb()
SeekRequest = types.SeekRequest.pb()
SeekResponse = types.SeekResponse.pb()
ListSnapshotsRequest = types.ListSnapshotsRequest.pb()
ListSnapshotsResponse = types.ListSnapshotsResponse.pb()
ModifyPushConfigRequest = types.ModifyPushConfigRequest.pb()
PullRequest = types.PullRequest.pb()
PullResponse = types.PullResponse.pb()
StreamingPullRequest = types.StreamingPullRequest.pb()
StreamingPullResponse = types.StreamingPullResponse.pb()
AcknowledgeRequest = types.AcknowledgeRequest.pb()
ModifyAckDeadlineRequest = types.ModifyAckDeadlineRequest.pb()

Schema = types.Schema.pb()
CreateSchemaRequest = types.CreateSchemaRequest.pb()
GetSchemaRequest = types.GetSchemaRequest.pb()
ListSchemasRequest = types.ListSchemasRequest.pb()
ListSchemasResponse = types.ListSchemasResponse.pb()
ListSchemaRevisionsRequest = types.ListSchemaRevisionsRequest.pb()
ListSchemaRevisionsResponse = types.ListSchemaRevisionsResponse.pb()
CommitSchemaRequest = types.CommitSchemaRequest.pb()
RollbackSchemaRequest = types.RollbackSchemaRequest.pb()
DeleteSchemaRevisionRequest = types.DeleteSchemaRevisionRequest.pb()
DeleteSchemaRequest = types.DeleteSchemaRequest.pb()
ValidateSchemaRequest = types.ValidateSchemaRequest.pb()
ValidateSchemaResponse = types.ValidateSchemaResponse.pb()
ValidateMessageRequest = types.ValidateMessageRequest.pb()
ValidateMessageResponse = types.ValidateMessageResponse.pb()


def read(cls: Proto, raw: bytes) -> Proto:
    """Read a request, with fields that we lack. Raises InvalidArgument for what is none."""
    try:
        return cls.FromString(raw)
    except DecodeError as error:
        raise InvalidArgument(f"The request is no {cls.DESCRIPTOR.name}: {error}") from error


def parse(cls: Proto, raw: bytes) -> Proto:
    """Read a request. Raises InvalidArgument for what is none, or has a field that we lack."""
    request = read(cls, raw)
    size = request.ByteSize()
    request.DiscardUnknownFields()
    if request.ByteSize() != size:
        raise InvalidArgument(f"{_unknown(cls.FromString(raw))} is unknown to the emulator.")
    return request


def _unknown(message: Proto) -> str:
    """The first field, by its number, that the message's type does not have; "" without one."""
    kind = message.DESCRIPTOR.name
    unknown: Any = UnknownFieldSet(message)  # a sequence that its types do not call one
    if len(unknown):
        return f"Field {unknown[0].field_number} of {kind}"
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for inner in value if field.is_repeated else [value]:
            if found := _unknown(inner):
                return found
    return ""
