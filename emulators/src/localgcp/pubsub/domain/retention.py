"""For how long a subscription holds a message that nobody acks."""

from __future__ import annotations

from collections.abc import Iterable

from localgcp.pubsub.domain.message import Message


class Retention:
    """Which of the held messages are too old. Times are seconds since the epoch."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.due: float | None = None
        """When to look again; None while nothing is held."""

    def look_again(self, held: bool) -> None:
        """At the next tick, since what is held or for how long has changed."""
        self.due = 0.0 if held else None

    def over(self, held: Iterable[Message], now: float) -> list[Message]:
        """The messages that are too old, of those held, oldest first; sets when to look again."""
        if self.due is None or self.due > now:
            return []
        old: list[Message] = []
        self.due = None
        for message in held:
            due = message.published + self.seconds
            if due > now:
                self.due = due
                break
            old.append(message)
        return old
