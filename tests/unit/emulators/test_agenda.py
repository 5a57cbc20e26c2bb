"""Things by when they are due: moved, dropped, and in order."""

from __future__ import annotations

import random

from localgcp.agenda import Agenda


def test_a_thing_has_the_time_that_it_was_given_last() -> None:
    agenda: Agenda[str, int] = Agenda()
    agenda.set("moved", 1)
    agenda.set("first", 3)
    agenda.set("moved", 5)
    agenda.set("second", 3)
    assert (agenda.next(), agenda.get("moved"), len(agenda)) == (3, 5, 3)
    assert agenda.take(4) == ["first", "second"]
    assert agenda.take(5) == ["moved"]
    assert (agenda.next(), agenda.least(9), len(agenda)) == (None, 9, 0)


def test_what_was_dropped_is_due_no_more() -> None:
    agenda: Agenda[str, float] = Agenda()
    agenda.set("dropped", 1.5)
    agenda.set("kept", 2.5)
    agenda.drop("dropped")
    agenda.drop("never there")
    assert agenda.least(9.0) == 2.5
    assert agenda.take(9.0) == ["kept"]


def test_it_is_a_dictionary_that_knows_its_least() -> None:
    dice, agenda, model = random.Random(7), Agenda[int, int](), dict[int, int]()
    for _ in range(2_000):
        thing, due = dice.randrange(20), dice.randrange(50)
        match dice.randrange(4):
            case 0 | 1:
                agenda.set(thing, due)
                model[thing] = due
            case 2:
                agenda.drop(thing)
                model.pop(thing, None)
            case _:
                taken = agenda.take(due)
                assert sorted(taken) == sorted(each for each, at in model.items() if at <= due)
                times = [model.pop(each) for each in taken]
                assert times == sorted(times)
        assert agenda.least(-1) == min(model.values(), default=-1)


def test_stale_times_do_not_pile_up() -> None:
    agenda: Agenda[str, int] = Agenda()
    for due in range(10_000):
        agenda.set("one", due)
    assert len(agenda._heap) < 100
