"""0 · The one list of event types; whoever needs a type comes here."""

from __future__ import annotations

from event_types.base import EventType
from event_types.inventory import INVENTORY
from event_types.order import ORDER
from event_types.user_activity import USER_ACTIVITY

ALL: tuple[EventType, ...] = (
    ORDER,
    INVENTORY,
    USER_ACTIVITY,
)


class UnknownEventType(LookupError):
    """No event type has this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        known = ", ".join(each.name for each in ALL)
        super().__init__(f"unknown event type {name!r}; known: {known}")


def by_name(name: str) -> EventType:
    """The type called `name`. Raises UnknownEventType."""
    for each in ALL:
        if each.name == name:
            return each
    raise UnknownEventType(name)
