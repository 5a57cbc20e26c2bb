"""What waits to be delivered: in the order published, or in order within each ordering key.

An entry acked while it waits is marked as done and dropped when its turn comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Protocol

from localgcp.pubsub.domain.leases import DONE, EARLY, OPEN, Entry


class Backlog(Protocol):
    """The queue of a subscription."""

    def add(self, entries: Iterable[Entry]) -> None:
        """New messages, in the order published."""

    def waiting(self) -> bool:
        """Whether take() would give one."""

    def take(self, limit: int, max_bytes: int) -> list[Entry]:
        """The next entries, at least one if any waits, else within both limits."""

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
        """An entry is dropped, taken or not."""

    def after(self, entry: Entry) -> list[Entry]:
        """What was taken that must be delivered again if `entry` is, in order."""


class Unordered:
    """First in, first out; what comes back goes to the end, so that one bad message blocks none."""

    def __init__(self) -> None:
        self._queue: deque[Entry] = deque()

    def add(self, entries: Iterable[Entry]) -> None:
        """New messages, in the order published."""
        self._queue.extend(entries)

    def waiting(self) -> bool:
        """Whether take() would give one."""
        _drop_done(self._queue)
        return bool(self._queue)

    def take(self, limit: int, max_bytes: int) -> list[Entry]:
        """The next entries, at least one if any waits, else within both limits."""
        return _take_from(self._queue, limit, max_bytes)

    def put_back(self, entry: Entry) -> None:
        """To the end of the queue."""
        self._queue.append(entry)

    def hold(self, entries: Sequence[Entry]) -> None:
        """Out of the queue."""
        held = set(entries)
        self._queue = deque(entry for entry in self._queue if entry not in held)

    def ack(self, acked: Mapping[Entry, bool]) -> list[Entry]:
        """All of them, even if the ack is late: the message was processed."""
        return list(acked)

    def unack(self, entries: Iterable[Entry]) -> None:
        """Nothing was noted."""

    def unordered(self, entries: Sequence[Entry]) -> list[Entry]:
        """None: no message waits for another."""
        return []

    def settle(self, entry: Entry) -> None:
        """Mark it, for when its turn comes."""
        entry.fate = DONE

    def after(self, entry: Entry) -> list[Entry]:
        """Nothing: no message waits for another."""
        return []


class _Lane:
    """One ordering key: what waits, and what was taken and holds the lane until it is settled."""

    __slots__ = ("queue", "taken")

    def __init__(self) -> None:
        self.queue: deque[Entry] = deque()
        self.taken: list[Entry] = []


class Ordered:
    """One lane a key, one batch of a lane out at a time; lanes take turns.

    Messages without a key share a lane that is never held. A message acked ahead of an earlier
    one of its key is kept until that is acked too, because a failure there brings all that follow
    it again, acked or not (page "Order messages").
    """

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._turns: deque[str] = deque()  # keys of lanes that are free and have entries

    def add(self, entries: Iterable[Entry]) -> None:
        """New messages, in the order published."""
        for entry in entries:
            key = entry.message.ordering_key
            lane = self._lanes.get(key)
            if lane is None:
                lane = self._lanes[key] = _Lane()
            if not lane.queue and not lane.taken:
                self._turns.append(key)
            lane.queue.append(entry)

    def waiting(self) -> bool:
        """Whether take() would give one."""
        while self._turns:
            lane = self._lanes[self._turns[0]]
            _drop_done(lane.queue)
            if lane.queue:
                return True
            del self._lanes[self._turns.popleft()]
        return False

    def take(self, limit: int, max_bytes: int) -> list[Entry]:
        """The next entries, at least one if any waits, else within both limits."""
        batch: list[Entry] = []
        while len(batch) < limit and max_bytes > 0 and self.waiting():
            key = self._turns.popleft()
            lane = self._lanes[key]
            run = _take_from(lane.queue, limit - len(batch), max_bytes, first=not batch)
            max_bytes -= sum(len(entry.message.wire) for entry in run)
            batch += run
            if key:
                lane.taken = run
            if lane.queue and not lane.taken:
                self._turns.append(key)
            if not run:
                break
        return batch

    def put_back(self, entry: Entry) -> None:
        """To its place in its lane, which is free again once nothing taken is left in it."""
        key = entry.message.ordering_key
        lane = self._lanes.setdefault(key, _Lane())
        if not key:
            if not lane.queue:
                self._turns.append(key)
            lane.queue.append(entry)
            return
        # Whatever is before it was put back too: two of one key may fail in any order.
        before = takewhile(lambda other: other.message.id < entry.message.id, lane.queue)
        lane.queue.insert(sum(1 for _ in before), entry)
        self._let_go(key, lane, entry)

    def hold(self, entries: Sequence[Entry]) -> None:
        """Out of their lanes, each of which they head."""
        held = set(entries)
        for key in {entry.message.ordering_key for entry in entries}:
            lane = self._lanes[key]
            if not key:
                lane.queue = deque(entry for entry in lane.queue if entry not in held)
                continue
            lane.taken = [entry for entry in lane.queue if entry in held]
            lane.queue = deque(entry for entry in lane.queue if entry not in held)
            self._turns.remove(key)

    def ack(self, acked: Mapping[Entry, bool]) -> list[Entry]:
        """Those before which nothing of their key is left, and those acked early behind them."""
        found = [entry for entry in acked if not entry.message.ordering_key]
        keys: dict[str, None] = {}
        for entry, leased in acked.items():
            # Without its lease it was taken back, to come again in its order.
            if leased and (key := entry.message.ordering_key):
                entry.fate = EARLY
                keys[key] = None
        for key in keys:
            found += takewhile(lambda other: other.fate is EARLY, self._lanes[key].taken)
        return found

    def unack(self, entries: Iterable[Entry]) -> None:
        """They were not acked after all."""
        for entry in entries:
            if entry.fate is EARLY and entry.lease:
                entry.fate = OPEN

    def unordered(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those that were taken after one of their key that is neither acked nor among them."""
        wanted, found = set(entries), []
        for key in dict.fromkeys(entry.message.ordering_key for entry in entries):
            in_order = True
            for taken in self._lanes[key].taken if key else ():
                if taken not in wanted:
                    in_order = in_order and taken.fate is EARLY
                elif not in_order:
                    found.append(taken)
        return found

    def settle(self, entry: Entry) -> None:
        """Mark it, and free its lane if it was the last that held it."""
        entry.fate = DONE
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
        if lane.queue:
            self._turns.append(key)
        else:
            del self._lanes[key]


def _drop_done(queue: deque[Entry]) -> None:
    while queue and queue[0].fate is DONE:
        queue.popleft()


def _take_from(queue: deque[Entry], limit: int, max_bytes: int, first: bool = True) -> list[Entry]:
    batch: list[Entry] = []
    while queue and len(batch) < limit:
        entry = queue.popleft()
        if entry.fate is DONE:
            continue
        max_bytes -= len(entry.message.wire)
        if max_bytes < 0 and (batch or not first):
            queue.appendleft(entry)
            break
        batch.append(entry)
    return batch
