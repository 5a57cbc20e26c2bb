"""The leases of a subscription: each message as it sees it, who has it, and until when.

Time is an argument, in seconds since the epoch.
"""

from __future__ import annotations

import heapq
from typing import Protocol

from localgcp.pubsub.domain.message import Message


class Holder(Protocol):
    """Who a message was delivered to, when that one counts what it holds."""

    def release(self, entry: Entry) -> None:
        """The lease has ended: acked, nacked, expired or taken back."""


class Entry:
    """A message not yet acked.

    `failures` counts nacks and passed deadlines. While it is leased, `ack_id` is the lease's
    (else ""), `deadline` is in seconds since the epoch, and `holder` counts it. `early` says that
    it was acked while an earlier one of its ordering key was not.
    """

    __slots__ = ("ack_id", "deadline", "done", "early", "failures", "holder", "message")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.failures = 0
        self.ack_id = ""
        self.deadline = 0.0
        self.holder: Holder | None = None
        self.early = False
        self.done = False


class Outstanding:
    """Leased entries by ack id, the nearest deadline first.

    Deadlines lie in a heap that is not searched when a lease ends or moves: a stale item is
    dropped when it surfaces, or when the stale outnumber the live.
    """

    def __init__(self) -> None:
        self._leases: dict[str, Entry] = {}
        self._deadlines: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._leases)

    def lease(self, entry: Entry, ack_id: str, deadline: float, holder: Holder | None) -> None:
        """Lend an entry until `deadline`."""
        entry.ack_id, entry.deadline, entry.holder = ack_id, deadline, holder
        self._leases[ack_id] = entry
        self._push(deadline, ack_id)

    def get(self, ack_id: str) -> Entry | None:
        """The entry lent under this ack id, if it still is."""
        return self._leases.get(ack_id)

    def extend(self, entry: Entry, deadline: float) -> None:
        """Move a lease's deadline, either way."""
        entry.deadline = deadline
        self._push(deadline, entry.ack_id)

    def end(self, entry: Entry) -> None:
        """Take a lease back, and tell its holder."""
        del self._leases[entry.ack_id]
        entry.ack_id = ""
        holder, entry.holder = entry.holder, None
        if holder is not None:
            holder.release(entry)

    def end_all(self) -> None:
        """Take every lease back."""
        for entry in list(self._leases.values()):
            self.end(entry)

    def expired(self, now: float) -> list[Entry]:
        """The entries whose deadline has passed, oldest deadline first; their leases go on."""
        passed = []
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline, ack_id = heapq.heappop(self._deadlines)
            entry = self._leases.get(ack_id)
            if entry is not None and entry.deadline == deadline:
                passed.append(entry)
        return passed

    def next_deadline(self) -> float | None:
        """When the next lease ends; None without leases."""
        while self._deadlines:
            deadline, ack_id = self._deadlines[0]
            entry = self._leases.get(ack_id)
            if entry is not None and entry.deadline == deadline:
                return deadline
            heapq.heappop(self._deadlines)
        return None

    def _push(self, deadline: float, ack_id: str) -> None:
        heapq.heappush(self._deadlines, (deadline, ack_id))
        if len(self._deadlines) > 2 * len(self._leases) + 1024:
            self._deadlines = [(entry.deadline, id_) for id_, entry in self._leases.items()]
            heapq.heapify(self._deadlines)
