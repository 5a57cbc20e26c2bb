"""What Pub/Sub does amiss on purpose: second deliveries, disorder, acks lost, streams that break.

All of it may happen with the service too, but seldom, and never when a test would like it.
"""

from __future__ import annotations

from collections.abc import Sequence

from localgcp.faults import Faults, Thrown
from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.wire.protos import Proto

EFFECTS = {
    "duplicate": "a message that Pull or StreamingPull delivers is delivered once more at once",
    "reorder": "the messages of one response are in any order, but those whose order is promised",
    "lose": "an Acknowledge or ModifyAckDeadline, or a stream's, is taken and comes to nothing",
    "reset": "a StreamingPull ends with `code` (UNAVAILABLE) when open for `delay_seconds`",
}
LOSABLE = (ACK, DEADLINE) = ("Acknowledge", "ModifyAckDeadline")
MOST_TWICE = 100_000
"""Messages that are known to have been delivered twice, so that they are not delivered for ever."""


class Effects:
    """Asks the faults that are thrown what is to go wrong."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._twice: dict[tuple[str, int], None] = {}

    def ordered(self, call: str, subscription: Subscription, batch: list[Entry]) -> list[Entry]:
        """The messages of a response as they are to be delivered."""
        if not self.faults.has("reorder"):
            return batch
        keys = subscription.config.enable_message_ordering
        free = [i for i, entry in enumerate(batch) if not (keys and entry.message.ordering_key)]
        if len(free) < 2 or not self.faults.due(call, "reorder"):
            return batch
        shuffled = list(batch)
        places = free[:]
        self.faults.random.shuffle(places)
        for i, place in zip(free, places, strict=True):
            shuffled[place] = batch[i]
        return shuffled

    def delivered(self, call: str, subscription: Subscription, batch: Sequence[Entry]) -> None:
        """They have been delivered; some are free to be once more, under another ack id."""
        if not self.faults.has("duplicate"):
            return
        again = []
        for entry in batch:
            message = (subscription.name, entry.message.id)
            if message not in self._twice and self.faults.due(call, "duplicate"):
                self._twice[message] = None
                again.append(entry)
        subscription.take_back(again)
        while len(self._twice) > MOST_TWICE:
            del self._twice[next(iter(self._twice))]

    def lost(self, call: str) -> bool:
        """Whether a call is to come to nothing: an ack or a deadline, no other."""
        return call in LOSABLE and self.faults.due(call, "lose") is not None

    def heard(self, request: Proto) -> Proto:
        """A StreamingPullRequest without what is to be lost of it."""
        if request.ack_ids and self.lost(ACK):
            request.ClearField("ack_ids")
        if request.modify_deadline_ack_ids and self.lost(DEADLINE):
            request.ClearField("modify_deadline_ack_ids")
            request.ClearField("modify_deadline_seconds")
        return request

    async def broken_off(self) -> None:
        """Raise Thrown once a stream that opens now is to end; else never return."""
        while True:
            fault = self.faults.due("StreamingPull", "reset")
            if not await self.faults.thrown_anew(fault.delay_seconds if fault else None):
                assert fault
                raise Thrown(fault.code or "UNAVAILABLE", fault.match)
