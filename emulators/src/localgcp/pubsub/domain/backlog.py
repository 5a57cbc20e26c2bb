"""What waits to be delivered: in the order published, or in order within each ordering key.

A message that leaves its subscription while it waits is passed over when its turn comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Protocol

from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.unacked import Unacked


class Backlog(Protocol):
    """The queue of a subscription."""

    def add(self, messages: Iterable[Message]) -> None:
        """New messages, in the order published."""

    def waiting(self) -> bool:
        """Whether take() would give one."""

    def take(self, limit: int, max_bytes: int) -> list[Entry]:
        """The next messages, at least one if any waits, else within both limits."""

    def put_back(self, entry: Entry) -> None:
        """An entry that was taken is to be delivered again."""

    def hold(self, entries: Sequence[Entry]) -> None:
        """These of what was added are taken already, as an earlier run took them."""

    def ack(self, acked: Mapping[Entry, bool]) -> list[Entry]:
        """Note acks, and return what they allow to drop; True for those whose lease goes on."""

    def unack(self, entries: Iterable[Entry]) -> None:
        """Undo ack() for those that are still lent."""

    def unordered(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those that were taken after one of their key that is neither acked nor among them."""

    def settle(self, entry: Entry) -> None:
        """An entry was dropped, taken or not."""

    def after(self, entry: Entry) -> list[Entry]:
        """What was taken that must be delivered again if `entry` is, in order."""


class Unordered:
    """First in, first out; what comes back goes to the end, so that one bad message blocks none."""

    def __init__(self, held: Unacked) -> None:
        self._held = held
        self._queue: deque[Message] = deque()

    def __bool__(self) -> bool:
        """Whether anything is queued, gone or not."""
        return bool(self._queue)

    def add(self, messages: Iterable[Message]) -> None:
        """New messages, in the order published."""
        self._queue.extend(messages)

    def waiting(self) -> bool:
        """Whether take() would give one."""
        queue, held = self._queue, self._held
        while queue and queue[0].id not in held:
            queue.popleft()
        return bool(queue)

    def take(self, limit: int, max_bytes: int) -> list[Entry]:
        """The next messages, at least one if any waits, else within both limits."""
        return self.take_more(limit, max_bytes, first=True)

    def take_more(self, limit: int, max_bytes: int, first: bool) -> list[Entry]:
        """The next messages within both limits, but at least one if it is to be the first."""
        queue, entry_of = self._queue, self._held.entry
        batch: list[Entry] = []
        while queue and len(batch) < limit:
            message = queue.popleft()
            entry = entry_of(message.id)
            if entry is None:
                continue
            max_bytes -= len(message.wire)
            if max_bytes < 0 and (batch or not first):
                queue.appendleft(message)
                break
            batch.append(entry)
        return batch

    def put_back(self, entry: Entry) -> None:
        """To the end of the queue."""
        self._queue.append(entry.message)

    def hold(self, entries: Sequence[Entry]) -> None:
        """Out of the queue."""
        held = {entry.message.id for entry in entries}
        self._queue = deque(message for message in self._queue if message.id not in held)

    def ack(self, acked: Mapping[Entry, bool]) -> list[Entry]:
        """All of them, even if the ack is late: the message was processed."""
        return list(acked)

    def unack(self, entries: Iterable[Entry]) -> None:
        """Nothing was noted."""

    def unordered(self, entries: Sequence[Entry]) -> list[Entry]:
        """None: no message waits for another."""
        return []

    def settle(self, entry: Entry) -> None:
        """Where it waits, it is found to be gone when its turn comes."""

    def after(self, entry: Entry) -> list[Entry]:
        """Nothing: no message waits for another."""
        return []


class _Lane:
    """One ordering key: what waits, and what was taken and holds the lane until it is settled.

    There may be as many as messages, so both are lists: a deque takes ten times as much.
    """

    __slots__ = ("queue", "taken")

    def __init__(self) -> None:
        self.queue: list[Message] = []
        self.taken: list[Entry] = _NOTHING


_NOTHING: list[Entry] = []
"""Of every lane that nothing was taken of; never changed."""


