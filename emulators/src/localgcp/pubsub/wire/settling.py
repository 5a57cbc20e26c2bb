"""What becomes of exported messages once their write was answered."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.destinations import State
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.errors import StorageFailed
from localgcp.pubsub.wire.http_post import Answer

_STATES = {401: State.PERMISSION_DENIED, 403: State.PERMISSION_DENIED, 404: State.NOT_FOUND}
logger = logging.getLogger(__name__)


class Settling:
    """Acks and gives back the messages of one subscription, and keeps its destination's state."""

    def __init__(self, broker: Broker, subscription: Subscription) -> None:
        self._broker, self._subscription = broker, subscription

    async def written(self, ack_ids: Sequence[str]) -> None:
        """These are where they should be. Raises NotFound once it was deleted."""
        if not ack_ids:
            return
        try:
            self._broker.acknowledge(self._subscription.name, ack_ids)
            await self._broker.durable()
        except StorageFailed as error:
            logger.error("%s: a write was not recorded: %s", self._subscription.name, error)

    def failed(self, ack_ids: Sequence[str], why: str) -> None:
        """These were not written: tried again, or given up. Raises NotFound once it was deleted."""
        if not ack_ids:
            return
        name = self._subscription.name
        logger.warning("%s: %d messages were not written: %s", name, len(ack_ids), why)
        self._broker.modify_ack_deadline(name, ack_ids, 0)

    def refused(self, answer: Answer) -> None:
        """The destination would not have it; its state, if the answer tells one."""
        if answer.code in _STATES:
            self.state(_STATES[answer.code], answer.body.decode(errors="replace")[:500])

    def state(self, state: State, why: str = "") -> None:
        """The destination is found so."""
        if self._subscription.destination is not state:
            name = self._subscription.name
            logger.warning("%s: its destination is %s: %s", name, state.name, why or "it answers")
        self._subscription.destination = state
