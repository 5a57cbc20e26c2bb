"""One message as one subscription sees it, from publish to ack."""

from __future__ import annotations

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
