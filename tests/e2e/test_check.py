"""`python -m local check`: a stack that is well, and one that is ill in a way that it must name."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.processes import READY_PATHS
from tests.e2e.conftest import PATIENCE, LocalStack, until

PARTS = {*READY_PATHS, "job", "backlog", "dead_letters", "event"}


@pytest.fixture(scope="module")
def stack(shared: LocalStack) -> LocalStack:
    """The one that modules share."""
    return shared


@contextmanager
def frozen(stack: LocalStack, process: str) -> Iterator[None]:
    """One process is there, with its own children, and says nothing."""
    group = stack.child(process)
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


def test_a_stack_that_is_well_is_said_to_be(stack: LocalStack) -> None:
    before = stack.json("ledger")["published"]
    found = stack.json("check", "--within", "60")
    assert found["healthy"] and not found["failing"]
    assert {each["part"] for each in found["findings"]} == PARTS
    assert all(each["ok"] for each in found["findings"])
    # The event that it followed is an event like any other, and the ledger knows of it.
    stack.drained()
    assert stack.json("ledger")["published"] == before + 1


def test_dead_letters_are_counted(stack: LocalStack) -> None:
    before = stack.look().dead_letters
    stack.json("send", "-", stdin="no event\nnor this\n")
    until(lambda: stack.look().dead_letters == before + 2, PATIENCE, "the dead letters")
    said = stack.run("check", "--within", "60").stdout
    assert f"ok    dead_letters   {before + 2} stored, 0 given up by Pub/Sub" in said


@pytest.mark.parametrize(
    ("process", "failing"),
    [
        ("bigquery", {"bigquery", "event"}),
        ("pubsub", {"pubsub", "backlog", "dead_letters", "event"}),
        ("pipeline", {"pipeline", "job", "event"}),
        ("table_manager", {"table_manager", "event"}),
    ],
)
def test_what_is_ill_is_named(stack: LocalStack, process: str, failing: set[str]) -> None:
    with frozen(stack, process):
        done = stack.run("check")
    assert done.returncode == 1
    assert set(done.stderr.strip().removeprefix("check: failing: ").split(", ")) == failing
    for part in failing:
        assert f"FAIL  {part} " in done.stdout


def test_an_event_that_is_not_stored_in_time_is_named_with_what_is_missing(
    stack: LocalStack,
) -> None:
    found = stack.json("check", "--within", "0", code=1)
    assert found["failing"] == ["event"]
    (event,) = (each for each in found["findings"] if each["part"] == "event")
    # Looked for once; on a slow machine it may be there by then, too late.
    assert event["detail"].endswith("in 0 s")
