"""The methods of snapshots and seeks: request in, domain call, response out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from google.protobuf.empty_pb2 import Empty

from localgcp.pubsub.domain import snapshots
from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.config import Duration, SnapshotConfig
from localgcp.pubsub.domain.names import check_project, page
from localgcp.pubsub.errors import InvalidArgument, Unsupported
from localgcp.pubsub.wire import protos, update_mask
from localgcp.pubsub.wire.protos import Proto

Answer = Callable[[Broker, Proto], Proto]


def shown(config: SnapshotConfig) -> Proto:
    """The Snapshot that clients are shown."""
    resource = protos.Snapshot(name=config.name, topic=config.topic, labels=config.labels)
    resource.expire_time.FromMicroseconds(round(config.expire_time * 1e6))
    return resource


def _create(broker: Broker, request: Proto) -> Proto:
    if request.tags:
        raise Unsupported("CreateSnapshotRequest.tags")
    made = broker.create_snapshot(request.name, request.subscription, dict(request.labels))
    return shown(made.config)


def _get(broker: Broker, request: Proto) -> Proto:
    return shown(broker.snapshots.get(request.snapshot).config)


def _list(broker: Broker, request: Proto) -> Proto:
    prefix = check_project(request.project) + "/"
    names = [name for name in broker.snapshots.by_name if name.startswith(prefix)]
    listed, token = page(names, request.page_size, request.page_token)
    found = [shown(broker.snapshots.by_name[name].config) for name in listed]
    return protos.ListSnapshotsResponse(snapshots=found, next_page_token=token)


def _list_of_topic(broker: Broker, request: Proto) -> Proto:
    names = broker.topic(request.topic).snapshots
    listed, token = page(names, request.page_size, request.page_token)
    return protos.ListTopicSnapshotsResponse(snapshots=listed, next_page_token=token)


def _update(broker: Broker, request: Proto) -> Proto:
    current = broker.snapshots.get(request.snapshot.name).config
    merged = update_mask.merge(
        shown(current), request.snapshot, request.update_mask, snapshots.MUTABLE, snapshots.FIXED
    )
    expires = Duration(merged.expire_time.seconds, merged.expire_time.nanos).total
    broker.snapshots.update(replace(current, labels=dict(merged.labels), expire_time=expires))
    return _get(broker, protos.GetSnapshotRequest(snapshot=current.name))


def _delete(broker: Broker, request: Proto) -> Proto:
    broker.delete_snapshot(request.snapshot)
    return Empty()


def _seek(broker: Broker, request: Proto) -> Proto:
    target = broker.subscription(request.subscription)
    match request.WhichOneof("target"):
        case "time":
            time = Duration(request.time.seconds, request.time.nanos).total
            broker.seeking.to_time(target, time)
        case "snapshot":
            broker.seeking.to_snapshot(target, broker.snapshots.get(request.snapshot))
        case _:
            raise InvalidArgument("The seek request names neither a time nor a snapshot.")
    return protos.SeekResponse()


TOPIC_SNAPSHOTS: tuple[Proto, Answer] = (protos.ListTopicSnapshotsRequest, _list_of_topic)

METHODS: dict[str, tuple[Proto, Answer]] = {
    "CreateSnapshot": (protos.CreateSnapshotRequest, _create),
    "GetSnapshot": (protos.GetSnapshotRequest, _get),
    "ListSnapshots": (protos.ListSnapshotsRequest, _list),
    "UpdateSnapshot": (protos.UpdateSnapshotRequest, _update),
    "DeleteSnapshot": (protos.DeleteSnapshotRequest, _delete),
    "Seek": (protos.SeekRequest, _seek),
}
