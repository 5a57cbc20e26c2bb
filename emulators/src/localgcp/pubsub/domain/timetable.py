"""Which subscription has something due, and when: one timer for all of them."""

from __future__ import annotations

from collections.abc import Callable

from localgcp.agenda import Agenda
from localgcp.pubsub.domain.subscription import Subscription


class Timetable:
    """Subscriptions by when they are due; `set_alarm(due)` is called when the earliest moves.

    A subscription whose due time has moved later keeps its early place and is then found not
    due: cheaper than a new place at every ack.
    """

    def __init__(self, set_alarm: Callable[[float], None]) -> None:
        self._set_alarm = set_alarm
        self._agenda: Agenda[Subscription, float] = Agenda()

    def note(self, subscription: Subscription) -> None:
        """Its next_due may have become earlier."""
        due, noted = subscription.next_due(), self._agenda.get(subscription)
        if due is None or (noted is not None and noted <= due):
            return
        self._agenda.set(subscription, due)
        if self._agenda.next() == due:
            self._set_alarm(due)

    def forget(self, subscription: Subscription) -> None:
        """It was deleted."""
        self._agenda.drop(subscription)

    def due(self, now: float) -> list[Subscription]:
        """Take out the subscriptions that are due; the caller ticks and notes each again."""
        return self._agenda.take(now)

    def rearm(self) -> None:
        """Set the alarm for the earliest left, once the caller has noted all again."""
        earliest = self._agenda.next()
        if earliest is not None:
            self._set_alarm(earliest)
