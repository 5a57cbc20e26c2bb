"""A published message: checked and numbered once, then carried as the bytes that clients read."""

from __future__ import annotations

from collections.abc import Sequence

from localgcp.pubsub.errors import InvalidArgument
from localgcp.pubsub.wire.protos import Proto, PubsubMessage

# Page "Pub/Sub quotas and limits", section "Resource limits".
MAX_REQUEST_BYTES = 10_000_000
MAX_REQUEST_MESSAGES = 1000
MAX_ATTRIBUTES = 100
MAX_KEY_BYTES = 256
MAX_VALUE_BYTES = 1024
MAX_ORDERING_KEY_BYTES = 1024

_MESSAGE_ID_TAG, _PUBLISH_TIME_TAG = b"\x1a", b"\x22"


class Message:
    """One message, shared by all subscriptions that hold it.

    `wire` is the serialized PubsubMessage with its id and publish time; `published` is in
    seconds since the epoch.
    """

    __slots__ = ("id", "ordering_key", "published", "wire")

    def __init__(self, id: int, wire: bytes, published: float, ordering_key: str) -> None:
        self.id, self.wire = id, wire
        self.published, self.ordering_key = published, ordering_key

    @property
    def proto(self) -> Proto:
        """The message parsed; a new object each time."""
        return PubsubMessage.FromString(self.wire)

    @classmethod
    def restored(cls, wire: bytes) -> Message:
        """The message that `wire` was taken from."""
        proto = PubsubMessage.FromString(wire)
        time = proto.publish_time
        published = time.seconds + time.nanos / 1e9
        return cls(int(proto.message_id), wire, published, proto.ordering_key)


def check(messages: Sequence[Proto]) -> None:
    """Hold a publish request against the limits. Raises InvalidArgument naming the message."""
    if not messages:
        raise InvalidArgument("The publish request has no messages (argument=messages).")
    if len(messages) > MAX_REQUEST_MESSAGES:
        raise InvalidArgument(
            f"The publish request has {len(messages)} messages, more than {MAX_REQUEST_MESSAGES}."
        )
    total = sum(message.ByteSize() for message in messages)
    if total > MAX_REQUEST_BYTES:
        raise InvalidArgument(
            f"The publish request has {total} bytes, more than {MAX_REQUEST_BYTES}."
        )
    for position, message in enumerate(messages):
        if not message.data or message.attributes or message.ordering_key:
            _check_one(position, message)


def stamp(messages: Sequence[Proto], first_id: int, now: float) -> list[Message]:
    """Give messages consecutive ids from `first_id` and the publish time `now`."""
    time_field = _publish_time(now)
    stamped = []
    for number, proto in enumerate(messages, first_id):
        # Both belong to the server; a publisher's own values are dropped, as the API says.
        proto.ClearField("message_id")
        proto.ClearField("publish_time")
        digits = b"%d" % number
        wire = b"".join(
            (proto.SerializeToString(), _MESSAGE_ID_TAG, bytes((len(digits),)), digits, time_field)
        )
        stamped.append(Message(number, wire, now, proto.ordering_key))
    return stamped


def _publish_time(now: float) -> bytes:
    time = PubsubMessage().publish_time
    time.FromMicroseconds(int(now * 1e6))
    body = time.SerializeToString()
    return b"".join((_PUBLISH_TIME_TAG, bytes((len(body),)), body))


def _check_one(position: int, message: Proto) -> None:
    where = f"messages[{position}]"
    if not message.data and not message.attributes:
        raise InvalidArgument(
            f"{where} is empty; a message has non-empty data or at least one attribute."
        )
    if len(message.attributes) > MAX_ATTRIBUTES:
        raise InvalidArgument(
            f"{where} has {len(message.attributes)} attributes, more than {MAX_ATTRIBUTES}."
        )
    if len(message.ordering_key.encode()) > MAX_ORDERING_KEY_BYTES:
        raise InvalidArgument(f"{where}.ordering_key has more than {MAX_ORDERING_KEY_BYTES} bytes.")
    for key, value in message.attributes.items():
        if not key or key.startswith("goog") or len(key.encode()) > MAX_KEY_BYTES:
            raise InvalidArgument(
                f"{where} has the attribute key {key!r}; a key has 1 to {MAX_KEY_BYTES} bytes "
                "and does not begin with 'goog'."
            )
        if len(value.encode()) > MAX_VALUE_BYTES:
            raise InvalidArgument(
                f"{where}.attributes[{key}] has more than {MAX_VALUE_BYTES} bytes."
            )
