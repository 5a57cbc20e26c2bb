"""The state of an earlier run: replayed from the journal's records, and written out compact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from localgcp.pubsub.disk import records
from localgcp.pubsub.disk.records import Kind, Record
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.domain.topic import Topic
from localgcp.pubsub.wire import protos
from localgcp.pubsub.wire.protos import Proto

_BATCH = 1000


class State(Protocol):
    """What is replayed into: the broker without its journal."""

    topics: dict[str, Topic]
    subscriptions: dict[str, Subscription]

    def put_topic(self, config: Proto) -> None:
        """Make or change a topic."""

    def drop_topic(self, name: str) -> None:
        """Delete a topic."""

    def put_subscription(self, config: Proto) -> None:
        """Make or change a subscription."""

    def drop_subscription(self, name: str) -> None:
        """Delete a subscription."""


def replay(state: State, bodies: Iterable[bytes]) -> int:
    """Bring `state` to where the records end; return the highest message id seen, or 0."""
    known: dict[int, Message] = {}  # so that subscriptions share a message again
    highest = 0
    for body in bodies:
        record = records.decode(body)
        if record.kind in (Kind.PUBLISH, Kind.RESTORE):
            messages = records.unpack_messages(record.payload)
            highest = max(highest, messages[-1].id)
            if record.kind is Kind.PUBLISH:
                state.topics[record.name].deliver(messages)
            else:
                shared = [known.setdefault(message.id, message) for message in messages]
                state.subscriptions[record.name].offer(shared)
        else:
            _apply(state, record)
    return highest


def compact(state: State) -> Iterator[bytes]:
    """The fewest records that lead to `state`."""
    for topic in state.topics.values():
        yield records.encode(Kind.PUT_TOPIC, topic.name, topic.config.SerializeToString())
    for subscription in state.subscriptions.values():
        config = subscription.config.SerializeToString()
        yield records.encode(Kind.PUT_SUBSCRIPTION, subscription.name, config)
        held = [entry.message for entry in subscription.unacked.values()]
        for start in range(0, len(held), _BATCH):
            payload = records.pack_messages(held[start : start + _BATCH])
            yield records.encode(Kind.RESTORE, subscription.name, payload)


def _apply(state: State, record: Record) -> None:
    match record.kind:
        case Kind.PUT_TOPIC:
            state.put_topic(protos.Topic.FromString(record.payload))
        case Kind.DELETE_TOPIC:
            state.drop_topic(record.name)
        case Kind.PUT_SUBSCRIPTION:
            state.put_subscription(protos.Subscription.FromString(record.payload))
        case Kind.DELETE_SUBSCRIPTION:
            state.drop_subscription(record.name)
        case Kind.FORGET:
            state.subscriptions[record.name].forget(records.unpack_ids(record.payload))
