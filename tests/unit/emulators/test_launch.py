"""A program that is started: its readiness, its end, and its children's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from localgcp.launch import EndedEarly, Launched, Silent

CALM = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
print(1, flush=True)
signal.pause()
"""
DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(1, flush=True)
signal.pause()
"""
PARENT = (
    "import subprocess, sys; "
    "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']); "
    "print(child.pid, flush=True); child.wait()"
)


@pytest.fixture
def running() -> Iterator[list[Launched]]:
    made: list[Launched] = []
    yield made
    for each in made:
        each.kill()
        each.stdout.close()


def start(running: list[Launched], code: str) -> Launched:
    running.append(Launched([sys.executable, "-c", code], stdout=subprocess.PIPE))
    return running[-1]


def test_it_is_waited_for_and_ends_in_order(running: list[Launched]) -> None:
    calm = start(running, CALM)
    calm.wait_ready(lambda: bool(calm.stdout.readline()), 20)
    assert calm.exit_code() is None
    assert calm.end(20)
    assert calm.exit_code() == 3
    assert calm.end(0), "safe twice"


def test_a_signal_reaches_it_alone_and_its_end_is_waited_for(running: list[Launched]) -> None:
    calm = start(running, CALM)
    calm.stdout.readline()
    assert calm.wait(0) is None
    calm.send_signal(15)
    assert calm.wait(20) == 3
    calm.send_signal(15)  # nobody is there any more


def test_one_that_hears_nothing_is_killed(running: list[Launched]) -> None:
    deaf = start(running, DEAF)
    deaf.stdout.readline()
    assert not deaf.end(0.05)
    assert deaf.exit_code() == 128 + 9


def test_why_it_is_not_ready(running: list[Launched]) -> None:
    with pytest.raises(EndedEarly, match="exited with 7 before it was ready"):
        start(running, "raise SystemExit(7)").wait_ready(lambda: False, 20)
    with pytest.raises(Silent, match=r"was not ready after 0\.05 s"):
        start(running, CALM).wait_ready(lambda: False, 0.05)


def test_its_children_end_with_it(running: list[Launched]) -> None:
    parent = start(running, PARENT)
    parent.stdout.readline()
    parent.kill()
    # The child has the pipe's other end: it is closed once that is gone as well.
    assert parent.stdout.read() == b""
