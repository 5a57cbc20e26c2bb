"""What a subscription's messages become on their way out, by its transforms.

Page "Single message transforms (SMTs) overview": what a transform drops is acked, what it fails on
is given back, and may become a dead letter, as it was published.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.message import Layout, Message
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.domain.transforms import Chain, Content
from localgcp.pubsub.errors import TransformFailed

logger = logging.getLogger(__name__)

Settle = Callable[[str, Sequence[str]], None]


class Outgoing:
    """Applies transforms to what was just lent. `ack` and `nack` take a name and ack ids."""

    def __init__(self, layout: Layout, ack: Settle, nack: Settle) -> None:
        self._layout, self._ack, self._nack = layout, ack, nack

    def __call__(self, subscription: Subscription, batch: list[Entry]) -> list[Entry]:
        """Those of the batch that go out, with what is shown of them."""
        chain = Chain(subscription.config.message_transforms)
        if not chain or not batch:
            return batch
        dropped, failed = [], []
        lent = [(entry, lease) for entry in batch if (lease := entry.lease)]
        holder = lent[0][1].holder
        for _, lease in lent:
            lease.holder = None  # who lends them has not counted them yet
        for entry, lease in lent:
            try:
                shown = chain(self._content(entry))
            except TransformFailed as error:
                logger.warning("%s: message %d: %s", subscription.name, entry.message.id, error)
                failed.append(lease.ack_id)
                continue
            if shown is None:
                dropped.append(lease.ack_id)
            else:
                lease.shown = self._stamped(entry.message, shown)
        if dropped:
            self._ack(subscription.name, dropped)
        if failed:
            self._nack(subscription.name, failed)
        # One that failed takes back what is behind it of its ordering key.
        left = []
        for entry, lease in lent:
            if entry.lease is lease:
                lease.holder = holder
                left.append(entry)
        return left

    def _content(self, entry: Entry) -> Content:
        kept, layout = entry.message, self._layout
        data, attributes = layout.data(kept.wire), layout.attributes(kept.wire)
        return Content(data, attributes, str(kept.id), kept.ordering_key, kept.published)

    def _stamped(self, kept: Message, content: Content) -> Message:
        draft = self._layout.lay_out(content.data, content.attributes, content.ordering_key)
        [shown] = self._layout.stamp([draft], kept.id, kept.published)
        return shown
