"""Snapshots: what a subscription had not acked at one moment, and all that its topic got since.

API reference: Snapshot; page "Replay and purge messages with seek".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from localgcp.agenda import Agenda
from localgcp.pubsub.domain import filter, labels
from localgcp.pubsub.domain.config import SnapshotConfig
from localgcp.pubsub.domain.keeping import Keeper
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.names import check_snapshot, project_of, short
from localgcp.pubsub.domain.retained import Retained
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.errors import AlreadyExists, InvalidArgument, NotFound, WrongState

LONGEST_LIFE = 7 * 24 * 3600.0
SHORTEST_LIFE = 3600.0

# What an update may change, and what it may not.
MUTABLE, FIXED = frozenset(("labels", "expire_time")), frozenset(("name", "topic"))


class Snapshot:
    """One snapshot. A topic offers it messages as it does a subscription."""

    def __init__(self, config: SnapshotConfig) -> None:
        self.config = config
        self.filter = filter.parse(config.filter) if config.filter else None
        self.retained = Retained()

    def offer(self, messages: Iterable[Message]) -> None:
        """Take in published messages; the filter has been applied."""
        self.retained.add(messages)


class Snapshots:
    """All snapshots of an emulator, each until it expires. Times are seconds since the epoch."""

    def __init__(
        self, clock: Callable[[], float], keeper: Keeper, on_due: Callable[[float], None]
    ) -> None:
        """`on_due(time)` is told when expired() is to be asked."""
        self._clock, self._keeper, self._on_due = clock, keeper, on_due
        self.by_name: dict[str, Snapshot] = {}
        self._expiries: Agenda[str, float] = Agenda()

    def get(self, name: str) -> Snapshot:
        """The snapshot of that name. Raises NotFound, InvalidArgument."""
        found = self.by_name.get(name)
        if found is None:
            raise NotFound(short(check_snapshot(name)))
        return found

    def create(self, name: str, source: Subscription, wanted: Mapping[str, str]) -> SnapshotConfig:
        """A snapshot of `source` with these labels; without a name it gets one.

        It lasts 7 days less the age of the oldest message not acked. Raises AlreadyExists,
        InvalidArgument, WrongState for one that would last less than an hour, StorageFailed.
        """
        now, oldest = self._clock(), source.oldest()
        name = name or f"projects/{project_of(source.name)}/snapshots/snapshot-{int(now * 1e6)}"
        check_snapshot(name)
        labels.check(wanted)
        if name in self.by_name:
            raise AlreadyExists(short(name))
        expires = (oldest.published if oldest else now) + LONGEST_LIFE
        if expires < now + SHORTEST_LIFE:
            raise WrongState(
                f"The backlog of {short(source.name)} is too old: the snapshot would expire in "
                f"{max(expires - now, 0):.0f}s, which is less than {SHORTEST_LIFE:.0f}s."
            )
        config = SnapshotConfig(name, source.config.topic, wanted, expires, source.config.filter)
        self._keeper.put_snapshot(config, source.name)
        return config

    def update(self, config: SnapshotConfig) -> None:
        """Replace labels and expiry. Raises NotFound, InvalidArgument, StorageFailed."""
        current, now = self.get(config.name), self._clock()
        labels.check(config.labels)
        if not now < config.expire_time <= now + LONGEST_LIFE:
            raise InvalidArgument(
                f"Invalid expire_time: it is {config.expire_time - now:.0f}s from now; it must lie "
                f"in the future, and no more than {LONGEST_LIFE:.0f}s ahead."
            )
        config = replace(current.config, labels=config.labels, expire_time=config.expire_time)
        self._keeper.put_snapshot(config, "")
        self.put(config)

    def expired(self, now: float) -> list[str]:
        """Those whose time is over, each told once; asks to be called for the next."""
        over = self._expiries.take(now)
        self._rearm()
        return over

    def _rearm(self) -> None:
        due = self._expiries.next()
        if due is not None:
            self._on_due(due)

    # What an earlier run's changes replay into

    def put(self, config: SnapshotConfig) -> Snapshot:
        """Make or change a snapshot."""
        snapshot = self.by_name.setdefault(config.name, Snapshot(config))
        snapshot.config = config
        self._expiries.set(config.name, config.expire_time)
        self._rearm()
        return snapshot

    def drop(self, name: str) -> Snapshot:
        """Delete a snapshot that exists, and return it."""
        self._expiries.drop(name)
        return self.by_name.pop(name)