class Ordered:
    """One lane a key, one batch of a lane out at a time; lanes take turns.

    Messages without a key share a queue that is never held. A message acked ahead of an earlier
    one of its key is kept until that is acked too, because a failure there brings all that follow
    it again, acked or not (page "Order messages").
    """

    def __init__(self, held: Unacked) -> None:
        self._held = held
        self._loose = Unordered(held)
        self._lanes: dict[str, _Lane] = {}
        # Keys of lanes that are free and have messages; "" is for those without a key.
        self._turns: deque[str] = deque()

    def add(self, messages: Iterable[Message]) -> None:
        """New messages, in the order published."""
        loose: list[Message] = []
        for message in messages:
            key = message.ordering_key
            if not key:
                if not self._loose and not loose:
                    self._turns.append("")
                loose.append(message)
                continue
            lane = self._lanes.get(key)
            if lane is None:
                lane = self._lanes[key] = _Lane()
            if not lane.queue and not lane.taken:
                self._turns.append(key)
            lane.queue.append(message)
        self._loose.add(loose)

    def waiting(self) -> bool:
        """Whether take() would give one."""
        while self._turns:
            key = self._turns[0]
            if not key:
                if self._loose.waiting():
                    return True
            else:
                queue = self._lanes[key].queue
                gone = sum(1 for _ in takewhile(lambda each: each.id not in self._held, queue))
                del queue[:gone]
                if queue:
                    return True
                del self._lanes[key]
            self._turns.popleft()
        return False

    def take(self, limit: int, max_bytes: int) -> list[Entry]:
        """The next messages, at least one if any waits, else within both limits."""
        batch: list[Entry] = []
        while len(batch) < limit and max_bytes > 0 and self.waiting():
            key = self._turns.popleft()
            if key:
                run = self._take_of_lane(self._lanes[key], limit - len(batch), max_bytes, not batch)
            else:
                run = self._loose.take_more(limit - len(batch), max_bytes, not batch)
            max_bytes -= sum(len(entry.message.wire) for entry in run)
            batch += run
            if not run:  # it is too large for what is left, and keeps its turn
                self._turns.appendleft(key)
                break
            if not key and self._loose:
                self._turns.append(key)
        return batch

    def _take_of_lane(self, lane: _Lane, limit: int, max_bytes: int, first: bool) -> list[Entry]:
        run: list[Entry] = []
        seen = 0
        for message in lane.queue:
            if len(run) == limit:
                break
            entry = self._held.entry(message.id)
            if entry is not None:
                max_bytes -= len(message.wire)
                if max_bytes < 0 and (run or not first):
                    break
                run.append(entry)
            seen += 1
        del lane.queue[:seen]
        lane.taken = run
        return run

    def put_back(self, entry: Entry) -> None:
        """To its place in its lane, which is free again once nothing taken is left in it."""
        message = entry.message
        key = message.ordering_key
        if not key:
            self.add((message,))
            return
        lane = self._lanes[key]
        # Whatever is before it was put back too: two of one key may fail in any order.
        before = takewhile(lambda other: other.id < message.id, lane.queue)
        lane.queue.insert(sum(1 for _ in before), message)
        self._let_go(key, lane, entry)

    def hold(self, entries: Sequence[Entry]) -> None:
        """Out of their lanes, each of which they head."""
        if loose := [entry for entry in entries if not entry.message.ordering_key]:
            self._loose.hold(loose)
            if not self._loose:
                self._turns.remove("")
        held = {entry.message.id: entry for entry in entries}
        for key in {entry.message.ordering_key for entry in entries} - {""}:
            lane = self._lanes[key]
            lane.taken = [held[each.id] for each in lane.queue if each.id in held]
            lane.queue = [each for each in lane.queue if each.id not in held]
            self._turns.remove(key)

    def ack(self, acked: Mapping[Entry, bool]) -> list[Entry]:
        """Those before which nothing of their key is left, and those acked early behind them."""
        found = [entry for entry in acked if not entry.message.ordering_key]
        keys: dict[str, None] = {}
        for entry, leased in acked.items():
            # Without its lease it was taken back, to come again in its order.
            if leased and (key := entry.message.ordering_key):
                entry.early = True
                keys[key] = None
        for key in keys:
            found += takewhile(lambda other: other.early, self._lanes[key].taken)
        return found

    def unack(self, entries: Iterable[Entry]) -> None:
        """They were not acked after all."""
        for entry in entries:
            if entry.lease:
                entry.early = False

    def unordered(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those that were taken after one of their key that is neither acked nor among them."""
        wanted, found = set(entries), []
        for key in dict.fromkeys(entry.message.ordering_key for entry in entries):
            in_order = True
            for taken in self._lanes[key].taken if key else ():
                if taken not in wanted:
                    in_order = in_order and taken.early
                elif not in_order:
                    found.append(taken)
        return found

    def settle(self, entry: Entry) -> None:
        """Free its lane if it was the last that held it."""
        key = entry.message.ordering_key
        lane = self._lanes.get(key)
        if key and lane is not None and entry in lane.taken:
            self._let_go(key, lane, entry)

    def after(self, entry: Entry) -> list[Entry]:
        """What was taken of the same key after it, in order."""
        lane = self._lanes.get(entry.message.ordering_key)
        if lane is None or entry not in lane.taken:
            return []
        return lane.taken[lane.taken.index(entry) + 1 :]

    def _let_go(self, key: str, lane: _Lane, entry: Entry) -> None:
        lane.taken.remove(entry)
        if lane.taken:
            return
        lane.taken = _NOTHING
        if lane.queue:
            self._turns.append(key)
        else:
            del self._lanes[key]
