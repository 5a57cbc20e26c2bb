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
        self._soon: asyncio.TimerHandle | None = None

    @property
    def full(self) -> bool:
        """Whether it holds all that it may."""
        return self._free_messages <= 0 or self._free_bytes <= 0

    async def batch(self) -> list[Entry]:
        """Wait for messages, room and its turn, and lease a share; at most a response full.

        Consumers of a subscription that have room take turns, so that none starves. Nothing is
        leased when it is cancelled. Raises NotFound once it is deleted, WrongState once it is
        detached.
        """
        self.subscription.check_open()
        while self.full:
            self._woken.clear()
            await self._woken.wait()
            self.subscription.check_open()
        return await self._in_turn()

    def take(self, share: int = UNLIMITED) -> list[Entry]:
        """Lease what there is and fits, without waiting."""
        if self.full:
            return []
        batch = self.subscription.lease(
            self._clock(),
            min(self._free_messages, MAX_RESPONSE_MESSAGES, share),
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

    async def _in_turn(self) -> list[Entry]:
        """Lease what there is, but wait for a call if others wait or nothing is there."""
        waiters, wake = self.subscription.waiters, self._wake_soon
        if not waiters and (batch := self.take()):
            return batch
        waiters.add(wake)
        try:
            while True:
                waiters.notify()
                self._woken.clear()
                await self._woken.wait()
                self.subscription.check_open()
                if batch := self.take(self.subscription.share(len(waiters))):
                    return batch
                waiters.again(wake)
        finally:
            if self._soon is not None:
                self._soon.cancel()
            waiters.remove(wake)
            waiters.notify()  # what it was called for may be left to the next

    def _wake_soon(self) -> None:
        loop = asyncio.get_running_loop()
        self._soon = loop.call_later(HEAD_START_SECONDS, self._woken.set)
