"""Keeps a broker's changes in a journal, and brings them back at the next start."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum

from localgcp.pubsub.disk import (
    lease_records,
    policy_records,
    records,
    recovery,
    schema_records,
    snapshot_records,
)
from localgcp.pubsub.disk.compaction import Compaction
from localgcp.pubsub.disk.journal import Journal
from localgcp.pubsub.disk.records import Kind, Resources
from localgcp.pubsub.domain.config import SnapshotConfig, SubscriptionConfig, TopicConfig
from localgcp.pubsub.domain.message import Layout, Message
from localgcp.pubsub.domain.policy import Policy
from localgcp.pubsub.domain.registry import Registry
from localgcp.pubsub.domain.schemas.schema import Revision
from localgcp.pubsub.errors import StorageFailed

log = logging.getLogger(__name__)

SYNC_EVERY_S = 1.0
LOOK_EVERY_S = 0.5
SMALLEST_TO_COMPACT = 16 << 20
GROWTH_TO_COMPACT = 3
IDS_A_RECORD = 100_000


class Fsync(Enum):
    """When a change is on the disk itself, to outlive a power cut. A kill loses nothing anyway."""

    ALWAYS = "always"
    """Before it is answered; many answers share one sync."""
    INTERVAL = "interval"
    """Within a second or so."""
    NEVER = "never"
    """When the kernel likes."""


class JournalKeeper:
    """The Keeper of a broker whose state outlives the process. One thread at a time.

    `resources` and `layout` know the bytes that settings and messages are kept as.
    """

    def __init__(
        self, journal: Journal, resources: Resources, layout: Layout, fsync: Fsync = Fsync.NEVER
    ) -> None:
        self._journal, self._fsync = journal, fsync
        self._resources, self._layout = resources, layout
        self._state: Registry | None = None
        self._compaction: Compaction | None = None
        self._not_before = 0
        self._syncing: asyncio.Future[None] | None = None

    def recover(self, state: Registry) -> int:
        """Bring `state` to where the last run ended; return the highest message id seen, or 0.

        Raises JournalDamaged, NotAJournal, StorageFailed.
        """
        with _without_collections():
            highest = recovery.replay(state, self._journal, self._resources, self._layout)
        self._state = state
        if self._journal.salvages:
            # So that the next start finds no damage.
            self.compact()
        return highest

    # What the broker tells

    def put_topic(self, config: TopicConfig) -> None:
        """A topic was made or changed. Raises StorageFailed, as all of these do."""
        self._append(Kind.PUT_TOPIC, config.name, self._resources.topic_bytes(config))

    def drop_topic(self, name: str) -> None:
        """A topic was deleted."""
        self._append(Kind.DELETE_TOPIC, name)

    def put_subscription(self, config: SubscriptionConfig) -> None:
        """A subscription was made or changed."""
        kept = self._resources.subscription_bytes(config)
        self._append(Kind.PUT_SUBSCRIPTION, config.name, kept)

    def drop_subscription(self, name: str) -> None:
        """A subscription was deleted."""
        self._append(Kind.DELETE_SUBSCRIPTION, name)

    def put_revision(self, revision: Revision) -> None:
        """A schema has a new revision."""
        payload = schema_records.pack_revision(revision)
        self._append(Kind.PUT_REVISION, revision.schema, payload)

    def drop_revision(self, schema: str, id: str, created: float) -> None:
        """A revision of a schema was deleted."""
        self._append(Kind.DELETE_REVISION, schema, schema_records.pack_drop(id, created))

    def drop_schema(self, name: str) -> None:
        """A schema was deleted."""
        self._append(Kind.DELETE_SCHEMA, name)

    def put_policy(self, resource: str, policy: Policy) -> None:
        """A resource's policy was set."""
        self._append(Kind.PUT_POLICY, resource, policy_records.pack(policy))

    def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Messages came to a topic."""
        self._append(Kind.PUBLISH, topic, records.pack_messages(messages))

    def forget(self, subscription: str, message_ids: Sequence[int]) -> None:
        """Messages left a subscription for good."""
        for start in range(0, len(message_ids), IDS_A_RECORD):
            part = message_ids[start : start + IDS_A_RECORD]
            self._append(Kind.FORGET, subscription, records.pack_ids(part))

    def put_snapshot(self, config: SnapshotConfig, subscription: str) -> None:
        """A snapshot was made of a subscription, or changed if that is ""."""
        payload = snapshot_records.pack_snapshot(config, subscription)
        self._append(Kind.PUT_SNAPSHOT, config.name, payload)

    def drop_snapshot(self, name: str) -> None:
        """A snapshot was deleted."""
        self._append(Kind.DELETE_SNAPSHOT, name)

    def seek(self, subscription: str, acked: Sequence[int], revived: Sequence[int]) -> None:
        """Messages were marked as acked, and retained ones as not acked."""
        self._append(Kind.SEEK, subscription, snapshot_records.pack_seek(acked, revived))

    def lend(self, subscription: str, leases: Sequence[tuple[int, int]], deadline: float) -> None:
        """Messages were lent, for exactly-once delivery."""
        self._append(Kind.LEND, subscription, lease_records.pack_leases(leases, deadline))

    def give_back(self, subscription: str, failed: Sequence[int], others: Sequence[int]) -> None:
        """Leases ended without an ack."""
        self._append(Kind.GIVE_BACK, subscription, records.pack_two(failed, others))

    def _append(self, kind: Kind, name: str, payload: bytes = b"") -> None:
        self._journal.append(records.encode(kind, name, payload))

    # On the disk itself

    async def durable(self) -> None:
        """Return once all told until now is as safe as promised. Raises StorageFailed."""
        if self._fsync is not Fsync.ALWAYS:
            return
        wanted = self._journal.appended
        while self._journal.synced < wanted:
            if self._syncing is None:
                self._syncing = asyncio.ensure_future(self._sync())
            # Who waits may be cancelled, with its client; the others still wait for the sync.
            await asyncio.shield(self._syncing)

    async def _sync(self) -> None:
        try:
            sync = self._journal.sync()
            await asyncio.to_thread(sync.run)
            self._journal.noted(sync)
        finally:
            self._syncing = None

    async def tend(self) -> None:
        """Sync now and then, and compact when most of the journal is of no use; never returns."""
        elapsed = 0.0
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            elapsed += LOOK_EVERY_S
            try:
                if self._fsync is Fsync.INTERVAL and elapsed >= SYNC_EVERY_S:
                    elapsed = 0.0
                    if self._journal.synced < self._journal.appended:
                        await self._sync()
                if self.overgrown():
                    await self._compact_in_steps()
            except StorageFailed as error:
                log.warning("%s", error)

    async def settle(self) -> None:
        """All told until now is on the disk, at the end of a run that promised it."""
        if self._fsync is not Fsync.NEVER and self._journal.synced < self._journal.appended:
            await self._sync()

    # Compaction

    def overgrown(self) -> bool:
        """Whether most of the journal is likely to be of no use any more."""
        assert self._state is not None
        size = self._journal.size
        return size > self._not_before and size > max(
            SMALLEST_TO_COMPACT, GROWTH_TO_COMPACT * self._state.held_bytes()
        )

    def compact(self) -> None:
        """Replace the journal by a snapshot, all at once. Raises StorageFailed."""
        compaction = self._begin()
        try:
            while compaction.step():
                pass
            compaction.sync()
            compaction.adopt()
        except StorageFailed:
            self._give_up(compaction)
            raise
        self._not_before = 0

    async def _compact_in_steps(self) -> None:
        compaction = self._begin()
        try:
            while compaction.step():
                await asyncio.sleep(0)
            await asyncio.to_thread(compaction.sync)
            compaction.adopt()
        except (StorageFailed, asyncio.CancelledError):
            self._give_up(compaction)
            raise
        self._not_before = 0

    def _begin(self) -> Compaction:
        assert self._state is not None
        try:
            return Compaction(self._journal, self._state, self._resources)
        except StorageFailed:
            self._not_before = 2 * self._journal.size
            raise

    def _give_up(self, compaction: Compaction) -> None:
        compaction.abandon()
        # Not again before it has grown as much once more.
        self._not_before = 2 * self._journal.size


@contextmanager
def _without_collections() -> Iterator[None]:
    """A replay makes millions of objects and no cycles: to look for some takes a third of it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
