"""A subscription: what waits, what is lent, and what becomes of each message.

No clock, no lock and no loop here: the time `now`, in seconds since the epoch, is an argument.
A message is ready in the backlog, or lent to a client, or resting before it is tried again; it
leaves by an ack, as a dead letter, or when its retention ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from localgcp.pubsub.domain import filter, retry_policy
from localgcp.pubsub.domain.config import SubscriptionConfig
from localgcp.pubsub.domain.destinations import State
from localgcp.pubsub.domain.expiry import Expiry
from localgcp.pubsub.domain.holding import Holding
from localgcp.pubsub.domain.hooks import Hooks
from localgcp.pubsub.domain.leases import Entry, Holder
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.names import short
from localgcp.pubsub.domain.waiters import Waiters
from localgcp.pubsub.errors import NotFound, StorageFailed, WrongState

UNLIMITED = 1 << 62


@dataclass
class Counters:
    """What has become of messages since the emulator started, in numbers of them.

    `delivered` counts a message again each time it goes out.
    """

    delivered: int = 0
    acked: int = 0
    redelivered: int = 0
    dead_lettered: int = 0
    expired: int = 0


class Subscription(Holding):
    """One subscription with its messages. `config` is complete."""

    def __init__(self, config: SubscriptionConfig, hooks: Hooks) -> None:
        super().__init__(config)
        self._hooks = hooks
        self.filter = filter.parse(config.filter) if config.filter else None
        self.counters = Counters()
        self.expiry = Expiry()
        self.closed = False
        self.destination = State.ACTIVE  # where its messages are exported
        self.waiters = Waiters(self._ready)
        self.configure(config)

    def configure(self, config: SubscriptionConfig) -> None:
        """Take new settings; they hold from the next delivery on."""
        self.config, self.name = config, config.name
        self.ack_deadline = config.ack_deadline_seconds
        self._retention.seconds = config.retention
        self._retry = retry_policy.of(config)
        self.expiry.configure(config.expiration_policy)
        self._max_failures = config.max_delivery_attempts
        self._retention.look_again(bool(self.unacked))  # a shorter one may end now
        if config.detached:
            self._empty()
            self.waiters.wake_all()
        if config.detached or not config.retain_acked_messages:
            self.retained.clear()
        self._hooks.due_changed(self)

    def check_open(self) -> None:
        """Look whether it is there and attached.

        Raises NotFound once it was deleted, WrongState once it was detached.
        """
        if self.closed:
            raise NotFound(short(self.name))
        if self.config.detached:
            raise WrongState(f"Subscription is detached (resource={short(self.name)}).")

    def check_pullable(self) -> None:
        """Look whether it may be pulled.

        Raises NotFound once it was deleted, WrongState when it is detached or not to pull.
        """
        self.check_open()
        if self.config.push_endpoint or self.config.is_exported:
            what = "Subscription's messages are pushed or exported, so it cannot be pulled"
            raise WrongState(f"{what} (resource={short(self.name)}).")

    # Messages come

    def offer(self, messages: Sequence[Message]) -> None:
        """Take in published messages, in order; the filter has been applied."""
        if self._take_in(messages):
            self._hooks.due_changed(self)
        self.waiters.notify(len(messages))

    # Messages go out

    def share(self, takers: int) -> int:
        """How many messages each of so many takers may have of those that may wait; 1 at least."""
        return max(-(-(len(self.unacked) - len(self.outstanding)) // takers), 1)

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
        Raises StorageFailed where leases are kept, for exactly-once delivery.
        """
        self.expiry.touch(now)
        batch = self._backlog.take(limit, max_bytes)
        if not batch:
            return batch
        deadline = now + (ack_deadline or self.ack_deadline)
        next_serial = self._hooks.next_serial
        leases = [(entry.message.id, next_serial()) for entry in batch]
        if self.config.enable_exactly_once_delivery:
            try:
                self._hooks.keep_lent(self.name, leases, deadline)
            except StorageFailed:
                for entry in batch:
                    self._backlog.put_back(entry)
                raise
        self.outstanding.lease(batch, self._ack_ids.make(leases), deadline, holder)
        self.counters.redelivered += sum([entry.failures > 0 for entry in batch])
        self.counters.delivered += len(batch)
        self._hooks.delivered(self.name, [message_id for message_id, _ in leases], now)
        self._hooks.due_changed(self)
        self.waiters.notify()
        return self._hooks.lent(self, batch)

    def delivery_attempt(self, entry: Entry) -> int:
        """1 + failed deliveries with a dead letter policy, else 0, as in ReceivedMessage."""
        return entry.failures + 1 if self._max_failures else 0

    def take_back(self, entries: Iterable[Entry]) -> None:
        """Undo a lease whose messages never left; no failure is counted."""
        back = [entry for entry in entries if entry.lease]
        for entry in back:
            self.outstanding.end(entry)
            self._backlog.put_back(entry)
        self._returned((), [entry.message.id for entry in back])
        self.waiters.notify(len(back))

    def lend_again(self, leases: Mapping[int, tuple[int, float]]) -> None:
        """Lend messages as an earlier run did: by their ids, the serials and deadlines."""
        self._hold(leases)
        self._hooks.due_changed(self)

    def seek(self, acked: Iterable[int], revived: Iterable[Message]) -> None:
        """Mark what is held as acked by its ids, and bring other messages back.

        Every lease ends and what is left is delivered in the order published, so that a replay
        keeps the order of its keys.
        """
        self._start_over(acked, revived)
        self._hooks.due_changed(self)
        self.waiters.notify(len(self.unacked))

    # Clients answer

    def not_lent(self, ack_ids: Iterable[str]) -> list[str]:
        """The ack ids under which nothing is lent, or not any more."""
        return [ack_id for ack_id in ack_ids if self.outstanding.get(ack_id) is None]

    def unordered(self, ack_ids: Iterable[str]) -> list[str]:
        """The ack ids of what is lent after an earlier message of its key that is not acked.

        Those that are asked for together are in order if nothing between them is left out.
        """
        lent = [entry for ack_id in ack_ids if (entry := self.outstanding.get(ack_id))]
        return [entry.ack_id for entry in self._backlog.unordered(lent)]

    def ack(self, ack_ids: Sequence[str]) -> list[int]:
        """Drop messages for good; return the ids of those that were still held.

        A late ack, after the deadline and even after a restart, still counts where no order is
        to be kept. Raises InvalidArgument for what is no ack id of this subscription, and
        StorageFailed, after which all is as it was.
        """
        acked: dict[Entry, bool] = {}
        for ack_id, message_id in [(ack_id, self._ack_ids.parts(ack_id)[0]) for ack_id in ack_ids]:
            entry = self.unacked.entry(message_id)
            if entry is not None:
                acked[entry] = entry.ack_id == ack_id or acked.get(entry, False)
        done = self._backlog.ack(acked)
        dropped = [entry.message.id for entry in done]
        try:
            self._hooks.keep_acked(self.name, dropped)
        except StorageFailed:
            self._backlog.unack(acked)
            raise
        for entry, leased in acked.items():
            if leased:
                self.outstanding.end(entry)
        for entry in done:
            self._settle(entry.message)
        self.counters.acked += len(dropped)
        self.waiters.notify()
        return dropped

    def modify_ack_deadline(self, ack_ids: Sequence[str], seconds: int, now: float) -> None:
        """Let leases last `seconds` from now; 0 gives the messages back at once.

        A lease that has ended is left alone. Raises InvalidArgument for what is no ack id of this
        subscription.
        """
        parts = [self._ack_ids.parts(ack_id) for ack_id in ack_ids]
        entries = [self.outstanding.get(ack_id) for ack_id in ack_ids]
        if seconds and self.config.enable_exactly_once_delivery:
            leases = [lease for lease, entry in zip(parts, entries, strict=True) if entry]
            self._hooks.keep_lent(self.name, leases, now + seconds)
        for entry in entries:
            if entry is None or not entry.lease:  # ended before, or by one just given back
                continue
            if seconds:
                self.outstanding.extend(entry, now + seconds)
            else:
                self._fail(entry, now)
        self._hooks.due_changed(self)
        self.waiters.notify(len(ack_ids))

    def close(self) -> None:
        """It was deleted: nothing more goes out, and who waits is told."""
        self.closed = True
        self.outstanding.end_all()
        self.waiters.wake_all()

    # Time passes

    def tick(self, now: float) -> list[int]:
        """Do all that is due; return the ids of messages whose retention ended."""
        failed, rested = self.outstanding.expired(now), self._resting.take(now)
        for entry in failed:
            if entry.lease:  # an earlier one of its ordering key may have taken it along
                self._fail(entry, now)
        for entry in rested:
            self._backlog.put_back(entry)
        expired = self._expire(now)
        self.waiters.notify(len(failed) + len(rested))
        return expired

    def next_due(self) -> float | None:
        """When tick() is needed next; None if nothing waits for time."""
        times = (
            self.outstanding.next_deadline(),
            self._resting.next(),
            self._retention.due,
            self.expiry.due(),
        )
        return min((time for time in times if time is not None), default=None)

    def _fail(self, entry: Entry, now: float) -> None:
        others = self._take_back_after(entry)
        self.outstanding.end(entry)
        entry.failures += 1
        self._returned((entry.message.id,), others)
        exhausted = self._max_failures and entry.failures >= self._max_failures
        if exhausted and self._hooks.give_up(self, entry, now):
            self._settle(entry.message)
            self.counters.dead_lettered += 1
            return
        delay = self._retry.delay(entry.failures)
        if delay:
            self._resting.set(entry, now + delay)
        else:
            self._backlog.put_back(entry)

    def _expire(self, now: float) -> list[int]:
        expired = self._retention.over(self.unacked, now)
        for message in expired:
            if (entry := self.unacked.known(message.id)) is not None:
                self._returned((), self._take_back_after(entry))
            self._drop(message)
        self.counters.expired += len(expired)
        return [message.id for message in expired]

    def _returned(self, failed: Sequence[int], others: Sequence[int]) -> None:
        """Tell of leases that ended without an ack, where a restart must know of it."""
        exactly_once = self.config.enable_exactly_once_delivery
        if (failed and self._max_failures) or (exactly_once and (failed or others)):
            self._hooks.keep_returned(self.name, failed, others)
