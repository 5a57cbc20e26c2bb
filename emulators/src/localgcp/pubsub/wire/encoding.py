"""Received messages, encoded by hand: a message's own bytes go out as they came.

PullResponse and StreamingPullResponse both hold them as field 1, so one encoder serves both.
API reference: ReceivedMessage (ack_id = 1, message = 2, delivery_attempt = 3),
StreamingPullResponse (subscription_properties = 4: exactly_once_delivery_enabled = 1,
message_ordering_enabled = 2).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from localgcp.pubsub.domain.config import SubscriptionConfig
from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.wire.varint import varint

logger = logging.getLogger(__name__)

# The Python client keeps gRPC's cap of 4 MiB on what it receives from an emulator.
MAX_RESPONSE_MESSAGES = 1000
CLIENT_LIMIT = 4 << 20
MAX_RESPONSE_BYTES = CLIENT_LIMIT - MAX_RESPONSE_MESSAGES * 100  # less what each is wrapped in

_FRAME = 5  # the tag and the length of a ReceivedMessage of that size
_PROPERTIES, _EXACTLY_ONCE, _ORDERED = b"\x22", b"\x08\x01", b"\x10\x01"
_RECEIVED, _ACK_ID, _MESSAGE, _DELIVERY_ATTEMPT = b"\x0a", b"\x0a", b"\x12", b"\x18"


def received_messages(
    subscription: Subscription, entries: Iterable[Entry], client_limit: float = CLIENT_LIMIT
) -> bytes:
    """A serialized PullResponse, or StreamingPullResponse, with these messages.

    A message of more bytes than `client_limit` is logged.
    """
    parts: list[bytes] = []
    for entry in entries:
        ack_id, wire = entry.ack_id.encode(), entry.shown.wire
        attempt = subscription.delivery_attempt(entry)
        tail = _DELIVERY_ATTEMPT + varint(attempt) if attempt else b""
        head = b"".join((_ACK_ID, varint(len(ack_id)), ack_id, _MESSAGE, varint(len(wire))))
        if len(head) + len(wire) + len(tail) + _FRAME > client_limit:
            _warn(subscription, entry)
        parts += (_RECEIVED, varint(len(head) + len(wire) + len(tail)), head, wire, tail)
    return b"".join(parts)


def properties(config: SubscriptionConfig) -> bytes:
    """StreamingPullResponse.subscription_properties, empty if there is nothing to say.

    A client takes a response without them for one of a subscription that has them no more.
    """
    exactly_once = _EXACTLY_ONCE if config.enable_exactly_once_delivery else b""
    said = exactly_once + (_ORDERED if config.enable_message_ordering else b"")
    return _PROPERTIES + varint(len(said)) + said if said else b""


def _warn(subscription: Subscription, entry: Entry) -> None:
    """The Python client says nothing of a message that it cannot receive, and gets it for ever."""
    logger.warning(
        "message %d of %s has %d bytes, and the Python client receives 4 MiB at most from an "
        'emulator: give it a channel with ("grpc.max_receive_message_length", -1), or take the '
        "message by REST, e.g. `gcloud pubsub subscriptions pull --auto-ack`",
        entry.message.id,
        subscription.name,
        len(entry.shown.wire),
    )
