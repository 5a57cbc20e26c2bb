from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from localgcp.faults import BadFault, Faults, Thrown


def met(faults: Faults, *calls: str) -> list[str]:
    """What becomes of each call."""

    async def run() -> list[str]:
        found = []
        for call in calls:
            try:
                await faults.meet(call)
                found.append("")
            except Thrown as thrown:
                found.append(thrown.code)
        return found

    return asyncio.run(run())


def test_none_at_first() -> None:
    assert met(Faults(), "Publish") == [""]


def test_a_fault_meets_what_it_matches_as_often_as_it_may() -> None:
    faults = Faults()
    faults.throw([{"match": "P*", "code": "UNAVAILABLE", "times": 2}])
    assert met(faults, "Publish", "Acknowledge", "Pull", "Publish") == ["UNAVAILABLE", ""] * 2
    assert faults.as_json()["faults"][0]["met"] == 2


def test_the_first_that_matches_and_is_not_over_is_thrown() -> None:
    faults = Faults()
    faults.throw(
        [
            {"match": "Publish", "code": "ABORTED", "times": 1},
            {"match": "*", "code": "INTERNAL"},
        ]
    )
    assert met(faults, "Publish", "Publish") == ["ABORTED", "INTERNAL"]


def test_the_seed_draws_the_same_share_again() -> None:
    faults = Faults()
    runs = []
    for seed in (7, 7, 8):
        faults.throw([{"match": "*", "code": "UNAVAILABLE", "rate": 0.25}], seed)
        runs.append(met(faults, *["Publish"] * 400))
    assert runs[0] == runs[1] != runs[2]
    assert 60 <= Counter(runs[0])["UNAVAILABLE"] <= 140


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"code": "UNAVAILABLE"}, "match should name a call"),
        ({"match": "*", "code": "BROKEN"}, "code should be one of .*; got 'BROKEN'"),
        ({"match": "*"}, "code should be given"),
        ({"match": "*", "code": "ABORTED", "rate": 2}, "rate .*; got 2"),
        ({"match": "*", "code": "ABORTED", "rate": "all"}, "rate .*; got 'all'"),
        ({"match": "*", "code": "ABORTED", "times": 0}, "times .*; got 0"),
        ({"match": "*", "delay_seconds": -1}, "delay_seconds .*; got -1"),
        ({"match": "*", "code": "ABORTED", "speed": 1}, "speed is no field of a fault"),
        ({"match": "*", "effect": "explode"}, "effect has none; got 'explode'"),
    ],
)
def test_what_is_no_fault_is_told_and_changes_nothing(fault: dict[str, Any], says: str) -> None:
    faults = Faults()
    faults.throw([{"match": "Pull", "code": "ABORTED"}])
    with pytest.raises(BadFault, match=says):
        faults.throw([fault])
    assert met(faults, "Pull") == ["ABORTED"]


def test_an_effect_is_asked_for_and_meets_no_other_call() -> None:
    faults = Faults({"twice": "", "never": ""})
    faults.throw([{"match": "P*", "effect": "twice", "times": 2}])
    assert met(faults, "Publish") == [""]
    assert [faults.has(effect) for effect in ("twice", "never", "")] == [True, False, False]
    found = [faults.due(call, "twice") is not None for call in ("Pull", "Ack", "Push", "Publish")]
    assert found == [True, False, True, False]
    with pytest.raises(BadFault, match="effect should be one of twice, never; got 'odd'"):
        faults.throw([{"match": "*", "effect": "odd"}])


def test_whoever_waits_for_faults_hears_of_them() -> None:
    async def run() -> tuple[bool, bool]:
        faults = Faults()
        waiting = asyncio.create_task(faults.thrown_anew())
        await asyncio.sleep(0)
        faults.throw([])
        return await waiting, await faults.thrown_anew(0)

    assert asyncio.run(run()) == (True, False)
