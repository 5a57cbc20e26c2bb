"""When the broker's one timer goes off."""

from __future__ import annotations

from typing import cast

from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.domain.timetable import Timetable


class Due:
    """A subscription as far as a timetable looks."""

    def __init__(self, due: float | None) -> None:
        self.due = due

    def next_due(self) -> float | None:
        return self.due


def subscription(due: float | None) -> Subscription:
    return cast("Subscription", Due(due))


def test_the_alarm_moves_for_what_is_earlier_alone() -> None:
    alarms: list[float] = []
    timetable = Timetable(alarms.append)
    for due in (None, 20.0, 30.0, 10.0):
        timetable.note(subscription(due))
    assert alarms == [20.0, 10.0]


def test_what_moved_later_keeps_its_early_place() -> None:
    alarms: list[float] = []
    timetable = Timetable(alarms.append)
    due = Due(10.0)
    moving = cast("Subscription", due)
    timetable.note(moving)
    due.due = 20.0
    timetable.note(moving)
    assert alarms == [10.0]
    assert timetable.due(9.9) == []
    assert timetable.due(10.0) == [moving]
    timetable.note(moving)
    assert alarms == [10.0, 20.0]


def test_what_is_left_sets_the_alarm_again() -> None:
    alarms: list[float] = []
    timetable = Timetable(alarms.append)
    first, second = subscription(10.0), subscription(20.0)
    timetable.note(first)
    timetable.note(second)
    assert timetable.due(15.0) == [first]
    timetable.rearm()
    assert alarms == [10.0, 20.0]
    timetable.forget(second)
    timetable.rearm()
    assert alarms == [10.0, 20.0]
    assert timetable.due(99.0) == []


def test_a_deleted_subscription_is_never_due() -> None:
    timetable = Timetable(lambda due: None)
    gone = subscription(10.0)
    timetable.note(gone)
    timetable.forget(gone)
    assert timetable.due(99.0) == []
