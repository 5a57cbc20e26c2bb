"""Messages in bytes as clients read them: a serialized PubsubMessage.

This module is the Layout that the domain is given. A publisher's message is serialized once, its
id and publish time are appended, and those bytes go out as they are.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from functools import partial

from google.protobuf.message import DecodeError

from localgcp.pubsub.domain.config import Duration
from localgcp.pubsub.domain.message import SHORTEST_LIMIT, Attributes, Draft, Message
from localgcp.pubsub.wire import protos, stamps, views
from localgcp.pubsub.wire.protos import Proto, PublishRequest, PubsubMessage

_DATA_TAG = 0x0A
_ORDERING_KEY_TAG = b"\x2a"
# An attribute whose key is empty, left out or begins with "goog", as protobuf lays it out: tag and
# length of the attribute, tag and length of the key. Where a value happens to hold the like, no
# harm is done.
_DOUBTFUL_KEY = re.compile(
    rb"\x12(?:\x00|(?:[\x00-\x7f]|.\x01)(?:\x12|\x0a(?:\x00|.\x01?(?i:goog))))", re.DOTALL
)
_LARGEST_SURE = 0x80 << 7  # its length takes two bytes


def read(raw: bytes) -> tuple[str, list[Draft]]:
    """A publish request's topic, and its messages without the ids and times that are not a
    publisher's to set. Raises InvalidArgument.
    """
    request = protos.read(PublishRequest, raw)
    ordering_keys = views.ordering_keys(raw)
    if ordering_keys is None:
        request = protos.parse(PublishRequest, raw)
        for each in request.messages:
            each.ClearField("message_id")
            each.ClearField("publish_time")
        raw = request.SerializeToString()
        ordering_keys = views.ordering_keys(raw)
        assert ordering_keys is not None
    bodies = views.bodies(raw)
    # As Draft(...), at a third of its cost.
    parts = zip(bodies, ordering_keys, _plain(bodies), strict=True)
    return request.topic, list(map(partial(tuple.__new__, Draft), parts))


def _plain(bodies: Iterable[bytes]) -> list[bool]:
    """Whether each has data, and the rest is within all limits; not sure of large data."""
    found, rests = [], []
    for body in bodies:
        size = rest = 0
        if len(body) > 3 and body[0] == _DATA_TAG:
            size, rest = body[1], 2
            if size >= 0x80:
                size, rest = size & 0x7F | body[2] << 7, 3
        rest += size
        found.append(0 < size < _LARGEST_SURE and len(body) - rest <= SHORTEST_LIMIT)
        rests.append(body[rest:])
    if _DOUBTFUL_KEY.search(b"".join(rests)):
        return [False] * len(found)
    return found


def lay_out(data: bytes, attributes: Attributes, ordering_key: str) -> Draft:
    """A message that the emulator itself publishes."""
    proto = PubsubMessage(data=data, attributes=attributes, ordering_key=ordering_key)
    return Draft(proto.SerializeToString(), ordering_key, plain=False)


def stamp(drafts: Sequence[Draft], first_id: int, now: float) -> list[Message]:
    """Give messages consecutive ids from `first_id` and the publish time `now`, to the microsecond.

    The domain gets the time that a client reads, so that a seek to it finds the message.
    """
    time, published = stamps.time_of(now)
    return [
        Message(number, stamps.stamped(body, number, time), published, ordering_key)
        for number, (body, ordering_key, _) in enumerate(drafts, first_id)
    ]


def proto(message: Message) -> Proto:
    """A message parsed; a new object each time."""
    return PubsubMessage.FromString(message.wire)


def attributes(laid_out: bytes) -> Attributes:
    """The attributes in a message's bytes."""
    return dict(PubsubMessage.FromString(laid_out).attributes)


def data(laid_out: bytes) -> bytes:
    """The payload in a message's bytes."""
    payload: bytes = PubsubMessage.FromString(laid_out).data
    return payload


def restored(wires: Iterable[bytes]) -> list[Message]:
    """The messages that these bytes were taken from. Raises ValueError.

    What can be told without protobuf is, for a journal may hold millions.
    """
    reader = stamps.Reader()
    messages = []
    for wire in wires:
        stamp = reader.read(wire)
        if stamp is None:
            messages.append(_restored(wire))
        else:
            key = _parsed(wire).ordering_key if _ORDERING_KEY_TAG in wire else ""
            messages.append(Message(stamp[0], wire, stamp[1], sys.intern(key)))
    return messages


def _restored(wire: bytes) -> Message:
    parsed = _parsed(wire)
    time = parsed.publish_time
    published = Duration(time.seconds, time.nanos).total
    return Message(int(parsed.message_id), wire, published, sys.intern(parsed.ordering_key))


def _parsed(wire: bytes) -> Proto:
    try:
        return PubsubMessage.FromString(wire)
    except DecodeError as error:
        raise ValueError(f"it is no PubsubMessage: {error}") from error
