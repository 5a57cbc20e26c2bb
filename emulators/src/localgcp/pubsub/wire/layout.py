"""Messages in bytes as clients read them: a serialized PubsubMessage.

This module is the Layout that the domain is given. A publisher's message is serialized once, its
id and publish time are appended, and those bytes go out as they are.
API reference: PubsubMessage (message_id = 3, publish_time = 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from google.protobuf.message import DecodeError

from localgcp.pubsub.domain.message import Attributes, Draft, Message
from localgcp.pubsub.wire.protos import Proto, PubsubMessage

_MESSAGE_ID_TAG, _PUBLISH_TIME_TAG = b"\x1a", b"\x22"


def drafts(messages: Iterable[Proto]) -> list[Draft]:
    """A publish request's messages, without the ids and times that are not a publisher's to set."""
    made = []
    for proto in messages:
        proto.ClearField("message_id")
        proto.ClearField("publish_time")
        # The map itself: a dict of it would cost a fourth of the publish.
        body = proto.SerializeToString()
        made.append(Draft(proto.data, proto.attributes, proto.ordering_key, body))
    return made


def lay_out(data: bytes, attributes: Attributes, ordering_key: str) -> Draft:
    """A message that the emulator itself publishes."""
    proto = PubsubMessage(data=data, attributes=attributes, ordering_key=ordering_key)
    return Draft(data, attributes, ordering_key, proto.SerializeToString())


def stamp(drafts: Sequence[Draft], first_id: int, now: float) -> list[Message]:
    """Give messages consecutive ids from `first_id` and the publish time `now`."""
    time_field = _publish_time(now)
    stamped = []
    for number, (_, _, ordering_key, body) in enumerate(drafts, first_id):
        digits = b"%d" % number
        wire = b"".join((body, _MESSAGE_ID_TAG, bytes((len(digits),)), digits, time_field))
        stamped.append(Message(number, wire, now, ordering_key))
    return stamped


def proto(message: Message) -> Proto:
    """A message parsed; a new object each time."""
    return PubsubMessage.FromString(message.wire)


def attributes(message: Message) -> Attributes:
    """A message's attributes."""
    return dict(proto(message).attributes)


def data(message: Message) -> bytes:
    """A message's payload."""
    payload: bytes = proto(message).data
    return payload


def restored(wire: bytes) -> Message:
    """The message that `wire` was taken from. Raises ValueError."""
    try:
        parsed = PubsubMessage.FromString(wire)
    except DecodeError as error:
        raise ValueError(f"it is no PubsubMessage: {error}") from error
    time = parsed.publish_time
    published = time.seconds + time.nanos / 1e9
    return Message(int(parsed.message_id), wire, published, parsed.ordering_key)


def _publish_time(now: float) -> bytes:
    time = PubsubMessage().publish_time
    time.FromMicroseconds(int(now * 1e6))
    body = time.SerializeToString()
    return b"".join((_PUBLISH_TIME_TAG, bytes((len(body),)), body))
