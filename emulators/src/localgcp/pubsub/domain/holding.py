"""What a subscription holds: messages that wait, are lent, rest, or are retained though acked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from localgcp.agenda import Agenda
from localgcp.pubsub.domain.backlog import Backlog, Ordered, Unordered
from localgcp.pubsub.domain.config import SubscriptionConfig
from localgcp.pubsub.domain.leases import EARLY, OPEN, AckIds, Entry, Outstanding
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.retained import Retained
from localgcp.pubsub.domain.retention import Retention


class Holding:
    """The messages of a subscription. Who waits for them, and what is due, is told elsewhere."""

    def __init__(self, config: SubscriptionConfig) -> None:
        self.config = config
        self.unacked: dict[int, Entry] = {}
        self.held_bytes = 0
        """Of all unacked messages, as clients read them."""
        self.outstanding = Outstanding()
        self.retained = Retained()
        """What was acked, where acked messages are retained."""
        self._backlog = _empty_backlog(config)
        self._resting: Agenda[Entry, float] = Agenda()
        self._retention = Retention()
        self._ack_ids = AckIds(config.name)

    def oldest(self) -> Message | None:
        """The oldest message not yet acked."""
        entry = next(iter(self.unacked.values()), None)
        return None if entry is None else entry.message

    def leases(self) -> Iterator[tuple[tuple[int, int], float]]:
        """What is lent: message id, serial, and until when."""
        for entry, deadline in self.outstanding.leases():
            yield self._ack_ids.parts(entry.ack_id), deadline

    def forget(self, message_ids: Iterable[int]) -> None:
        """Drop messages by their ids, as an earlier run of the emulator did."""
        for message_id in message_ids:
            entry = self.unacked.get(message_id)
            if entry is not None:
                self._settle(entry)

    def _take_in(self, messages: Iterable[Message]) -> bool:
        """Hold published messages, in order; whether one may now be too old earlier than before."""
        entries = [Entry(message) for message in messages]
        if not entries:
            return False
        self.unacked.update({entry.message.id: entry for entry in entries})
        self.held_bytes += sum([len(entry.message.wire) for entry in entries])
        published = entries[0].message.published
        self.retained.trim(published - self._retention.seconds)
        self._backlog.add(entries)
        if self._retention.due is not None:
            return False
        self._retention.due = published + self._retention.seconds
        return True

    def _hold(self, leases: Mapping[int, tuple[int, float]]) -> None:
        lent = [self.unacked[each] for each in leases if each in self.unacked]
        self._backlog.hold(lent)
        for entry in lent:
            serial, deadline = leases[entry.message.id]
            ack_id = self._ack_ids.make(entry.message.id, serial)
            self.outstanding.lease(entry, ack_id, deadline, None)

    def _start_over(self, acked: Iterable[int], revived: Iterable[Message]) -> None:
        """Drop some as acked, bring others back, and deliver all that is left from the start."""
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
            entry.fate = OPEN
        self._backlog.add(self.unacked.values())
        self._retention.look_again(bool(self.unacked))

    def _ready(self) -> bool:
        return self._backlog.waiting()

    def _empty(self) -> None:
        """Drop all that is held, lent or not."""
        for entry in list(self.unacked.values()):
            self._drop(entry)
        self._retention.look_again(held=False)

    def _take_back_after(self, entry: Entry) -> list[int]:
        back = []
        for later in self._backlog.after(entry):
            if later.lease:
                self.outstanding.end(later)
            elif later.fate is not EARLY:
                continue  # it rests, and comes back by itself
            later.fate = OPEN
            self._backlog.put_back(later)
            back.append(later.message.id)
        return back

    def _settle(self, entry: Entry) -> None:
        """It was acked, or became a dead letter, which is as good."""
        self._drop(entry)
        if self.config.retain_acked_messages:
            self.retained.add((entry.message,))

    def _drop(self, entry: Entry) -> None:
        del self.unacked[entry.message.id]
        self.held_bytes -= len(entry.message.wire)
        if entry.lease:
            self.outstanding.end(entry)
        self._resting.drop(entry)
        self._backlog.settle(entry)


def _empty_backlog(config: SubscriptionConfig) -> Backlog:
    return Ordered() if config.enable_message_ordering else Unordered()
