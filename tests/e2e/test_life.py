"""How a stack starts and ends: detached, by a closed terminal, and with its supervisor killed."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys

from local import laptop
from local.messages import THREE
from tests.e2e.conftest import PATIENCE, ROOT, STOP_SECONDS, LocalStack, until

IN_A_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run below nohup
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "local", "up"])
"""


def runs(stack: LocalStack) -> list[str]:
    """The processes that have the stack's folder in their command line or their environment."""
    asked = subprocess.run(
        ["ps", "axeww", "-o", "pid=,state=,command="], capture_output=True, check=True
    )
    mark = f"={stack.data_dir}/".encode()
    found = [line.decode(errors="replace") for line in asked.stdout.splitlines() if mark in line]
    return [line for line in found if line.split()[1] != "Z"]


def test_a_closed_terminal_drains_the_stack_and_the_next_has_its_data(
    local_stack: LocalStack,
) -> None:
    local_stack.settings["WINDOW_SECONDS"] = "3600"
    local_stack.data_dir.mkdir()
    terminal, of_the_stack = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL],
        cwd=ROOT,
        env=local_stack.environ(),
        stdin=of_the_stack,
        stdout=of_the_stack,
        stderr=of_the_stack,
        start_new_session=True,
    )
    os.close(of_the_stack)
    until((local_stack.data_dir / "stack.lock").exists, PATIENCE, "its first act")
    early = local_stack.run("env")
    assert early.returncode == 2
    assert "is starting; wait for it with --wait" in early.stderr
    assert local_stack.json("status", "--wait", str(PATIENCE))["pipeline"] == "running"
    local_stack.json("send", "-", stdin=b"\n".join(THREE).decode())
    local_stack.stored(len(THREE))
    assert local_stack.files() == 0, "their windows are open for an hour"

    os.close(terminal)
    assert process.wait(STOP_SECONDS) == 0
    assert not runs(local_stack)
    assert local_stack.files() == len(THREE), "the drain closed their windows"

    local_stack.up()
    assert local_stack.look().stored == len(THREE)
    assert local_stack.json("query", "SELECT COUNT(*) AS n FROM orders") == [{"n": 1}]
    local_stack.json("send", "-", stdin=THREE[0].decode())
    local_stack.stored(len(THREE) + 1)
    assert local_stack.stop() == 0, "Ctrl-C drains as well"
    assert not runs(local_stack)
    assert local_stack.files() == len(THREE) + 1
    assert local_stack.published() == len(THREE) + 1


def test_a_detached_stack_keeps_its_data_when_killed_or_stopped_and_forgets_it_when_told(
    local_stack: LocalStack,
) -> None:
    # Free ports each time, so that the second stack is not where the first was.
    local_stack.settings |= dict.fromkeys(local_stack.ports, "0")
    ready = local_stack.json("up", "--detach")
    try:
        assert ready["urls"].keys() == laptop.PORTS.keys()
        assert local_stack.json("status")["pipeline"] == "running"
        assert "a stack runs on" in local_stack.run("up", "--detach").stderr
        local_stack.json("send", "-", stdin=THREE[0].decode())
        local_stack.drained(1)

        os.kill(local_stack.state()["pid"], signal.SIGKILL)
        until(lambda: not runs(local_stack), PATIENCE, "its processes to end")
        assert "no stack runs on" in local_stack.run("status").stderr

        local_stack.json("up", "--detach")
        # In a shell that has the first stack's addresses, commands find the second.
        environ = local_stack.json("env")
        stale = {**environ, "PIPELINE_URL": ready["urls"]["pipeline"]}
        local_stack.settings |= {**stale, "LOCAL_PIPELINE_URL": stale["PIPELINE_URL"]}
        assert local_stack.json("env") == environ
        assert local_stack.json("query", "SELECT COUNT(*) AS n FROM orders") == [{"n": 1}]
        assert local_stack.json("ledger")["published"] == 1
        assert local_stack.json("down") == {"stopped": len(laptop.PORTS)}
        assert not runs(local_stack)

        local_stack.json("up", "--detach", "--fresh")
        assert local_stack.json("ledger")["published"] == 0
        assert local_stack.look().stored == 0
    finally:
        assert local_stack.json("down") == {"stopped": len(laptop.PORTS)}


def test_a_detached_stack_that_can_t_start_says_why_and_leaves_nothing(
    local_stack: LocalStack,
) -> None:
    local_stack.settings["SCENARIOS_FILE"] = "/no/such/scenarios.json"
    done = local_stack.run("up", "--detach")
    assert done.returncode == 2
    assert done.stdout == ""
    first, *rest = done.stderr.splitlines()
    assert first.startswith("up: generator exited with ")
    assert "/no/such/scenarios.json" in first
    assert any(line.startswith("generator     | ") for line in rest), "its last lines"
    assert "Traceback" not in first
    assert not runs(local_stack)
    assert not (local_stack.data_dir / "stack.json").exists()
    assert json.loads((local_stack.data_dir / "credentials.json").read_text())
