"""What a campaign throws, in which order, and how a round reads."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

import settings
from local import hazards, laptop, run
from local.campaign import HEADINGS, Campaign, Round, thrown_here
from local.errors import NotDone
from local.hazards import FAULTS, PARTS, Fault, filled, named, planned


def test_a_seed_has_its_order_and_each_fault_comes_before_one_comes_again() -> None:
    plan = planned(7, 2 * len(FAULTS) + 1)
    assert plan == planned(7, len(plan))
    assert plan != planned(8, len(plan))
    assert set(plan[: len(FAULTS)]) == set(FAULTS)
    assert plan[: len(FAULTS)] == plan[len(FAULTS) : -1]
    assert plan[-1] == plan[0]
    assert len(planned(7, None)) == len(FAULTS)


def test_a_round_fits_its_headings_and_80_columns() -> None:
    fault = max(FAULTS, key=lambda each: len(str(each)))
    line = str(Round(21, fault, 6_000, 7.7, 12.34, 0, 0, 1_021))
    assert len(line) <= 80
    assert len(HEADINGS) == len(line)
    assert "12.3 s" in line
    assert len(str(Round(21, fault, 6_000, 0.0, 12.34, 0, 0, 1_021))) == len(line)


def test_only_what_ends_a_part_ends_the_stack() -> None:
    assert {each.kind for each in FAULTS if each.ends_the_stack} == {"kill", "drain"}
    assert {each.kind for each in FAULTS if each.replayed} == {"drop", "retype"}


def test_a_stack_that_starts_again_finds_what_was_sent_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh: list[bool] = []

    @contextlib.contextmanager
    def started(*_: object, fresh: bool, told: list[bool] = fresh) -> Iterator[None]:
        told.append(fresh)
        yield

    monkeypatch.setattr(run, "started", started)
    asked = laptop.Asked(tmp_path, {})
    campaign = Campaign(asked, 1, 10, lambda *_: None, lambda _: None)
    for _ in range(3):
        with campaign._stack({}):
            pass
    assert fresh == [True, False, False]


def test_a_fault_is_called_by_kind_and_parts() -> None:
    assert str(Fault("stop", ("pubsub", "pipeline"))) == "stop pubsub + pipeline"
    assert str(Fault("kill", PARTS)) == "kill all"
    assert [str(each) for each in named("clock")] == ["clock +5y", "clock -5y"]
    assert named("") == FAULTS
    with pytest.raises(NotDone, match="no fault is called 'odd': kill pubsub, "):
        named("odd")


def test_what_a_machine_cannot_throw_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    skipped: list[str] = []
    here = thrown_here(named("clock +"), lambda fault, why: skipped.append(f"{fault}: {why}"))
    assert here == ()
    assert skipped == ["clock +5y: a C compiler (cc) makes the clock, on Linux"]
    assert thrown_here(named("kill pubsub"), lambda fault, why: None) == named("kill pubsub")


def test_no_disk_is_filled_that_others_use(tmp_path: Path) -> None:
    if shutil.disk_usage(tmp_path).total <= 4 << 30:
        pytest.skip("this machine's own disk is small")
    with pytest.raises(NotDone, match="is no small disk"), filled(tmp_path / "filler"):
        pass


def test_a_program_has_another_wall_clock_from_one_moment_to_the_next(tmp_path: Path) -> None:
    fault = named("clock -5y")[0]
    if why := hazards.possible(fault):
        pytest.skip(why)
    thrown = hazards.Hazards(tmp_path / "stack", Random(1))
    told = """
import sys, time
print(time.time(), time.monotonic(), flush=True)
sys.stdin.readline()
print(time.time(), time.monotonic(), flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", told],
        env=settings.child_environ(thrown.environ(fault)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        wall, steady = map(float, program.stdout.readline().split())
        thrown.set_clock(-5 * hazards.YEAR_SECONDS)
        program.stdin.write(b"\n")
        program.stdin.flush()
        later, still_steady = map(float, program.stdout.readline().split())
    assert abs(wall - time.time()) < 60
    assert -60 < later - wall + 5 * hazards.YEAR_SECONDS < 60
    assert 0 < still_steady - steady < 60
