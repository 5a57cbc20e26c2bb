"""Whoever takes messages from a subscription as they come: a stream, a push endpoint, a pull."""

from __future__ import annotations

import asyncio

from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.registry import Clock
from localgcp.pubsub.domain.subscription import UNLIMITED, Subscription
from localgcp.pubsub.wire.encoding import MAX_RESPONSE_BYTES, MAX_RESPONSE_MESSAGES

HEAD_START_SECONDS = 0.001
"""Who waits for a message gets it so much later, so that its publisher hears of it first: programs
compare what they receive with the id that they were given, and the service is never as quick.

Measured on a busy machine by the test of snapshots among node's own, which does so: with it 3 runs
of 5 passed, without it 1 of 4."""


class Consumer:
    """Takes batches while it holds no more than `max_messages` and `max_bytes` unacked.

    0 means no limit. `ack_deadline` in seconds, 0 for the subscription's own.
    """

    def __init__(
        self,
        subscription: Subscription,
        clock: Clock,
        max_messages: int = 0,
        max_bytes: int = 0,
        ack_deadline: int = 0,
    ) -> None:
        self.subscription, self.ack_deadline = subscription, ack_deadline
        self._clock = clock
        self._free_messages = max_messages or UNLIMITED
        self._free_bytes = max_bytes or UNLIMITED
        self._woken = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether it holds all that it may."""
        return not self._has_room()

    async def batch(self) -> list[Entry]:
        """Wait for messages and room, and lease them; at most a response full.

        Nothing is leased when it is cancelled. Raises NotFound once it is deleted,
        WrongState once it is detached.
        """
        while True:
            self.subscription.check_open()
            batch = self.take()
            if batch:
                return batch
            await self._wait()

    def take(self) -> list[Entry]:
        """Lease what there is and fits, without waiting."""
        if not self._has_room():
            return []
        batch = self.subscription.lease(
            self._clock(),
            min(self._free_messages, MAX_RESPONSE_MESSAGES),
            min(self._free_bytes, MAX_RESPONSE_BYTES),
            self.ack_deadline,
            self,
        )
        self._free_messages -= len(batch)
        self._free_bytes -= sum(len(entry.message.wire) for entry in batch)
        return batch

    def release(self, entry: Entry) -> None:
        """A lease has ended, so there is room again."""
        was_full = self.full
        self._free_messages += 1
        self._free_bytes += len(entry.message.wire)
        if was_full:  # else it waits for its turn, which an ack must not bring forward
            self._woken.set()

    def _wake_soon(self) -> None:
        asyncio.get_running_loop().call_later(HEAD_START_SECONDS, self._woken.set)

    def _has_room(self) -> bool:
        return self._free_messages > 0 and self._free_bytes > 0

    async def _wait(self) -> None:
        self._woken.clear()
        if not self._has_room():
            await self._woken.wait()
            return
        wake = self._wake_soon
        self.subscription.waiters.add(wake)
        self.subscription.waiters.notify()  # transforms may have kept back all that was ready
        try:
            await self._woken.wait()
        except asyncio.CancelledError:
            self.subscription.waiters.remove(wake)
            self.subscription.waiters.notify()  # if the call came to this one, it goes to the next
            raise
        self.subscription.waiters.remove(wake)
