from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

import pytest

from event_types import registry
from event_types.base import EventType
from services.table_manager.known import AGE_SECONDS, KnownTypes

ORDER, INVENTORY = registry.by_name("order"), registry.by_name("inventory")


class World:
    """A clock that is set, what was asked for, and what was planned for later."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ensured: list[str] = []
        self.error: Exception | None = None
        self.planned: list[tuple[float, Callable[[], None]]] = []
        self.known = KnownTypes(self.ensure, lambda: self.now, self.after)

    def ensure(self, event_type: EventType) -> None:
        self.ensured.append(event_type.name)
        if self.error is not None:
            raise self.error

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self.planned.append((self.now + seconds, call))

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        due = [call for moment, call in self.planned if moment <= self.now]
        self.planned = [each for each in self.planned if each[0] > self.now]
        for call in due:
            call()


@pytest.fixture
def world() -> World:
    return World()


def test_a_known_type_is_not_asked_for_again(world: World) -> None:
    for _ in range(1_000):
        world.known.ensure(ORDER)
    world.known.ensure(INVENTORY)
    assert world.ensured == ["order", "inventory"]
    assert len(world.planned) == 1


def test_an_old_type_is_asked_for_again(world: World) -> None:
    world.known.ensure(ORDER)
    world.pass_time(AGE_SECONDS)
    world.known.ensure(ORDER)
    assert world.ensured == ["order"] * 2


def test_the_last_event_for_hours_is_looked_after(world: World) -> None:
    world.known.ensure(ORDER)
    world.pass_time(AGE_SECONDS / 2)
    world.known.ensure(ORDER)  # Its table may have been deleted a moment ago.
    world.pass_time(AGE_SECONDS)
    assert world.ensured == ["order"] * 2
    world.pass_time(10 * AGE_SECONDS)
    assert world.ensured == ["order"] * 2
    assert not world.planned


def test_a_look_that_fails_is_repeated_until_it_succeeds(world: World) -> None:
    world.known.ensure(ORDER)
    world.known.ensure(ORDER)
    world.error = RuntimeError("503")
    world.pass_time(AGE_SECONDS)
    world.pass_time(AGE_SECONDS)
    world.error = None
    world.pass_time(AGE_SECONDS)
    assert world.ensured == ["order"] * 4
    assert not world.planned


def test_a_failure_is_not_remembered_as_a_success(world: World) -> None:
    world.error = RuntimeError("503")
    with pytest.raises(RuntimeError, match="503"):
        world.known.ensure(ORDER)
    world.error = None
    world.pass_time(0.001)
    world.known.ensure(ORDER)
    world.known.ensure(ORDER)
    assert world.ensured == ["order"] * 2


def test_those_who_wait_share_one_attempt_and_its_failure() -> None:
    entered, leave = Event(), Event()
    attempts: list[str] = []
    failures: list[Exception] = []

    def ensure(event_type: EventType) -> None:
        attempts.append(event_type.name)
        entered.set()
        leave.wait(10)
        raise RuntimeError("503")

    known = KnownTypes(ensure, lambda: 0.0)

    def ask() -> None:
        try:
            known.ensure(ORDER)
        except RuntimeError as error:
            failures.append(error)

    threads = [Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    entered.wait(10)
    leave.set()
    for thread in threads:
        thread.join(10)
    assert attempts == ["order"]
    assert len(failures) == 5
