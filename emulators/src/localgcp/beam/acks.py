"""Keeps the deadlines of held messages ahead of the clock, and acks what is done."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from localgcp.beam.bundles import PullBatch
from localgcp.beam.subscriber import MOST_ACK_IDS, Subscriber

log = logging.getLogger(__name__)


class Leases:
    """The pulls of one subscription that are not acked yet. Thread-safe; time is passed in.

    A fresh pull is extended early, because a subscription's own deadline may be 10 seconds; from
    then on at half of the lease.
    """

    FIRST_EXTENSION_SECONDS = 4.0

    def __init__(self, lease_seconds: int) -> None:
        self._lease = lease_seconds
        self._lock = threading.Lock()
        self._held: dict[PullBatch, None] = {}
        self._done: list[str] = []
        self.messages = 0
        """Messages held."""
        self.size = 0
        """Payload bytes held."""
        self.acked = 0
        """Messages whose work is done."""

    def hold(self, batch: PullBatch, now: float) -> None:
        """A pull arrived."""
        with self._lock:
            batch.due = now + self.FIRST_EXTENSION_SECONDS
            self._held[batch] = None
            self.messages += batch.messages
            self.size += batch.size

    def release(self, batch: PullBatch) -> None:
        """All work of a pull is done: its messages may be acked."""
        with self._lock:
            del self._held[batch]
            self._done.extend(batch.ack_ids)
            batch.ack_ids = []  # the batch may be remembered for long, against duplicates
            self.messages -= batch.messages
            self.size -= batch.size
            self.acked += batch.messages

    def join(self, batch: PullBatch, ack_id: str) -> None:
        """A message of `batch` was delivered again: this id shares its fate."""
        with self._lock:
            if batch in self._held:
                batch.ack_ids.append(ack_id)
            else:
                self._done.append(ack_id)

    def take_done(self) -> list[str]:
        """Ack ids to be acked now; `give_back` those that could not be."""
        with self._lock:
            done, self._done = self._done, []
            return done

    def give_back(self, ack_ids: list[str]) -> None:
        """These could not be acked; they stay due."""
        with self._lock:
            self._done.extend(ack_ids)

    def take_due(self, now: float) -> list[str]:
        """Ack ids whose deadlines must be extended now; they are due again at half a lease."""
        with self._lock:
            due = [batch for batch in self._held if batch.due <= now]
            for batch in due:
                batch.due = now + self._lease / 2
            return [ack_id for batch in due for ack_id in batch.ack_ids]

    def retry_soon(self, ack_ids: Iterable[str], now: float) -> None:
        """These could not be extended: they are due again in a second."""
        failed = set(ack_ids)
        with self._lock:
            for batch in self._held:
                if not failed.isdisjoint(batch.ack_ids):
                    batch.due = min(batch.due, now + 1.0)

    def all_held(self) -> list[str]:
        """Ack ids of all that is not done."""
        with self._lock:
            return [ack_id for batch in self._held for ack_id in batch.ack_ids]

    def all_unacked(self) -> list[str]:
        """Ack ids of all that Pub/Sub may deliver again."""
        with self._lock:
            held = [ack_id for batch in self._held for ack_id in batch.ack_ids]
            return [*self._done, *held]


class LeaseKeeper:
    """The thread that speaks to Pub/Sub for one subscription's leases."""

    TICK_SECONDS = 0.5

    def __init__(
        self,
        subscriber: Subscriber,
        lease_seconds: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.leases = Leases(lease_seconds)
        self.lease = lease_seconds
        """Seconds of deadline that what is held gets."""
        self._subscriber, self._clock = subscriber, clock
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(
            target=self._run, name=f"leases of {subscriber.subscription}", daemon=True
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def unacked(self) -> list[str]:
        """Ack ids of all that Pub/Sub may deliver again."""
        return self.leases.all_unacked()

    def done(self, batch: PullBatch) -> None:
        """Ack a pull soon."""
        self.leases.release(batch)
        self._wake.set()

    def close(self, timeout: float = 10.0) -> int:
        """Ack what is done, give back the rest at once; returns how many acks did not arrive."""
        self._stopping = True
        self._wake.set()
        self._thread.join(max(timeout, self.TICK_SECONDS))
        deadline = self._clock() + timeout
        while not self._send_acks() and self._clock() < deadline:
            time.sleep(0.2)
        for chunk in _chunks(self.leases.all_held()):
            self._subscriber.extend(chunk, 0)
        return len(self.leases.take_done())

    def _run(self) -> None:
        while not self._stopping:
            arrived = self._wake.wait(self.TICK_SECONDS)
            self._wake.clear()
            self._extend()
            if not self._send_acks() and arrived:
                time.sleep(self.TICK_SECONDS)

    def _send_acks(self) -> bool:
        all_sent = True
        for chunk in _chunks(self.leases.take_done()):
            if not self._subscriber.acknowledge(chunk):
                self.leases.give_back(chunk)
                all_sent = False
        return all_sent

    def _extend(self) -> None:
        now = self._clock()
        for chunk in _chunks(self.leases.take_due(now)):
            if not self._subscriber.extend(chunk, self.lease):
                self.leases.retry_soon(chunk, now)


def _chunks(ack_ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ack_ids), MOST_ACK_IDS):
        yield ack_ids[start : start + MOST_ACK_IDS]
