"""The messages that a subscription has not seen acked, and what is noted of those once lent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView

from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.message import Message


class Unacked:
    """Messages by id, in the order published; they are shared with whoever else holds them.

    Most of a large backlog was never lent, so an entry is made when one is first asked for: a
    message that only waits takes no more than its place here and in the queue.
    """

    def __init__(self) -> None:
        self._messages: dict[int, Message] = {}
        self._entries: dict[int, Entry] = {}
        self.bytes = 0
        """Of all messages, as clients read them."""

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages.values())

    def __contains__(self, message_id: int) -> bool:
        return message_id in self._messages

    def ids(self) -> KeysView[int]:
        """Of all messages."""
        return self._messages.keys()

    def get(self, message_id: int) -> Message | None:
        """A message, if it is here."""
        return self._messages.get(message_id)

    def entry(self, message_id: int) -> Entry | None:
        """The entry of a message, made if there was none; None if the message is not here."""
        entry = self._entries.get(message_id)
        if entry is None and (message := self._messages.get(message_id)) is not None:
            entry = self._entries[message_id] = Entry(message)
        return entry

    def known(self, message_id: int) -> Entry | None:
        """The entry of a message, if there is one already."""
        return self._entries.get(message_id)

    def entries(self) -> Iterable[Entry]:
        """Those that there are."""
        return self._entries.values()

    def add(self, messages: Iterable[Message]) -> None:
        """Hold these too; none of them is here yet."""
        added = {message.id: message for message in messages}
        self._messages.update(added)
        self.bytes += sum([len(message.wire) for message in added.values()])

    def drop(self, message: Message) -> Entry | None:
        """Hold this no more, which is here; return its entry, if it had one."""
        del self._messages[message.id]
        self.bytes -= len(message.wire)
        return self._entries.pop(message.id, None)

    def sort(self) -> None:
        """Bring them into the order published again, as their ids tell it."""
        self._messages = dict(sorted(self._messages.items()))
