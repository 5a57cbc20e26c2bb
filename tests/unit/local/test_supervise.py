"""The supervisor with real, tiny processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.errors import NotReady
from local.logs import Logs, readable, undated
from local.processes import Process, is_ready
from local.supervise import Supervisor
from localgcp.base import LOOPBACK, claim_port

SERVE = """
import http.server, sys
handler = http.server.SimpleHTTPRequestHandler
http.server.test(handler, port=int(sys.argv[1]), bind="127.0.0.1")
"""
DRAIN = """
import signal, sys, time
def drain(*_):
    print("drained", flush=True); sys.exit(0)
signal.signal(signal.SIGTERM, drain)
print("working", flush=True)
time.sleep(60)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""

Lines = list[tuple[str, str]]


def process(name: str, code: str, *args: str, port: int = 1, stop_seconds: float = 10) -> Process:
    return Process(
        name=name,
        command=(sys.executable, "-c", code, *args),
        ready_url=f"http://{LOOPBACK}:{port}/",
        stop_seconds=stop_seconds,
    )


@pytest.fixture
def lines() -> Lines:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, lines: Lines) -> Iterator[Supervisor]:
    made = Supervisor(
        {}, tmp_path / "logs", lambda name, line: lines.append((name, undated(readable(line))))
    )
    yield made
    made.kill()


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def is_zombie(pid: int) -> bool:
    # Dead, but nobody in a container may have collected an orphan's exit code.
    state = subprocess.run(
        ["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return state.stdout.strip().startswith("Z")


def test_waits_until_it_serves(supervisor: Supervisor) -> None:
    port = claim_port("test", LOOPBACK, 0)
    web = process("web", SERVE, str(port), port=port)
    assert not is_ready(web)
    supervisor.start([web])
    supervisor.wait_ready(["web"], timeout=20)
    assert is_ready(web)


def test_one_that_ends_before_it_is_ready_is_named_with_its_code(supervisor: Supervisor) -> None:
    supervisor.start([process("broken", "import sys; print('no luck'); sys.exit(7)")])
    with pytest.raises(NotReady, match=r"broken exited with 7 .*: no luck; .*broken\.log"):
        supervisor.wait_ready(["broken"])
    until(lambda: "no luck" in supervisor.children["broken"].log_file.read_text())


def test_one_that_never_serves_is_named(supervisor: Supervisor) -> None:
    supervisor.start([process("slow", "import time; time.sleep(60)")])
    with pytest.raises(NotReady, match=r"slow was not ready after 0\.2 s"):
        supervisor.wait_ready(["slow"], timeout=0.2)


def test_any_death_ends_the_watch_with_its_code(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start([process("a", DRAIN), process("b", DRAIN)])
    until(lambda: ("b", "working") in lines)
    os.kill(supervisor.children["b"].pid, signal.SIGKILL)
    assert supervisor.watch(threading.Event()) == 128 + signal.SIGKILL
    assert ("b", "exited with 137: the stack stops") in lines


def test_watch_ends_when_asked(supervisor: Supervisor) -> None:
    supervisor.start([process("a", DRAIN)])
    asked = threading.Event()
    asked.set()
    assert supervisor.watch(asked) == 0


def test_stop_lets_each_drain_the_last_started_first(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start([process("first", DRAIN), process("last", DRAIN)])
    until(lambda: lines.count(("first", "working")) + lines.count(("last", "working")) == 2)
    supervisor.stop()
    drained = [name for name, line in lines if line == "drained"]
    assert drained == ["last", "first"]
    assert supervisor.children == {}
    supervisor.stop()


def test_what_can_drain_nowhere_is_killed_before_the_others_stop(
    supervisor: Supervisor, lines: Lines
) -> None:
    job = replace(process("job", DRAIN), drains_into=("source",))
    supervisor.start([process("source", DRAIN), job, process("last", DRAIN)])
    until(lambda: sum(line == "working" for _, line in lines) == 3)
    os.kill(supervisor.children["source"].pid, signal.SIGKILL)
    supervisor.watch(threading.Event())
    supervisor.stop()
    assert ("last", "drained") in lines
    assert ("job", "drained") not in lines


def test_one_that_does_not_end_is_killed(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start([process("deaf", DEAF, stop_seconds=0.3)])
    until(lambda: ("deaf", "deaf") in lines)
    pid = supervisor.children["deaf"].pid
    supervisor.stop()
    assert not is_alive(pid)
    assert ("deaf", "did not end in 0.3 s: SIGKILL") in lines


def test_what_a_child_started_ends_with_it(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start([process("parent", PARENT)])
    until(lambda: bool(lines))
    grandchild = int(lines[0][1])
    assert is_alive(grandchild)
    supervisor.stop()
    until(lambda: not is_alive(grandchild) or is_zombie(grandchild))


def test_output_goes_to_the_log_file_too(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([process("talker", "print('one'); print('two')")])
    until(lambda: supervisor.first_exit() is not None)
    supervisor.stop()
    written = (tmp_path / "logs" / "talker.log").read_text().splitlines()
    assert [undated(readable(line)) for line in written] == ["one", "two"]


SUPERVISE = """
import pathlib, sys, time
from local.processes import Process
from local.supervise import Supervisor
code = "import subprocess; subprocess.run(['sleep', '60'])"
supervisor = Supervisor({}, pathlib.Path(sys.argv[1]), lambda name, line: None)
supervisor.start([Process("parent", (sys.executable, "-c", code), "http://127.0.0.1:1/")])
print(supervisor.children["parent"].pid, flush=True)
time.sleep(60)
"""


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        group = int(supervisor.stdout.readline())
        until(lambda: len(members(group)) == 2)
        supervisor.kill()
        until(lambda: not members(group))


def members(group: int) -> list[str]:
    """The processes of a group that run."""
    asked = subprocess.run(
        ["ps", "-A", "-o", "pgid=,state="], capture_output=True, text=True, check=True
    )
    found = (line.split() for line in asked.stdout.splitlines())
    return [state for pgid, state in found if int(pgid) == group and not state.startswith("Z")]


def test_a_closed_terminal_holds_nothing_up(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as terminal:
        os.close(reader)
        supervisor = Supervisor({}, tmp_path / "logs", Logs(terminal).write)
        supervisor.start([process("talker", "for n in range(5000): print('x' * 50, n)")])
        until(lambda: supervisor.first_exit() == ("talker", 0))
        supervisor.stop()
    assert (tmp_path / "logs" / "talker.log").read_text().splitlines()[-1].endswith(" 4999")
