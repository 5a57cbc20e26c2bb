"""What clients ask of Pub/Sub: each change is checked, told to the keeper, and made.

Messages come by publish(), are numbered, told to the keeper, and offered to the topic's
subscriptions; they leave by acknowledge(), as dead letters, or when their retention ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count

from localgcp.pubsub.domain import dead_letter, intake, message, subscription_config, topic
from localgcp.pubsub.domain.config import PushConfig, SubscriptionConfig, TopicConfig
from localgcp.pubsub.domain.hooks import Hooks
from localgcp.pubsub.domain.keeping import Keeper, Nothing
from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.message import Draft, Layout, Message
from localgcp.pubsub.domain.names import DELETED_SCHEMA, check_subscription, check_topic, short
from localgcp.pubsub.domain.outgoing import Outgoing
from localgcp.pubsub.domain.push_targets import PushTargets
from localgcp.pubsub.domain.registry import Clock, Registry
from localgcp.pubsub.domain.snapshots import Snapshot
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.domain.topic import Topic
from localgcp.pubsub.domain.trace import Trace
from localgcp.pubsub.errors import (
    AckIdsFailed,
    AlreadyExists,
    InvalidArgument,
    NotFound,
    StorageFailed,
)


class Broker(Registry):
    """One Pub/Sub. `keeper` is told of every change, and `layout` knows the bytes that clients
    read. Call tick() when `on_due` says so.
    """

    def __init__(
        self,
        clock: Clock,
        layout: Layout,
        keeper: Keeper | None = None,
        targets: PushTargets | None = None,
    ) -> None:
        """`targets` says where messages may be pushed; without it, to this machine."""
        self._layout, self._keeper = layout, keeper or Nothing()
        super().__init__(clock, layout, self._keeper)
        self.targets = targets or PushTargets()
        self.trace = Trace(clock, layout)
        # Serials and ids begin at the time of day, so no later run repeats those of an earlier.
        serials = count(int(clock() * 1e9))
        outgoing = Outgoing(layout, self.acknowledge, self._give_back)
        self.hooks = Hooks(
            serials.__next__,
            self.timetable.note,
            self._give_up,
            self.trace.delivered,
            outgoing,
            self._keeper.lend,
            self._forget,
            self._keep_returned,
        )
        self._next_message_id = int(clock() * 1e6)

    def resume(self, highest: int) -> None:
        """An earlier run's state is back: go on behind its highest message id."""
        self._next_message_id = max(self._next_message_id, highest + 1)
        for restored in self.topics.values():
            restored.published = restored.published_bytes = 0

    async def durable(self) -> None:
        """To be awaited before a change is answered. Raises StorageFailed."""
        await self._keeper.durable()

    # Topics

    def topic(self, name: str) -> Topic:
        """The topic of that name. Raises NotFound, InvalidArgument."""
        found = self.topics.get(name)
        if found is None:
            raise NotFound(short(check_topic(name)))
        return found

    def create_topic(self, config: TopicConfig) -> Topic:
        """Make a topic. Raises AlreadyExists, InvalidArgument."""
        complete = topic.complete(config)
        if complete.name in self.topics:
            raise AlreadyExists(short(complete.name))
        return self._save_topic(complete)

    def update_topic(self, config: TopicConfig) -> Topic:
        """Replace a topic's settings, of which `topic.FIXED` are as before.

        Raises NotFound, InvalidArgument.
        """
        self.topic(config.name)
        return self._save_topic(topic.complete(config))

    def delete_topic(self, name: str) -> None:
        """Its subscriptions stay, on `_deleted-topic_`. Raises NotFound, InvalidArgument."""
        self.topic(name)
        self._keeper.drop_topic(name)
        self.drop_topic(name)

    def delete_schema(self, name: str) -> None:
        """Its topics stay, on `_deleted-schema_`. Raises NotFound, InvalidArgument."""
        self.schemas.check_exists(name)
        self._keeper.drop_schema(name)
        self.drop_schema(name)

    # Subscriptions

    def subscription(self, name: str) -> Subscription:
        """The subscription of that name. Raises NotFound, InvalidArgument."""
        found = self.subscriptions.get(name)
        if found is None:
            raise NotFound(short(check_subscription(name)))
        return found

    def create_subscription(self, config: SubscriptionConfig) -> Subscription:
        """Make a subscription.

        Raises AlreadyExists, NotFound of its topics, InvalidArgument, Unsupported.
        """
        complete = subscription_config.complete(config)
        if complete.name in self.subscriptions:
            raise AlreadyExists(short(complete.name))
        self.topic(complete.topic)
        return self._save_subscription(complete)

    def update_subscription(self, config: SubscriptionConfig) -> Subscription:
        """Replace a subscription's settings, of which `subscription_config.FIXED` are as before.

        Raises NotFound, InvalidArgument, Unsupported.
        """
        detached = self.subscription(config.name).config.detached
        complete = subscription_config.complete(config)
        return self._save_subscription(replace(complete, detached=detached))

    def modify_push_config(self, name: str, push_config: PushConfig) -> None:
        """Change where it pushes; an empty config makes it a pull subscription.

        Raises NotFound, InvalidArgument, Unsupported.
        """
        current = self.subscription(name).config
        self.update_subscription(replace(current, push_config=push_config))

    def detach_subscription(self, name: str) -> None:
        """It loses its backlog, gets no more, and cannot be pulled (API: Subscription.detached).

        Raises NotFound, InvalidArgument.
        """
        self._save_subscription(replace(self.subscription(name).config, detached=True))

    def delete_subscription(self, name: str) -> None:
        """Its messages go with it. Raises NotFound, InvalidArgument."""
        self.subscription(name)
        self._keeper.drop_subscription(name)
        self.drop_subscription(name)

    # Snapshots

    def create_snapshot(self, name: str, source: str, labels: Mapping[str, str]) -> Snapshot:
        """Of what a subscription has not acked, and all that its topic gets from now on.

        Raises AlreadyExists, NotFound, InvalidArgument, WrongState, StorageFailed.
        """
        subscription = self.subscription(source)
        subscription.check_open()
        self.topic(subscription.config.topic)
        return self.put_snapshot(self.snapshots.create(name, subscription, labels), source)

    def delete_snapshot(self, name: str) -> None:
        """Its messages go with it. Raises NotFound, InvalidArgument, StorageFailed."""
        self.snapshots.get(name)
        self._keeper.drop_snapshot(name)
        self.drop_snapshot(name)

    # Messages

    def publish(self, name: str, drafts: Sequence[Draft]) -> list[str]:
        """Return the new messages' ids.

        Raises NotFound, InvalidArgument, InvalidMessage, TransformFailed, WrongState,
        StorageFailed.
        """
        target = self.topic(name)
        message.check(drafts, self._layout)
        prepared = intake.prepared(target.config, drafts, self.schemas, self._layout)
        kept = [draft for draft in prepared if draft is not None]
        stamped = self._publish(target, kept)
        if len(kept) == len(prepared):
            return [str(each.id) for each in stamped]
        published = iter(stamped)
        ids = count(self._next_message_id)  # of those that were dropped
        self._next_message_id += len(prepared) - len(kept)
        return [str(next(ids) if draft is None else next(published).id) for draft in prepared]

    def acknowledge(self, name: str, ack_ids: Sequence[str]) -> None:
        """All or, with exactly-once delivery, none if one's lease has ended or it is out of order.

        Raises NotFound, InvalidArgument, AckIdsFailed, StorageFailed.
        """
        target = self.subscription(name)
        target.expiry.touch(self.clock())
        _check_some(ack_ids)
        if target.config.enable_exactly_once_delivery:
            _check(ack_ids, target.not_lent(ack_ids), target.unordered(ack_ids))
        self.trace.acked(name, target.ack(ack_ids))

    def modify_ack_deadline(self, name: str, ack_ids: Sequence[str], seconds: int) -> None:
        """Seconds from now; 0 gives the messages back. All or none, as acknowledge().

        Raises NotFound, InvalidArgument, AckIdsFailed, StorageFailed.
        """
        target = self.subscription(name)
        target.expiry.touch(self.clock())
        subscription_config.check_ack_deadline(seconds, shortest=0)
        _check_some(ack_ids)
        if target.config.enable_exactly_once_delivery:
            _check(ack_ids, target.not_lent(ack_ids), ())
        target.modify_ack_deadline(ack_ids, seconds, self.clock())

    def tick(self) -> None:
        """Do what is due by now: passed deadlines, ended rests, ended retention."""
        now = self.clock()
        for due in self.timetable.due(now):
            if due.closed:
                continue
            # Not recorded, they come back with a restart, and expire again at once.
            with suppress(StorageFailed):
                self._forget(due.name, due.tick(now))
                if (due.expiry.due() or now + 1) <= now:
                    self._expire(due, now)
            if not due.closed:
                self.timetable.note(due)
        self.timetable.rearm()
        for name in self.snapshots.expired(now):
            with suppress(StorageFailed):
                self.delete_snapshot(name)

    def _expire(self, subscription: Subscription, now: float) -> None:
        if subscription.waiters:
            subscription.expiry.touch(now)
        else:
            self.delete_subscription(subscription.name)

    def _save_topic(self, config: TopicConfig) -> Topic:
        settings = config.schema_settings
        if settings is not None and settings.schema != DELETED_SCHEMA:
            self.schemas.check_settings(settings)
        self._keeper.put_topic(config)
        self.put_topic(config)
        return self.topics[config.name]

    def _save_subscription(self, config: SubscriptionConfig) -> Subscription:
        if config.dead_letter_topic:
            self.topic(config.dead_letter_topic)
        self.targets.check(config)
        self._keeper.put_subscription(config)
        self.put_subscription(config)
        saved = self.subscriptions[config.name]
        saved.expiry.touch(self.clock())
        self.on_change(saved)
        return saved

    def _publish(self, target: Topic, drafts: Sequence[Draft]) -> list[Message]:
        stamped = self._layout.stamp(drafts, self._next_message_id, self.clock())
        if target.keeps():
            self._keeper.publish(target.name, stamped)
        self._next_message_id += len(stamped)
        self.trace.published(target.name, stamped)
        target.deliver(stamped, lambda: [self._layout.attributes(each.body) for each in drafts])
        return stamped

    def _give_up(self, subscription: Subscription, entry: Entry, now: float) -> bool:
        target = self.topics.get(subscription.config.dead_letter_topic)
        if target is None:
            return False
        try:
            self._publish(target, [dead_letter.letter(self._layout, subscription.name, entry)])
            self._forget(subscription.name, [entry.message.id])
        except StorageFailed:
            return False  # it stays, and is tried again after its next delivery
        return True

    def _give_back(self, name: str, ack_ids: Sequence[str]) -> None:
        self.modify_ack_deadline(name, ack_ids, 0)

    def _keep_returned(self, name: str, failed: Sequence[int], others: Sequence[int]) -> None:
        # Not recorded, they are lent until their deadline after a restart, and fail then.
        with suppress(StorageFailed):
            self._keeper.give_back(name, failed, others)

    def _forget(self, name: str, message_ids: Sequence[int]) -> None:
        if message_ids:
            self._keeper.forget(name, message_ids)


def _check_some(ack_ids: Sequence[str]) -> None:
    if not ack_ids:
        raise InvalidArgument("The request has no ack ids (argument=ack_ids).")


def _check(ack_ids: Sequence[str], invalid: Sequence[str], unordered: Sequence[str]) -> None:
    if failed := {*invalid, *unordered}:
        raise AckIdsFailed(invalid, unordered, [each for each in ack_ids if each not in failed])
