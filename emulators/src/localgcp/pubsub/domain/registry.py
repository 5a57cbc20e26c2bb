"""What there is: topics, subscriptions, snapshots and schemas, and how changes are made to them.

Each call makes a change that was checked and is kept. What an earlier run changed, as the journal
tells it, is changed again in the same way; the Broker decides which changes there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from localgcp.pubsub.domain.config import SnapshotConfig, SubscriptionConfig, TopicConfig
from localgcp.pubsub.domain.hooks import Hooks
from localgcp.pubsub.domain.keeping import Keeper
from localgcp.pubsub.domain.message import Layout
from localgcp.pubsub.domain.names import DELETED_SCHEMA, DELETED_TOPIC
from localgcp.pubsub.domain.policies import Policies
from localgcp.pubsub.domain.retained import Retained
from localgcp.pubsub.domain.schemas.registry import Schemas
from localgcp.pubsub.domain.seeking import Seeking
from localgcp.pubsub.domain.snapshots import Snapshot, Snapshots
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.domain.timetable import Timetable
from localgcp.pubsub.domain.topic import Topic

Clock = Callable[[], float]


class Registry:
    """All resources of one Pub/Sub. `clock` gives seconds since the epoch.

    Set `on_due(time)` to be told when something is due, `on_change(subscription)` to be told of
    one that was made, changed or deleted. One thread at a time.
    """

    hooks: Hooks
    """What each subscription is given."""

    def __init__(self, clock: Clock, layout: Layout, keeper: Keeper) -> None:
        self.clock = clock
        self.topics: dict[str, Topic] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.schemas = Schemas(clock, keeper)
        self.policies = Policies(clock, keeper)
        self.snapshots = Snapshots(clock, keeper, self._set_alarm)
        self.seeking = Seeking(clock, keeper, layout, self.topics, self.snapshots)
        self.on_due: Callable[[float], None] = lambda due: None
        self.on_change: Callable[[Subscription], None] = lambda subscription: None
        self.timetable = Timetable(self._set_alarm)

    def held_bytes(self) -> int:
        """How many bytes all held messages have, once for each who holds them."""
        held = sum(each.unacked.bytes + each.retained.bytes for each in self.subscriptions.values())
        held += sum(each.retained.bytes for each in self.topics.values())
        return held + sum(each.retained.bytes for each in self.snapshots.by_name.values())

    def put_topic(self, config: TopicConfig) -> None:
        """Make or change a topic; the config is complete."""
        if config.name in self.topics:
            self.topics[config.name].configure(config)
        else:
            self.topics[config.name] = Topic(config)
        for fed in self.topics[config.name].subscriptions.values():
            fed.configure(self._with_retention_of_topic(fed.config))

    def drop_topic(self, name: str) -> None:
        """Delete a topic that exists."""
        self.policies.drop(name)
        dropped = self.topics.pop(name)
        for subscription in dropped.subscriptions.values():
            orphan = replace(subscription.config, topic=DELETED_TOPIC)
            subscription.configure(self._with_retention_of_topic(orphan))
        for snapshot in dropped.snapshots.values():
            snapshot.config = replace(snapshot.config, topic=DELETED_TOPIC)

    def drop_schema(self, name: str) -> None:
        """Delete a schema that exists."""
        self.policies.drop(name)
        self.schemas.drop_schema(name)
        for held in self.topics.values():
            settings = held.config.schema_settings
            if settings is not None and settings.schema == name:
                settings = replace(settings, schema=DELETED_SCHEMA)
                held.configure(replace(held.config, schema_settings=settings))

    def put_subscription(self, config: SubscriptionConfig) -> None:
        """Make or change a subscription; the config is complete."""
        config = self._with_retention_of_topic(config)
        if config.name in self.subscriptions:
            self.subscriptions[config.name].configure(config)
        else:
            self.subscriptions[config.name] = Subscription(config, self.hooks)
            self.subscriptions[config.name].expiry.touch(self.clock())
            self.timetable.note(self.subscriptions[config.name])
        if config.topic in self.topics:
            fed = self.topics[config.topic].subscriptions
            if config.detached:
                fed.pop(config.name, None)
            else:
                fed[config.name] = self.subscriptions[config.name]

    def drop_subscription(self, name: str) -> None:
        """Delete a subscription that exists."""
        self.policies.drop(name)
        dropped = self.subscriptions.pop(name)
        dropped.close()
        self.timetable.forget(dropped)
        if dropped.config.topic in self.topics:
            self.topics[dropped.config.topic].subscriptions.pop(name, None)
        self.on_change(dropped)

    def put_snapshot(self, config: SnapshotConfig, source: str) -> Snapshot:
        """Make a snapshot, of the subscription `source`, or change one if that is ""."""
        snapshot = self.snapshots.put(config)
        if source:
            snapshot.retained.add(self.subscriptions[source].unacked)
        if config.topic in self.topics:
            self.topics[config.topic].snapshots[config.name] = snapshot
        return snapshot

    def drop_snapshot(self, name: str) -> None:
        """Delete a snapshot that exists."""
        self.policies.drop(name)
        dropped = self.snapshots.drop(name)
        if dropped.config.topic in self.topics:
            self.topics[dropped.config.topic].snapshots.pop(name, None)

    def retained(self, name: str) -> Retained:
        """What the topic, subscription or snapshot of that name retains. Raises KeyError."""
        holders: dict[str, Topic | Subscription | Snapshot] = {
            **self.topics,
            **self.subscriptions,
            **self.snapshots.by_name,
        }
        return holders[name].retained

    def _with_retention_of_topic(self, config: SubscriptionConfig) -> SubscriptionConfig:
        topic = self.topics.get(config.topic)
        retention = topic.config.message_retention_duration if topic else None
        return replace(config, topic_message_retention_duration=retention)

    def _set_alarm(self, due: float) -> None:
        self.on_due(due)
