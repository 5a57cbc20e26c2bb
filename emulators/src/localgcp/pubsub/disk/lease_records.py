"""Leases of exactly-once delivery, and failed deliveries, as the journal's records keep them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence

from localgcp.pubsub.disk import records
from localgcp.pubsub.disk.records import Kind, Record
from localgcp.pubsub.domain.registry import Registry
from localgcp.pubsub.domain.subscription import Subscription

_DEADLINE = struct.Struct(">d")


def pack_leases(leases: Sequence[tuple[int, int]], deadline: float) -> bytes:
    """Lay out leases: message ids and serials, and until when."""
    return _DEADLINE.pack(deadline) + _pack_pairs(leases)


def pack_attempts(attempts: Iterable[tuple[int, int]]) -> bytes:
    """Lay out message ids, and how often each has failed."""
    return _pack_pairs(attempts)


def snapshot(state: Registry) -> Iterator[bytes]:
    """The records of all leases and failures that a restart must know of."""
    for name, each in state.subscriptions.items():
        failures = [(it.message.id, it.failures) for it in each.unacked.entries() if it.failures]
        if failures and each.config.max_delivery_attempts:
            yield records.encode(Kind.ATTEMPTS, name, pack_attempts(failures))
        if each.config.enable_exactly_once_delivery:
            by_deadline: dict[float, list[tuple[int, int]]] = {}
            for lease, deadline in each.leases():
                by_deadline.setdefault(deadline, []).append(lease)
            for deadline, leases in by_deadline.items():
                yield records.encode(Kind.LEND, name, pack_leases(leases, deadline))


class Lent:
    """What was lent when the last run ended, by subscription, message id: serial and deadline."""

    def __init__(self, subscriptions: Mapping[str, Subscription]) -> None:
        self._subscriptions = subscriptions
        self._leases: dict[str, dict[int, tuple[int, float]]] = {}

    def apply(self, record: Record) -> None:
        """Replay LEND, GIVE_BACK or ATTEMPTS."""
        unacked = self._subscriptions[record.name].unacked
        match record.kind:
            case Kind.LEND:
                self._lend(record.name, record.payload)
            case Kind.GIVE_BACK:
                failed, others = records.unpack_two(record.payload)
                self.end(record.name, (*failed, *others))
                for message_id in failed:
                    if (entry := unacked.entry(message_id)) is not None:
                        entry.failures += 1
            case _:
                for message_id, failures in _unpack_pairs(record.payload):
                    if (entry := unacked.entry(message_id)) is not None:
                        entry.failures = failures

    def _lend(self, name: str, payload: bytes) -> None:
        (deadline,) = _DEADLINE.unpack_from(payload)
        lent = self._leases.setdefault(name, {})
        for message_id, serial in _unpack_pairs(payload[_DEADLINE.size :]):
            lent[message_id] = (serial, deadline)

    def end(self, name: str, message_ids: Iterable[int]) -> None:
        """Leases that ended otherwise."""
        lent = self._leases.get(name, {})
        for message_id in message_ids:
            lent.pop(message_id, None)

    def end_all(self, name: str) -> None:
        """A seek or a deletion ended all leases of a subscription."""
        self._leases.pop(name, None)

    def finish(self) -> None:
        """Lend what is still lent."""
        for name, leases in self._leases.items():
            target = self._subscriptions[name]
            if target.config.enable_exactly_once_delivery:
                target.lend_again(leases)


def _pack_pairs(pairs: Iterable[tuple[int, int]]) -> bytes:
    return records.pack_ids([number for pair in pairs for number in pair])


def _unpack_pairs(payload: bytes) -> Iterator[tuple[int, int]]:
    numbers = records.unpack_ids(payload)
    return zip(numbers[::2], numbers[1::2], strict=True)
