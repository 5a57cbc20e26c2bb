"""A subscription: what waits, what is lent, and what becomes of each message.

No clock, no lock and no loop here: the time `now`, in seconds since the epoch, is an argument.
A message is ready in the backlog, or lent to a client, or resting before it is tried again; it
leaves by an ack, as a dead letter, or when its retention ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from localgcp.pubsub.domain import filter, retry_policy
from localgcp.pubsub.domain.agenda import Agenda
from localgcp.pubsub.domain.backlog import Backlog, Ordered, Unordered
from localgcp.pubsub.domain.config import SubscriptionConfig
from localgcp.pubsub.domain.counters import Counters
from localgcp.pubsub.domain.destinations import State
from localgcp.pubsub.domain.expiry import Expiry
from localgcp.pubsub.domain.hooks import Hooks
from localgcp.pubsub.domain.leases import AckIds, Entry, Holder, Outstanding
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.names import short
from localgcp.pubsub.domain.retained import Retained
from localgcp.pubsub.domain.waiters import Waiters
from localgcp.pubsub.errors import NotFound, WrongState

UNLIMITED = 1 << 62


class Subscription:
    """One subscription with its messages. `config` is complete."""

    def __init__(self, config: SubscriptionConfig, hooks: Hooks) -> None:
        self._hooks = hooks
        self.filter = filter.parse(config.filter) if config.filter else None
        self.unacked: dict[int, Entry] = {}
        self.held_bytes = 0
        """Of all unacked messages, as clients read them."""
        self.outstanding = Outstanding()
        self.counters = Counters()
        self.expiry = Expiry()
        self.closed = False
        self.destination = State.ACTIVE  # where its messages are exported
        self.retained = Retained()
        """What was acked, where acked messages are retained."""
        self._backlog = _empty_backlog(config)
        self._resting: Agenda[Entry] = Agenda()
        self.waiters = Waiters(self._ready)
        self._retention_due: float | None = None
        self._ack_ids = AckIds(config.name)
        self.configure(config)

    def configure(self, config: SubscriptionConfig) -> None:
        """Take new settings; they hold from the next delivery on."""
        self.config, self.name = config, config.name
        self.ack_deadline = config.ack_deadline_seconds
        self._retention = config.retention
        self._retry = retry_policy.of(config)
        self.expiry.configure(config.expiration_policy)
        self._max_failures = config.max_delivery_attempts
        # A shorter retention may end now, so look again at the next tick.
        self._retention_due = 0.0 if self.unacked else None
        if config.detached:
            self._empty()
        if config.detached or not config.retain_acked_messages:
            self.retained.clear()
        self._hooks.due_changed(self)

    @property
    def push_endpoint(self) -> str:
        """The URL that messages are pushed to; empty for a pull subscription."""
        return self.config.push_endpoint

    def check_open(self) -> None:
        """Raises NotFound once it was deleted, WrongState once it was detached."""
        if self.closed:
            raise NotFound(short(self.name))
        if self.config.detached:
            raise WrongState(f"Subscription is detached (resource={short(self.name)}).")

    def check_pullable(self) -> None:
        """Raises NotFound once it was deleted, WrongState when it is detached or not to pull."""
        self.check_open()
        if self.push_endpoint or self.config.is_exported:
            what = "Subscription's messages are pushed or exported, so it cannot be pulled"
            raise WrongState(f"{what} (resource={short(self.name)}).")

    # Messages come

    def offer(self, messages: Iterable[Message]) -> None:
        """Take in published messages, in order; the filter has been applied."""
        entries = [Entry(message) for message in messages]
        if not entries:
            return
        for entry in entries:
            self.unacked[entry.message.id] = entry
            self.held_bytes += len(entry.message.wire)
        self.retained.trim(entries[0].message.published - self._retention)
        self._backlog.add(entries)
        if self._retention_due is None:
            self._retention_due = entries[0].message.published + self._retention
            self._hooks.due_changed(self)
        self.waiters.notify()

    # Messages go out

    def lease(
        self,
        now: float,
        limit: int,
        max_bytes: int,
        ack_deadline: int = 0,
        holder: Holder | None = None,
    ) -> list[Entry]:
        """Lend up to `limit` messages of `max_bytes` together, for `ack_deadline` seconds.

        One message goes out even if it is larger. 0 seconds means the subscription's deadline.
        """
        self.expiry.touch(now)
        batch = self._backlog.take(limit, max_bytes)
        if not batch:
            return batch
        deadline = now + (ack_deadline or self.ack_deadline)
        for entry in batch:
            ack_id = self._ack_ids.make(entry.message.id, self._hooks.next_serial())
            self.outstanding.lease(entry, ack_id, deadline, holder)
            self.counters.redelivered += entry.failures > 0
        self.counters.delivered += len(batch)
        self._hooks.delivered(self.name, [entry.message.id for entry in batch], now)
        self._hooks.due_changed(self)
        self.waiters.notify()
        return self._hooks.lent(self, batch)

    def delivery_attempt(self, entry: Entry) -> int:
        """1 + failed deliveries with a dead letter policy, else 0, as in ReceivedMessage."""
        return entry.failures + 1 if self._max_failures else 0

    def take_back(self, entries: Iterable[Entry]) -> None:
        """Undo a lease whose messages never left; no failure is counted."""
        for entry in entries:
            if entry.ack_id:
                self.outstanding.end(entry)
                self._backlog.put_back(entry)
        self.waiters.notify()

    # Clients answer

    def ack(self, ack_ids: Sequence[str]) -> list[int]:
        """Drop messages for good; return the ids of those that were still held.

        A late ack, after the deadline and even after a restart, still counts where no order is
        to be kept. Raises InvalidArgument for what is no ack id of this subscription.
        """
        acked: list[int] = []
        for ack_id, message_id in [
            (ack_id, self._ack_ids.message_id(ack_id)) for ack_id in ack_ids
        ]:
            entry = self.unacked.get(message_id)
            if entry is None:
                continue
            leased = entry.ack_id == ack_id
            if leased:
                self.outstanding.end(entry)
            for done in self._backlog.ack(entry, leased):
                self._settle(done)
                acked.append(done.message.id)
        self.counters.acked += len(acked)
        self.waiters.notify()
        return acked

    def modify_ack_deadline(self, ack_ids: Sequence[str], seconds: int, now: float) -> None:
        """Let leases last `seconds` from now; 0 gives the messages back at once.

        A lease that has ended is left alone. Raises InvalidArgument for what is no ack id of this
        subscription.
        """
        for ack_id in ack_ids:
            self._ack_ids.message_id(ack_id)
            entry = self.outstanding.get(ack_id)
            if entry is None:
                continue
            if seconds:
                self.outstanding.extend(entry, now + seconds)
            else:
                self._fail(entry, now)
        self._hooks.due_changed(self)
        self.waiters.notify()

    def seek(self, acked: Iterable[int], revived: Iterable[Message]) -> None:
        """Mark what is held as acked by its ids, and bring other messages back.

        Every lease ends and what is left is delivered in the order published, so that a replay
        keeps the order of its keys.
        """
        self.outstanding.end_all()
        for message_id in acked:
            self._settle(self.unacked[message_id])
        for message in revived:
            self.unacked[message.id] = Entry(message)
            self.held_bytes += len(message.wire)
        self.unacked = dict(sorted(self.unacked.items()))
        self.retained.drop(self.unacked)
        self._resting = Agenda()
        self._backlog = _empty_backlog(self.config)
        for entry in self.unacked.values():
            entry.early = False
        self._backlog.add(self.unacked.values())
        self._retention_due = 0.0 if self.unacked else None
        self._hooks.due_changed(self)
        self.waiters.notify()

    def forget(self, message_ids: Iterable[int]) -> None:
        """Drop messages by their ids, as an earlier run of the emulator did."""
        for message_id in message_ids:
            entry = self.unacked.get(message_id)
            if entry is not None:
                self._settle(entry)

    def close(self) -> None:
        """It was deleted: nothing more goes out, and who waits is told."""
        self.closed = True
        self.outstanding.end_all()
        self.waiters.wake_all()

    # Time passes

    def tick(self, now: float) -> list[int]:
        """Do all that is due; return the ids of messages whose retention ended."""
        for entry in self.outstanding.expired(now):
            if entry.ack_id:  # an earlier one of its ordering key may have taken it along
                self._fail(entry, now)
        for entry in self._resting.take(now):
            self._backlog.put_back(entry)
        expired = self._expire(now)
        self.waiters.notify()
        return expired

    def next_due(self) -> float | None:
        """When tick() is needed next; None if nothing waits for time."""
        times = (
            self.outstanding.next_deadline(),
            self._resting.next(),
            self._retention_due,
            self.expiry.due(),
        )
        return min((time for time in times if time is not None), default=None)

    def oldest(self) -> Message | None:
        """The oldest message not yet acked."""
        entry = next(iter(self.unacked.values()), None)
        return None if entry is None else entry.message

    def _ready(self) -> bool:
        return self._backlog.waiting()

    def _empty(self) -> None:
        """Drop all that is held, lent or not; who waits is told."""
        for entry in list(self.unacked.values()):
            self._drop(entry)
        self._retention_due = None
        self.waiters.wake_all()

    def _fail(self, entry: Entry, now: float) -> None:
        self._take_back_after(entry)
        self.outstanding.end(entry)
        entry.failures += 1
        exhausted = self._max_failures and entry.failures >= self._max_failures
        if exhausted and self._hooks.give_up(self, entry, now):
            self._settle(entry)
            self.counters.dead_lettered += 1
            return
        delay = self._retry.delay(entry.failures)
        if delay:
            self._resting.set(entry, now + delay)
        else:
            self._backlog.put_back(entry)

    def _take_back_after(self, entry: Entry) -> None:
        for later in self._backlog.after(entry):
            if later.ack_id:
                self.outstanding.end(later)
            elif not later.early:
                continue  # it rests, and comes back by itself
            later.early = False
            self._backlog.put_back(later)

    def _settle(self, entry: Entry) -> None:
        """It was acked, or became a dead letter, which is as good."""
        self._drop(entry)
        if self.config.retain_acked_messages:
            self.retained.add((entry.message,))

    def _drop(self, entry: Entry) -> None:
        del self.unacked[entry.message.id]
        self.held_bytes -= len(entry.message.wire)
        if entry.ack_id:
            self.outstanding.end(entry)
        self._resting.drop(entry)
        self._backlog.settle(entry)

    def _expire(self, now: float) -> list[int]:
        expired: list[int] = []
        if self._retention_due is None or self._retention_due > now:
            return expired
        self._retention_due = None
        # A copy, because dropping changes it; only as long as the messages that are too old.
        for entry in list(self.unacked.values()):
            due = entry.message.published + self._retention
            if due > now:
                self._retention_due = due
                break
            expired.append(entry.message.id)
            self._take_back_after(entry)
            self._drop(entry)
        self.counters.expired += len(expired)
        return expired


def _empty_backlog(config: SubscriptionConfig) -> Backlog:
    return Ordered() if config.enable_message_ordering else Unordered()
