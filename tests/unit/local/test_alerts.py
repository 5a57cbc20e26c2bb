"""The cloud's rules over looks at a stack, with a clock of the test's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.alerts import FIRING, PENDING, QUIET, UNMEASURED, Alert, Alerts, rules
from local.errors import NoRules


def look(**changes: Any) -> dict[str, Any]:
    """A stack that is well."""
    queue = {"backlog": 0, "oldest_seconds": 0.0, "redelivered": 0}
    job = {"state": "RUNNING", "watermark": None, "counters": {"pipeline.dead_lettered": 7}}
    parts = {"main": queue, "push": queue, "given_up": queue, "job": job}
    return {"at": 1_800_000_000_000, "failed_jobs": 0, **parts, **changes}


class Watched:
    """Alerts over a clock that the test turns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.alerts = Alerts(clock=lambda: self.now)

    def see(self, name: str, seconds: float = 0.0, **changes: Any) -> Alert:
        """Look, `seconds` after the last time; one rule's alert."""
        self.now += seconds
        self.alerts.note(look(**changes))
        return next(each for each in self.alerts.now() if each.name == name)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_every_rule_of_the_file_is_told_and_what_is_not_measured_says_so(watched: Watched) -> None:
    watched.alerts.note(look())
    states = {each.name: each.state for each in watched.alerts.now()}
    assert states.keys() == rules().keys()
    quiet = states.keys() - {"generator_errors", "watermark_age"}
    assert {states[name] for name in quiet} == {QUIET}
    assert states["generator_errors"] == states["watermark_age"] == UNMEASURED


def test_a_rule_fires_once_its_figure_was_above_for_as_long_as_it_says(watched: Watched) -> None:
    queue = {"backlog": 101, "oldest_seconds": 1.0, "redelivered": 0}
    assert watched.see("backlog", main=queue).state == PENDING
    assert watched.see("backlog", 299, main=queue).state == PENDING
    fired = watched.see("backlog", 1, main=queue)
    assert (fired.state, fired.since_seconds, fired.value) == (FIRING, 300, 101)
    assert watched.alerts.now()[0].name == "backlog"
    assert watched.see("backlog", 1).state == QUIET
    assert watched.see("backlog", 1, main=queue).since_seconds == 0


def test_a_counter_fires_by_its_growth_and_rests_when_that_is_past(watched: Watched) -> None:
    def job(count: int) -> dict[str, Any]:
        return {
            "state": "RUNNING",
            "watermark": None,
            "counters": {"pipeline.dead_lettered": count},
        }

    assert watched.see("dead_letters", job=job(7)).state == QUIET
    assert watched.see("dead_letters", 10, job=job(9)).value == 2
    assert watched.see("dead_letters", 295, job=job(9)).state == QUIET
    # Another process counts from nothing.
    assert watched.see("dead_letters", 1, job=job(0)).value == 0


def test_a_part_that_is_silent_is_not_measured(watched: Watched) -> None:
    assert watched.see("backlog", main=None).state == UNMEASURED
    assert watched.see("job_failed", job=None).state == UNMEASURED
    failed: dict[str, Any] = {"state": "FAILED", "watermark": None, "counters": {}}
    assert watched.see("job_failed", job=failed).state == FIRING
    old: dict[str, Any] = {
        "state": "RUNNING",
        "watermark": "2027-01-15T07:30:00+00:00",
        "counters": {},
    }
    assert watched.see("watermark_age", job=old).value == 1800


def test_rules_that_can_t_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(NoRules, match=r"alerts\.json"):
        rules(tmp_path / "alerts.json")
