"""What the journal's records say, and how they are laid out.

A body: kind (1 byte), length of the name (2), the resource's name, then what the kind needs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from localgcp.pubsub.domain.config import SubscriptionConfig, TopicConfig
from localgcp.pubsub.domain.message import Message

_HEAD = struct.Struct(">BH")
_LENGTH = struct.Struct(">I")


class Kind(IntEnum):
    """What happened to the resource that a record names."""

    PUT_TOPIC = 1  # created or changed; the serialized Topic
    DELETE_TOPIC = 2
    PUT_SUBSCRIPTION = 3  # created or changed; the serialized Subscription
    DELETE_SUBSCRIPTION = 4
    PUBLISH = 5  # to a topic; messages
    RESTORE = 6  # to one subscription, after compaction; messages
    FORGET = 7  # acked, dead-lettered or expired in a subscription; message ids
    SEEK = 8  # of a subscription; see snapshot_records
    PUT_SNAPSHOT = 9  # of a subscription, or changed; see snapshot_records
    DELETE_SNAPSHOT = 10
    RETAIN = 11  # by a topic, subscription or snapshot, after compaction; messages
    LEND = 12  # until a time, for exactly-once delivery; see lease_records
    GIVE_BACK = 13  # leases that ended without an ack; see lease_records
    ATTEMPTS = 14  # how often messages have failed, after compaction; see lease_records
    PUT_REVISION = 40  # of a schema, made with its first one; see schema_records
    DELETE_REVISION = 41
    DELETE_SCHEMA = 42
    PUT_POLICY = 43  # of the resource, with which it ends; see policy_records


class Resources(Protocol):
    """How settings lie in bytes: as clients read them. What reads them back raises ValueError."""

    def topic_bytes(self, config: TopicConfig) -> bytes:
        """A topic's settings."""

    def restored_topic(self, kept: bytes) -> TopicConfig:
        """What topic_bytes() laid out."""

    def subscription_bytes(self, config: SubscriptionConfig) -> bytes:
        """A subscription's settings."""

    def restored_subscription(self, kept: bytes) -> SubscriptionConfig:
        """What subscription_bytes() laid out."""


@dataclass(frozen=True)
class Record:
    """One record, read back."""

    kind: Kind
    name: str
    payload: bytes


def encode(kind: Kind, name: str, payload: bytes = b"") -> bytes:
    """Lay out a record's body."""
    raw = name.encode()
    return b"".join((_HEAD.pack(kind, len(raw)), raw, payload))


def decode(body: bytes) -> Record:
    """Read a record's body."""
    kind, length = _HEAD.unpack_from(body)
    end = _HEAD.size + length
    return Record(Kind(kind), body[_HEAD.size : end].decode(), body[end:])


def split_publish(body: bytes) -> tuple[bytes, bytes] | None:
    """The head and the payload of a publish's record; None of another's.

    Two with one head are one record whose payload is both of theirs.
    """
    if len(body) < _HEAD.size or body[0] != Kind.PUBLISH:
        return None
    end = _HEAD.size + _HEAD.unpack_from(body)[1]
    return body[:end], body[end:]


def pack_messages(messages: Iterable[Message]) -> bytes:
    """Lay out messages one after the other, each with its length."""
    parts = []
    for message in messages:
        parts.append(_LENGTH.pack(len(message.wire)))
        parts.append(message.wire)
    return b"".join(parts)


def unpack_messages(payload: bytes) -> list[bytes]:
    """Read back the bytes of each message that pack_messages laid out."""
    messages = []
    at, end, length_at = 0, len(payload), _LENGTH.unpack_from
    while at < end:
        start = at + _LENGTH.size
        at = start + length_at(payload, at)[0]
        messages.append(payload[start:at])
    return messages


def pack_ids(ids: Sequence[int]) -> bytes:
    """Lay out message ids."""
    return struct.pack(f">{len(ids)}Q", *ids)


def unpack_ids(payload: bytes) -> tuple[int, ...]:
    """Read back what pack_ids laid out."""
    return struct.unpack(f">{len(payload) // 8}Q", payload)


def pack_two(first: Sequence[int], second: Sequence[int]) -> bytes:
    """Lay out two lists of message ids."""
    return _LENGTH.pack(len(first)) + pack_ids((*first, *second))


def unpack_two(payload: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Read back what pack_two laid out."""
    (count,) = _LENGTH.unpack_from(payload)
    ids = unpack_ids(payload[_LENGTH.size :])
    return ids[:count], ids[count:]
