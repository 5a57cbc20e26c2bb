"""SIGKILL for each container in mid-flow; the engine starts it again; then count."""

from __future__ import annotations

import subprocess
import urllib.request
from json import load

import pytest

from tests.docker.compose import ComposeStack
from tests.docker.test_stack import generate
from tests.docker.waiting import until

EVENTS, PER_SECOND = 4_000, 500
KILLED = ("pipeline", "pubsub", "bigquery", "storage", "table-manager")


def sigkill(stack: ComposeStack, service: str) -> None:
    """As the kernel does it when memory runs out; after `docker kill` nothing would restart."""
    pid = stack.container(service)["State"]["Pid"]
    done = subprocess.run(
        [
            *("docker", "run", "--rm", "--pid", "host", "--user", "0", "--entrypoint", "sh"),
            *("realtime-pipeline/local", "-c", f"kill -9 {pid}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def back(stack: ComposeStack, service: str, restarts: int) -> bool:
    """Whether it was started again and is healthy."""
    found = stack.container(service)
    return bool(
        found["RestartCount"] > restarts and found["State"]["Health"]["Status"] == "healthy"
    )


def unacked(stack: ComposeStack) -> int:
    with urllib.request.urlopen(
        f"{stack.url('pubsub')}/_emulator/subscriptions", timeout=10
    ) as said:
        backlogs: list[int] = [each["backlog"] for each in load(said)["subscriptions"]]
    return max(backlogs)


@pytest.mark.parametrize("service", KILLED)
def test_a_killed_container_returns_and_nothing_is_lost(stack: ComposeStack, service: str) -> None:
    before = stack.published()
    generate(stack, PER_SECOND, EVENTS / PER_SECOND)
    until(lambda: unacked(stack) > 50, 30, "messages on their way")
    restarts = stack.container(service)["RestartCount"]
    sigkill(stack, service)
    until(lambda: back(stack, service, restarts), 60, f"{service} to return")
    until(lambda: stack.published() - before >= EVENTS, 90, "the task's end")
    stack.drained()
    ledger = stack.json("ledger")
    assert ledger["lost"] == 0, ledger
    assert ledger["dead_lettered"] == 0
    assert ledger["duplicated_rows"] == 0


def test_a_killed_generator_has_recorded_all_that_it_confirmed(stack: ComposeStack) -> None:
    """What it had not published dies with it; what Pub/Sub confirmed may not be lost."""
    before = stack.published()
    generate(stack, PER_SECOND, EVENTS / PER_SECOND)
    until(lambda: stack.published() > before + 500, 30, "events")
    restarts = stack.container("generator")["RestartCount"]
    sigkill(stack, "generator")
    until(lambda: back(stack, "generator", restarts), 60, "the generator to return")
    stack.drained()
    ledger = stack.json("ledger")
    assert ledger["published"] > before + 500
    assert ledger["lost"] == 0, ledger
