"""A publish request's bytes, read as types that leave out what a publish need not look at.

protobuf reads them in C. An object in Python for each message and for each map of attributes would
cost more than all the rest of a publish.
API reference: PublishRequest (topic = 1, messages = 2), PubsubMessage (data = 1, attributes = 2).
"""

from __future__ import annotations

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from localgcp.pubsub.wire.protos import Proto

_PACKAGE = "localgcp.pubsub.views"
_OPTIONAL, _REPEATED = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED
_BYTES = FieldDescriptorProto.TYPE_BYTES


def _pool() -> DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name="views.proto", package=_PACKAGE, syntax="proto3")
    laid_out = file.message_type.add(name="LaidOut")
    _add(laid_out, "topic", 1, _OPTIONAL)
    _add(laid_out, "messages", 2, _REPEATED)
    bare = file.message_type.add(name="Bare")
    _add(bare, "topic", 1, _OPTIONAL)
    messages = bare.field.add(name="messages", number=2, label=_REPEATED)
    messages.type, messages.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{_PACKAGE}.BareOne"
    bare_one = file.message_type.add(name="BareOne")
    _add(bare_one, "data", 1, _OPTIONAL)
    _add(bare_one, "attributes", 2, _REPEATED)
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _add(
    to: DescriptorProto, name: str, number: int, label: FieldDescriptorProto.Label.ValueType
) -> None:
    to.field.add(name=name, number=number, label=label, type=_BYTES)


_POOL = _pool()
_LaidOut: Proto = message_factory.GetMessageClass(
    _POOL.FindMessageTypeByName(f"{_PACKAGE}.LaidOut")
)
_Bare: Proto = message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.Bare"))


def bodies(request: bytes) -> list[bytes]:
    """The bytes of each message."""
    return list(_LaidOut.FromString(request).messages)


def bare(request: bytes) -> bool:
    """Whether no message has more than data and attributes."""
    read = _Bare.FromString(request)
    read.DiscardUnknownFields()
    return bool(read.ByteSize() == len(request))
