"""The leases of a subscription: each message as it sees it, who has it, and until when.

Time is an argument, in seconds since the epoch.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from localgcp.agenda import Agenda
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.errors import InvalidArgument


class Holder(Protocol):
    """Who a message was delivered to, when that one counts what it holds."""

    def release(self, entry: Entry) -> None:
        """The lease has ended: acked, nacked, expired or taken back."""


class Lease:
    """Who has a message: `holder` counts it, and `shown` is the message as that one gets it."""

    __slots__ = ("ack_id", "holder", "shown")

    def __init__(self, ack_id: str, holder: Holder | None, shown: Message) -> None:
        self.ack_id, self.holder, self.shown = ack_id, holder, shown


class Entry:
    """A message not yet acked that was lent, or is.

    `failures` counts nacks and passed deadlines; `early` is for one that is acked while an earlier
    one of its ordering key is not.
    """

    __slots__ = ("early", "failures", "lease", "message")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.failures = 0
        self.lease: Lease | None = None
        self.early = False

    @property
    def ack_id(self) -> str:
        """The lease's, "" without one."""
        return self.lease.ack_id if self.lease else ""

    @property
    def shown(self) -> Message:
        """The message as clients get it."""
        return self.lease.shown if self.lease else self.message


class AckIds:
    """The ack ids of one subscription: no other's may ack a message here."""

    def __init__(self, subscription: str) -> None:
        self._token = f"{zlib.crc32(subscription.encode()):08x}"

    def make(self, leases: Iterable[tuple[int, int]]) -> list[str]:
        """The ack ids of leases: of a message's id, and of what tells it from an earlier lease."""
        token = self._token
        return [f"{token}-{message_id}-{serial}" for message_id, serial in leases]

    def parts(self, ack_id: str) -> tuple[int, int]:
        """Which message was lent under it, and the lease's serial. Raises InvalidArgument."""
        token, _, rest = ack_id.partition("-")
        message_id, _, serial = rest.partition("-")
        if token != self._token or not message_id.isdecimal() or not serial.isdecimal():
            raise InvalidArgument(
                f"You have passed an invalid ack ID to the service (ack_id={ack_id})."
            )
        return int(message_id), int(serial)


class Outstanding:
    """Leased entries by ack id, and when each lease ends."""

    def __init__(self) -> None:
        self._leases: dict[str, Entry] = {}
        self._deadlines: Agenda[Entry, float] = Agenda()

    def __len__(self) -> int:
        return len(self._leases)

    def lease(
        self,
        entries: Iterable[Entry],
        ack_ids: Iterable[str],
        deadline: float,
        holder: Holder | None = None,
    ) -> None:
        """Lend entries until `deadline`, each by its ack id."""
        leases, set_deadline = self._leases, self._deadlines.set
        for entry, ack_id in zip(entries, ack_ids, strict=True):
            entry.lease = Lease(ack_id, holder, entry.message)
            leases[ack_id] = entry
            set_deadline(entry, deadline)

    def leases(self) -> Iterator[tuple[Entry, float]]:
        """What is lent, and until when."""
        for entry in self._leases.values():
            deadline = self._deadlines.get(entry)
            if deadline is not None:
                yield entry, deadline

    def get(self, ack_id: str) -> Entry | None:
        """The entry lent under this ack id, if it still is."""
        return self._leases.get(ack_id)

    def extend(self, entry: Entry, deadline: float) -> None:
        """Move a lease's deadline, either way."""
        self._deadlines.set(entry, deadline)

    def end(self, entry: Entry) -> None:
        """Take a lease back, and tell its holder."""
        lease, entry.lease = entry.lease, None
        assert lease is not None
        del self._leases[lease.ack_id]
        self._deadlines.drop(entry)
        if lease.holder is not None:
            lease.holder.release(entry)

    def end_all(self) -> None:
        """Take every lease back."""
        for entry in list(self._leases.values()):
            self.end(entry)

    def expired(self, now: float) -> list[Entry]:
        """The entries whose deadline has passed, oldest deadline first, each told once.

        Their leases go on until end() is called.
        """
        return self._deadlines.take(now)

    def next_deadline(self) -> float | None:
        """When the next lease ends; None without leases."""
        return self._deadlines.next()
