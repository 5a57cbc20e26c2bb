from __future__ import annotations

import asyncio
import time

import pytest

from localgcp.clock import LONGEST_S, CannotTurn, Clock


def test_it_is_turned_forward_and_what_is_due_is_done() -> None:
    clock, rung = Clock(lambda: 100.0), []

    async def note() -> None:
        rung.append(clock())

    clock.on_turn = note
    asyncio.run(clock.advance(60))
    asyncio.run(clock.advance(0.5))
    assert (clock(), rung) == (160.5, [160.0, 160.5])


def test_it_goes_on_evenly_while_the_machine_s_clock_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    before = clock()
    assert abs(before - time.time()) < 60
    for wrong in (0.0, before + 1e9):
        monkeypatch.setattr(time, "time", lambda wrong=wrong: wrong)
        assert 0 <= clock() - before < 60


def test_what_runs_by_uptime_is_turned_too() -> None:
    clock = Clock()
    before = clock.uptime()
    asyncio.run(clock.advance(3600))
    assert clock.uptime() - before >= 3600


@pytest.mark.parametrize("seconds", [-1, LONGEST_S + 1, "60", None, True, float("nan")])
def test_it_is_never_turned_back_nor_by_what_is_no_number(seconds: object) -> None:
    clock = Clock(lambda: 100.0)
    with pytest.raises(CannotTurn, match="advance_seconds"):
        asyncio.run(clock.advance(seconds))
    assert clock() == 100.0
