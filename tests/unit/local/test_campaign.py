"""What a campaign throws, in which order, and how a round reads."""

from __future__ import annotations

from local.campaign import FAULTS, HEADINGS, Fault, Round, planned


def test_a_seed_has_its_order_and_each_fault_comes_before_one_comes_again() -> None:
    plan = planned(7, 2 * len(FAULTS) + 1)
    assert plan == planned(7, len(plan))
    assert plan != planned(8, len(plan))
    assert set(plan[: len(FAULTS)]) == set(FAULTS)
    assert plan[: len(FAULTS)] == plan[len(FAULTS) : -1]
    assert plan[-1] == plan[0]


def test_a_round_fits_its_headings_and_80_columns() -> None:
    fault = max(FAULTS, key=lambda each: len(str(each)))
    line = str(Round(21, fault, 6_000, 12.34, 0, 0, 1_021))
    assert len(line) <= 80
    assert len(HEADINGS) == len(line)
    assert "12.3 s" in line


def test_only_what_ends_a_part_ends_the_stack() -> None:
    assert {each.kind for each in FAULTS if each.ends_the_stack} == {"kill", "drain"}
    assert str(Fault("stop", ("pubsub", "pipeline"))) == "stop pubsub + pipeline"
