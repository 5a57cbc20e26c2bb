from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generator.schedule import DAY, Bursts, Profile, Schedule, Shape, Steady

SHAPES: list[Shape] = [Steady(), Bursts(4, 0.25), Profile(DAY), Profile((1, 0.5, 3))]


@pytest.mark.parametrize("shape", SHAPES)
@given(total=st.integers(1, 5_000), seconds=st.floats(0.01, 86_400))
def test_every_event_is_due_once_in_order_and_in_time(
    shape: Shape, total: int, seconds: float
) -> None:
    schedule = Schedule(total, seconds, shape)
    moments = [schedule.when(number) for number in range(total)]
    assert moments[0] == 0
    assert moments == sorted(moments)
    assert moments[-1] < seconds
    assert schedule.due(0) >= 1
    assert schedule.due(seconds) == total


@given(
    total=st.integers(1, 100_000), seconds=st.floats(0.01, 86_400), number=st.integers(0, 99_999)
)
def test_due_counts_the_events_whose_moment_has_come(
    total: int, seconds: float, number: int
) -> None:
    schedule = Schedule(total, seconds, Steady())
    number %= total
    assert schedule.due(schedule.when(number)) >= number + 1
    assert schedule.due(schedule.when(number) - 1e-6 * seconds) <= number + 1


def test_steady_events_stand_at_equal_distances() -> None:
    schedule = Schedule(12, 60, Steady())
    assert [schedule.when(number) for number in range(12)] == [5 * number for number in range(12)]


def test_bursts_leave_silence_between_them() -> None:
    schedule = Schedule(100, 100, Bursts(5, 0.2))
    moments = [schedule.when(number) for number in range(100)]
    assert all(moment % 20 <= 4 + 1e-9 for moment in moments)
    assert [schedule.due(4 + 20 * burst) for burst in range(5)] == [20, 40, 60, 80, 100]


def test_a_day_has_its_peak_in_the_evening() -> None:
    schedule = Schedule(sum(DAY) * 10, 24, Profile(DAY))
    by_hour = [schedule.due(hour + 1) - schedule.due(hour) for hour in range(23)]
    assert max(range(23), key=by_hour.__getitem__) == DAY.index(max(DAY))
    assert all(abs(got - 10 * want) <= 1 for got, want in zip(by_hour, DAY, strict=False))


def test_without_a_pace_all_is_due_at_once() -> None:
    assert Schedule(7, 0, Steady()).due(0) == 7
