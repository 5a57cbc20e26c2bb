"""What a subscription holds: messages that wait, are lent, rest, or are retained though acked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from localgcp.agenda import Agenda
from localgcp.pubsub.domain.backlog import Backlog, Ordered, Unordered
from localgcp.pubsub.domain.config import SubscriptionConfig
from localgcp.pubsub.domain.leases import AckIds, Entry, Outstanding
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.retained import Retained
from localgcp.pubsub.domain.retention import Retention
from localgcp.pubsub.domain.unacked import Unacked


class Holding:
    """The messages of a subscription. Who waits for them, and what is due, is told elsewhere."""

    def __init__(self, config: SubscriptionConfig) -> None:
        self.config = config
        self.unacked = Unacked()
        self.outstanding = Outstanding()
        self.retained = Retained()
        """What was acked, where acked messages are retained."""
        self._backlog = self._empty_backlog()
        self._resting: Agenda[Entry, float] = Agenda()
        self._retention = Retention()
        self._ack_ids = AckIds(config.name)

    def oldest(self) -> Message | None:
        """The oldest message not yet acked."""
        return next(iter(self.unacked), None)

    def leases(self) -> Iterator[tuple[tuple[int, int], float]]:
        """What is lent: message id, serial, and until when."""
        for entry, deadline in self.outstanding.leases():
            yield self._ack_ids.parts(entry.ack_id), deadline

    def forget(self, message_ids: Iterable[int]) -> None:
        """Drop messages by their ids, as an earlier run of the emulator did."""
        for message_id in message_ids:
            message = self.unacked.get(message_id)
            if message is not None:
                self._settle(message)

    def _take_in(self, messages: Sequence[Message]) -> bool:
        """Hold published messages, in order; whether one may now be too old earlier than before."""
        if not messages:
            return False
        self.unacked.add(messages)
        published = messages[0].published
        self.retained.trim(published - self._retention.seconds)
        self._backlog.add(messages)
        if self._retention.due is not None:
            return False
        self._retention.due = published + self._retention.seconds
        return True

    def _hold(self, leases: Mapping[int, tuple[int, float]]) -> None:
        lent = [entry for each in leases if (entry := self.unacked.entry(each))]
        self._backlog.hold(lent)
        for entry in lent:
            serial, deadline = leases[entry.message.id]
            ack_ids = self._ack_ids.make([(entry.message.id, serial)])
            self.outstanding.lease([entry], ack_ids, deadline)

    def _start_over(self, acked: Iterable[int], revived: Iterable[Message]) -> None:
        """Drop some as acked, bring others back, and deliver all that is left from the start."""
        self.outstanding.end_all()
        for message_id in acked:
            if (message := self.unacked.get(message_id)) is not None:
                self._settle(message)
        self.unacked.add(revived)
        self.unacked.sort()
        self.retained.drop(self.unacked.ids())
        self._resting = Agenda()
        self._backlog = self._empty_backlog()
        for entry in self.unacked.entries():
            entry.early = False
        self._backlog.add(self.unacked)
        self._retention.look_again(bool(self.unacked))

    def _ready(self) -> bool:
        return self._backlog.waiting()

    def _empty(self) -> None:
        """Drop all that is held, lent or not."""
        for message in list(self.unacked):
            self._drop(message)
        self._retention.look_again(held=False)

    def _take_back_after(self, entry: Entry) -> list[int]:
        back = []
        for later in self._backlog.after(entry):
            if later.lease:
                self.outstanding.end(later)
            elif not later.early:
                continue  # it rests, and comes back by itself
            later.early = False
            self._backlog.put_back(later)
            back.append(later.message.id)
        return back

    def _settle(self, message: Message) -> None:
        """It was acked, or became a dead letter, which is as good."""
        self._drop(message)
        if self.config.retain_acked_messages:
            self.retained.add((message,))

    def _drop(self, message: Message) -> None:
        entry = self.unacked.drop(message)
        if entry is None:
            return
        if entry.lease:
            self.outstanding.end(entry)
        self._resting.drop(entry)
        self._backlog.settle(entry)

    def _empty_backlog(self) -> Backlog:
        ordered = self.config.enable_message_ordering
        return Ordered(self.unacked) if ordered else Unordered(self.unacked)
