"""The state of an earlier run, replayed from the journal's records."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterable, Iterator

from localgcp.pubsub.disk import (
    lease_records,
    policy_records,
    records,
    schema_records,
    snapshot_records,
)
from localgcp.pubsub.disk.journal import Journal, JournalDamaged
from localgcp.pubsub.disk.records import Kind, Record, Resources
from localgcp.pubsub.domain.message import Layout, Message
from localgcp.pubsub.domain.registry import Registry

log = logging.getLogger(__name__)

GATHERED_BYTES = 1 << 20


def replay(state: Registry, journal: Journal, resources: Resources, layout: Layout) -> int:
    """Bring `state` to where the journal ends; return the highest message id seen, or 0.

    Raises JournalDamaged for a record that says what can't be; a salvage passes over such records,
    since what they build on may be gone.
    """
    replayed = _Replay(state, resources, layout)
    read = enumerate(journal.records())
    # A salvage passes over each record by itself.
    for place, body in read if journal.salvages else _gathered(read):
        try:
            replayed.apply(body)
        except (struct.error, ValueError, KeyError, IndexError) as error:
            if not journal.salvages:
                why = f"record {place} can't be replayed: {error!r}"
                raise JournalDamaged(journal.folder / "journal", 0, why) from error
            log.warning("record %d is passed over, as it can't be replayed: %r", place, error)
    replayed.lent.finish()
    return replayed.highest


def settings(state: Registry, resources: Resources) -> Iterator[bytes]:
    """The records of all resources, without their messages."""
    for topic in state.topics.values():
        kept = resources.topic_bytes(topic.config)
        yield records.encode(Kind.PUT_TOPIC, topic.name, kept)
    for schema in state.schemas.by_name.values():
        for revision in schema.revisions:
            payload = schema_records.pack_revision(revision)
            yield records.encode(Kind.PUT_REVISION, schema.name, payload)
        for id, created in schema.gone.items():
            payload = schema_records.pack_drop(id, created)
            yield records.encode(Kind.DELETE_REVISION, schema.name, payload)
    for subscription in state.subscriptions.values():
        kept = resources.subscription_bytes(subscription.config)
        yield records.encode(Kind.PUT_SUBSCRIPTION, subscription.name, kept)
    for name, snapshot in state.snapshots.by_name.items():
        payload = snapshot_records.pack_snapshot(snapshot.config, "")
        yield records.encode(Kind.PUT_SNAPSHOT, name, payload)
    for resource, policy in state.policies.by_resource.items():
        yield records.encode(Kind.PUT_POLICY, resource, policy_records.pack(policy))


def _gathered(read: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The same records, by their places, but publishes to one topic that follow each other are one.

    Clients that publish one by one leave a record for each message, and to apply one costs more
    than to read its message.
    """
    first, head, size = 0, b"", 0
    payloads: list[bytes] = []
    for place, body in read:
        if payloads and body.startswith(head) and size < GATHERED_BYTES:
            payloads.append(body[len(head) :])
            size += len(body)
            continue
        if payloads:
            yield first, head + b"".join(payloads)
            payloads = []
        publish = records.split_publish(body)
        if publish is None:
            yield place, body
        else:
            first, head, size = place, publish[0], len(body)
            payloads = [publish[1]]
    if payloads:
        yield first, head + b"".join(payloads)


class _Replay:
    def __init__(self, state: Registry, resources: Resources, layout: Layout) -> None:
        self._state, self._resources, self._layout = state, resources, layout
        self._known: dict[int, Message] = {}  # so that subscriptions share a message again
        self.highest = 0
        self.lent = lease_records.Lent(state.subscriptions)

    def apply(self, body: bytes) -> None:
        state, record = self._state, records.decode(body)
        match record.kind:
            case Kind.PUBLISH:
                published = self._messages(record.payload)
                state.topics[record.name].deliver(
                    published, lambda: [self._layout.attributes(each.wire) for each in published]
                )
            case Kind.RESTORE:
                state.subscriptions[record.name].offer(self._shared(record.payload))
            case Kind.FORGET:
                forgotten = records.unpack_ids(record.payload)
                state.subscriptions[record.name].forget(forgotten)
                self.lent.end(record.name, forgotten)
            case Kind.PUT_TOPIC:
                state.put_topic(self._resources.restored_topic(record.payload))
            case Kind.DELETE_TOPIC:
                state.drop_topic(record.name)
            case Kind.PUT_SUBSCRIPTION:
                state.put_subscription(self._resources.restored_subscription(record.payload))
            case Kind.DELETE_SUBSCRIPTION:
                state.drop_subscription(record.name)
                self.lent.end_all(record.name)
            case Kind.LEND | Kind.GIVE_BACK | Kind.ATTEMPTS:
                self.lent.apply(record)
            case _:
                self._apply_to_snapshots(record)

    def _apply_to_snapshots(self, record: Record) -> None:
        state, name, payload = self._state, record.name, record.payload
        match record.kind:
            case Kind.RETAIN:
                state.retained(name).add(self._shared(payload))
            case Kind.SEEK:
                acked, revived = snapshot_records.unpack_seek(payload)
                state.seeking.again(state.subscriptions[name], acked, revived)
                self.lent.end_all(name)
            case Kind.PUT_SNAPSHOT:
                state.put_snapshot(*snapshot_records.unpack_snapshot(name, payload))
            case Kind.DELETE_SNAPSHOT:
                state.drop_snapshot(name)
            case _:
                self._apply_to_schema_or_policy(record)

    def _apply_to_schema_or_policy(self, record: Record) -> None:
        match record.kind:
            case Kind.PUT_REVISION:
                revision = schema_records.unpack_revision(record.name, record.payload)
                self._state.schemas.put_revision(revision)
            case Kind.DELETE_REVISION:
                id, created = schema_records.unpack_drop(record.payload)
                self._state.schemas.drop_revision(record.name, id, created)
            case Kind.DELETE_SCHEMA:
                self._state.drop_schema(record.name)
            case _:
                policy = policy_records.unpack(record.payload)
                self._state.policies.put(record.name, policy)

    def _shared(self, payload: bytes) -> list[Message]:
        return [self._known.setdefault(message.id, message) for message in self._messages(payload)]

    def _messages(self, payload: bytes) -> list[Message]:
        messages = self._layout.restored(records.unpack_messages(payload))
        self.highest = max(self.highest, messages[-1].id)
        return messages
