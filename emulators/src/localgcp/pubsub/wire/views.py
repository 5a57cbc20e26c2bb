"""A publish request's bytes, read as types that leave out what a publish need not look at.

protobuf reads them in C. A map of attributes in Python for each message would cost more than all
the rest of a publish, and so would laying out the request anew, which is how protobuf counts bytes.
API reference: PublishRequest (topic = 1, messages = 2), PubsubMessage (data = 1, attributes = 2,
ordering_key = 5).
"""

from __future__ import annotations

import sys
from operator import attrgetter

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.unknown_fields import UnknownFieldSet

from localgcp.pubsub.wire.protos import Proto

_PACKAGE = "localgcp.pubsub.views"
_OPTIONAL, _REPEATED = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED
_BYTES, _STRING = FieldDescriptorProto.TYPE_BYTES, FieldDescriptorProto.TYPE_STRING


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
    bare_one.field.add(name="ordering_key", number=5, label=_OPTIONAL, type=_STRING)
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


_ordering_key = attrgetter("ordering_key")


def bodies(request: bytes) -> list[bytes]:
    """The bytes of each message."""
    return list(_LaidOut.FromString(request).messages)


def ordering_keys(request: bytes) -> list[str] | None:
    """Each message's ordering key; None where one has more than data, attributes and a key.

    Keys are interned: there are few, and a backlog may have a million messages.
    """
    read = _Bare.FromString(request)
    messages = list(read.messages)
    if len(UnknownFieldSet(read)) or any(map(len, map(UnknownFieldSet, messages))):
        return None
    return list(map(sys.intern, map(_ordering_key, messages)))
