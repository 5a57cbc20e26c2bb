"""SIGKILL in mid-flow, again and again; then count."""

from __future__ import annotations

import json
import os
import signal
import urllib.request

from tests.e2e.conftest import PATIENCE, STOP_SECONDS, LocalStack, until

EVENTS = 1_300


def start_events(stack: LocalStack, count: int) -> None:
    port = stack.port("generator")
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


def unacked(stack: LocalStack) -> int:
    """Asked directly: by the time a command has started, the moment is gone."""
    port = stack.port("pubsub")
    url = f"http://127.0.0.1:{port}/_emulator/subscriptions"
    with urllib.request.urlopen(url, timeout=10) as reply:
        return max(int(each["backlog"]) for each in json.load(reply)["subscriptions"])


def kill(stack: LocalStack, name: str) -> int:
    """SIGKILL one process while messages are on their way; the stack's exit code."""
    until(lambda: unacked(stack) > 50, PATIENCE, "messages on their way")
    os.kill(stack.child(name), signal.SIGKILL)
    assert stack.process is not None
    code = stack.process.wait(STOP_SECONDS)
    assert code is not None, f"it still runs after {STOP_SECONDS:g} s"
    return code


def test_no_killed_part_loses_anything(local_stack: LocalStack) -> None:
    """In one data folder: a stack's start is most of what a kill costs here."""
    local_stack.settings["WINDOW_SECONDS"] = "2"
    local_stack.up()
    for name in ("pipeline", "pipeline", "pubsub", "bigquery", "storage"):
        before = recorded(local_stack)
        start_events(local_stack, EVENTS)
        until(lambda before=before: recorded(local_stack) > before + 300, PATIENCE, "events")  # type: ignore[misc]
        # Any death stops all, with that child's code: 128 + 9.
        assert kill(local_stack, name) == 137
        local_stack.up()
        if before == 0:
            continue  # the second pipeline is killed with what the first one left
        local_stack.drained()
        ledger = local_stack.json("ledger")
        assert (ledger["lost"], ledger["duplicated_lines"]) == (0, 0), name
        assert ledger["published"] == recorded(local_stack) > before + 300, name
        assert (ledger["changed"], ledger["gone"]) == (0, []), name
        assert ledger["dead_lettered"] == 0, name
        assert name != "pipeline" or ledger["duplicated_rows"] == 0
