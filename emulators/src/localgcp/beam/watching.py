"""Tells somebody when messages came and when they were acked: for traces, say."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from google.cloud.pubsub_v1 import SubscriberClient

from localgcp.beam.subscriber import Polled, Subscriber


class Watch(Protocol):
    """Is told, in the thread that did it and before anything else happens; must be quick."""

    def received(self, subscription: str, messages: Sequence[Any], began: int) -> None:
        """ReceivedMessage protobufs came; the wait for them began then, ns since the epoch."""

    def acked(self, subscription: str, ack_ids: Sequence[str], began: int) -> None:
        """Pub/Sub took these acks; they were sent then."""


class WatchedSubscriber(Subscriber):
    """A subscriber that tells its watch."""

    def __init__(
        self,
        subscription: str,
        client: SubscriberClient,
        clock: Callable[[], float],
        watch: Watch,
        patience: float = 0.0,
    ) -> None:
        super().__init__(subscription, client, clock, patience)
        self._watch = watch

    def poll(self, limit: int, wait: float) -> Polled:
        """As Subscriber's."""
        began = time.time_ns()
        polled = super().poll(limit, wait)
        if polled.messages:
            self._watch.received(self.subscription, polled.messages, began)
        return polled

    def acknowledge(self, ack_ids: list[str]) -> bool:
        """As Subscriber's."""
        began = time.time_ns()
        taken = super().acknowledge(ack_ids)
        if taken:
            self._watch.acked(self.subscription, ack_ids, began)
        return taken
