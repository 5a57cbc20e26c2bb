"""What a broker asks of whatever keeps its state: it tells every change before it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from localgcp.pubsub.domain.config import SnapshotConfig, SubscriptionConfig, TopicConfig
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.policy import Policy
from localgcp.pubsub.domain.schemas.schema import Revision


class Keeper(Protocol):
    """Keeps what it is told. Each call raises StorageFailed, and then it was not kept."""

    def put_topic(self, config: TopicConfig) -> None:
        """A topic is made or changed."""

    def drop_topic(self, name: str) -> None:
        """A topic is deleted."""

    def put_subscription(self, config: SubscriptionConfig) -> None:
        """A subscription is made or changed."""

    def drop_subscription(self, name: str) -> None:
        """A subscription is deleted."""

    def put_revision(self, revision: Revision) -> None:
        """A schema has a new revision; the first one makes the schema."""

    def drop_revision(self, schema: str, id: str, created: float) -> None:
        """A revision that was made at `created` is deleted."""

    def drop_schema(self, name: str) -> None:
        """A schema is deleted."""

    def put_policy(self, resource: str, policy: Policy) -> None:
        """A resource's policy is set; it ends with the resource."""

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Messages come to a topic."""

    def forget(self, subscription: str, message_ids: Sequence[int]) -> None:
        """Messages leave a subscription for good."""

    def put_snapshot(self, config: SnapshotConfig, subscription: str) -> None:
        """A snapshot is made of a subscription, or changed if that is ""."""

    def drop_snapshot(self, name: str) -> None:
        """A snapshot is deleted."""

    def seek(self, subscription: str, acked: Sequence[int], revived: Sequence[int]) -> None:
        """Messages of a subscription are marked as acked, and retained ones as not acked."""

    def lend(self, subscription: str, leases: Sequence[tuple[int, int]], deadline: float) -> None:
        """Messages are lent until a time: their ids, and the serials of their leases."""

    def give_back(self, subscription: str, failed: Sequence[int], others: Sequence[int]) -> None:
        """Leases end without an ack: of messages that failed, and of others."""

    async def durable(self) -> None:
        """Return once all told until now is as safe as it is promised to be."""


class Nothing:
    """Keeps nothing: the state ends with the process."""

    def put_topic(self, config: TopicConfig) -> None:
        """Not kept, as all of these."""

    def drop_topic(self, name: str) -> None:
        """Not kept."""

    def put_subscription(self, config: SubscriptionConfig) -> None:
        """Not kept."""

    def drop_subscription(self, name: str) -> None:
        """Not kept."""

    def put_revision(self, revision: Revision) -> None:
        """Not kept."""

    def drop_revision(self, schema: str, id: str, created: float) -> None:
        """Not kept."""

    def drop_schema(self, name: str) -> None:
        """Not kept."""

    def put_policy(self, resource: str, policy: Policy) -> None:
        """Not kept."""

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Not kept."""

    def forget(self, subscription: str, message_ids: Sequence[int]) -> None:
        """Not kept."""

    def put_snapshot(self, config: SnapshotConfig, subscription: str) -> None:
        """Not kept."""

    def drop_snapshot(self, name: str) -> None:
        """Not kept."""

    def seek(self, subscription: str, acked: Sequence[int], revived: Sequence[int]) -> None:
        """Not kept."""

    def lend(self, subscription: str, leases: Sequence[tuple[int, int]], deadline: float) -> None:
        """Not kept."""

    def give_back(self, subscription: str, failed: Sequence[int], others: Sequence[int]) -> None:
        """Not kept."""

    async def durable(self) -> None:
        """Nothing was promised."""
