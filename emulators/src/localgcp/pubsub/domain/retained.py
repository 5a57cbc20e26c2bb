"""Messages kept to be replayed: what a subscription acked, a topic published, a snapshot holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from localgcp.pubsub.domain.message import Message


class Retained:
    """Messages by id. The messages are shared with whoever else holds them."""

    def __init__(self) -> None:
        self._messages: dict[int, Message] = {}
        self.bytes = 0
        """Of all messages, as clients read them."""

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages.values())

    def get(self, message_id: int) -> Message | None:
        """A message, if it is here."""
        return self._messages.get(message_id)

    def add(self, messages: Iterable[Message]) -> None:
        """Keep these too."""
        for message in messages:
            if message.id not in self._messages:
                self._messages[message.id] = message
                self.bytes += len(message.wire)

    def drop(self, message_ids: Iterable[int]) -> None:
        """Keep these no more; safe for what is not here."""
        for message_id in message_ids:
            dropped = self._messages.pop(message_id, None)
            if dropped is not None:
                self.bytes -= len(dropped.wire)

    def since(self, published: float) -> Iterator[Message]:
        """What was published at that time or later, in seconds since the epoch."""
        return (message for message in self if message.published >= published)

    def trim(self, published: float) -> None:
        """Drop what was published before; one behind a younger one may stay for a while."""
        old = []
        for message in self:
            if message.published >= published:
                break
            old.append(message.id)
        self.drop(old)

    def clear(self) -> None:
        """Drop all."""
        self._messages.clear()
        self.bytes = 0
