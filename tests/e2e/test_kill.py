"""SIGKILL in mid-flow, again and again; then count."""

from __future__ import annotations

import json
import os
import signal
import urllib.request

from tests.e2e.conftest import STOP_SECONDS, LocalStack, until

EVENTS = 4_000
KILLS = 3


def start_events(stack: LocalStack, count: int) -> None:
    port = json.loads((stack.data_dir / "stack.json").read_text())["generator_port"]
    body = {"events_per_minute": 60_000, "duration_minutes": count / 60_000}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/generate/start",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        assert reply.status in (200, 201, 202)


def recorded(stack: LocalStack) -> int:
    log = stack.data_dir / "published.jsonl"
    return len(log.read_bytes().splitlines()) if log.exists() else 0


def test_a_killed_pipeline_loses_nothing(local_stack: LocalStack) -> None:
    local_stack.settings["WINDOW_SECONDS"] = "2"
    local_stack.up()
    for kill in range(1, KILLS + 1):
        start_events(local_stack, EVENTS // KILLS)
        due = kill * (EVENTS // KILLS) - 300
        until(lambda due=due: recorded(local_stack) >= due, 60, f"{due} events")  # type: ignore[misc]
        assert local_stack.json("status")["backlog"] > 0
        os.kill(local_stack.child("pipeline.main"), signal.SIGKILL)
        # Any death stops all, with that child's code: 128 + 9.
        assert local_stack.process is not None
        assert local_stack.process.wait(STOP_SECONDS) == 137
        local_stack.up()
    published = recorded(local_stack)
    assert published >= EVENTS - KILLS
    until(lambda: local_stack.json("status")["backlog"] == 0, 90, "the backlog to drain")
    assert local_stack.stop() == 0
    local_stack.up()
    ledger = local_stack.json("ledger")
    assert ledger["lost"] == 0
    assert ledger["published"] == published
    assert ledger["dead_lettered"] == 0
    assert ledger["duplicated_rows"] == 0


def test_killed_emulators_forget_nothing(local_stack: LocalStack) -> None:
    local_stack.up()
    start_events(local_stack, 1_000)
    for name in ("pubsub", "bigquery"):
        seen = recorded(local_stack)
        until(lambda seen=seen: recorded(local_stack) > seen or seen >= 1_000, 30, "events")  # type: ignore[misc]
        os.kill(local_stack.child(f"emulators {name}"), signal.SIGKILL)
        assert local_stack.process is not None
        assert local_stack.process.wait(STOP_SECONDS) != 0
        local_stack.up()
    until(lambda: local_stack.json("status")["backlog"] == 0, 60, "the backlog to drain")
    ledger = local_stack.json("ledger")
    assert ledger["published"] > 0
    assert ledger["lost"] == 0


def test_a_killed_supervisor_s_leftovers_are_stopped_by_down(local_stack: LocalStack) -> None:
    local_stack.up()
    assert local_stack.process is not None
    local_stack.process.kill()
    local_stack.process.wait()
    assert "Stopped" in local_stack.run("down").stdout.title()
    assert local_stack.run("down").returncode == 2
    local_stack.up()
