"""Up, demo, down: what the stack promises to somebody who only types three commands."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from pathlib import Path

from local.messages import THREE
from tests.docker.compose import ROOT, ComposeStack, patience
from tests.docker.conftest import Tell
from tests.docker.waiting import until

UP_SECONDS, MOST_MEMORY, PER_SECOND = 20.0, 1.5 * 1024**3, 500
UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def generate(stack: ComposeStack, per_second: int, seconds: float) -> None:
    body = {"events_per_minute": per_second * 60, "duration_minutes": seconds / 60}
    request = urllib.request.Request(
        f"{stack.url('generator')}/generate/start",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        assert reply.status < 300


def memory(stack: ComposeStack) -> dict[str, float]:
    """Bytes by service, as `docker stats` counts them: without what the page cache can give up."""
    names = {
        each["Id"]: each["Config"]["Labels"]["com.docker.compose.service"]
        for each in stack.containers()
        if each["State"]["Running"]
    }
    done = subprocess.run(
        [
            *("docker", "stats", "--no-stream", "--no-trunc"),
            *("--format", "{{.ID}} {{.MemUsage}}", *names),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    used = {}
    for line in done.stdout.splitlines():
        container, usage, *_ = line.split()
        number = usage.rstrip("KMGiB")
        used[names[container]] = float(number) * UNITS[usage[len(number) :]]
    return used


def test_up_is_healthy_in_time(own_stack: ComposeStack, tell: Tell) -> None:
    began = time.monotonic()
    most = UP_SECONDS * patience()
    own_stack.up()
    took = time.monotonic() - began
    tell(f"docker compose up --wait, from nothing: {took:.1f} s, of at most {most:.0f}")
    assert took <= max(most, UP_SECONDS * patience())
    own_stack.down()
    began = time.monotonic()
    own_stack.up()
    tell(f"docker compose up --wait, with data: {time.monotonic() - began:.1f} s")


def test_the_demo_loses_nothing(stack: ComposeStack, tell: Tell) -> None:
    began = time.monotonic()
    done = stack.compose("run", "--rm", "--no-TTY", "demo", "demo", "--json")
    tell(f"docker compose run --rm demo: {time.monotonic() - began:.1f} s")
    ledger = json.loads(done.stdout)
    assert ledger["published"] == 1_023
    assert ledger["lost"] == ledger["duplicated_rows"] == 0
    assert ledger["dead_lettered"] == sum(ledger["reasons"].values()) == 20
    assert sum(ledger["tables"].values()) == 1_003


def test_an_event_that_was_never_stored_fails_the_ledger(stack: ComposeStack) -> None:
    """The exit code is the verdict; without this, a ledger that reads nothing would pass too."""
    line = '{"event_id":"never-stored","event_type":"order","published_at":"2024-01-15T10:30:00Z"}'
    log = ["exec", "--no-TTY", "generator", "sh", "-c"]
    stack.compose(
        *log, "cp /data/published.jsonl /tmp/kept; cat >>/data/published.jsonl", stdin=line + "\n"
    )
    try:
        found = stack.json("ledger", code=1)
    finally:
        stack.compose(*log, "cat /tmp/kept >/data/published.jsonl")
    assert found["lost_ids"] == ["never-stored"]


def test_500_events_a_second_fit_in_memory(stack: ComposeStack, tell: Tell) -> None:
    before = stack.published()
    generate(stack, PER_SECOND, 25)
    until(lambda: stack.published() - before > PER_SECOND * 15, 60, "15 s of events")
    used = memory(stack)
    parts = ", ".join(f"{name} {size / 1024**2:.0f}" for name, size in sorted(used.items()))
    total = sum(used.values())
    tell(f"memory at {PER_SECOND} events/s: {total / 1024**2:.0f} MiB ({parts})")
    assert total < MOST_MEMORY
    until(lambda: stack.published() - before == PER_SECOND * 25, 60, "the task's end")
    stack.drained()
    assert stack.json("ledger")["lost"] == 0


def test_down_keeps_all_and_volumes_forgets_it(own_stack: ComposeStack) -> None:
    count = "SELECT COUNT(*) AS n FROM orders"
    own_stack.up()
    own_stack.json("send", "-", stdin=THREE[0].decode())
    until(lambda: own_stack.json("status")["rows"].get("orders") == 1, 60, "the row")
    own_stack.down()
    own_stack.up()
    assert own_stack.json("query", count) == [{"n": 1}]
    own_stack.drained()
    ledger = own_stack.json("ledger")
    assert (ledger["published"], ledger["lost"]) == (1, 0)
    own_stack.down("--volumes")
    own_stack.up()
    assert own_stack.json("ledger")["published"] == 0


def test_it_all_works_with_no_network(own_stack: ComposeStack) -> None:
    own_stack.files = ("compose.yaml", "tests/docker/no-network.yaml")
    own_stack.compose("up", "--detach", "--wait")
    routes = own_stack.compose("exec", "--no-TTY", "pipeline", "cat", "/proc/net/route").stdout
    destinations = [line.split()[1] for line in routes.splitlines()[1:]]
    assert destinations
    assert "00000000" not in destinations, "there is a default route"
    done = own_stack.compose("run", "--rm", "--no-TTY", "demo", "demo", "--json")
    assert json.loads(done.stdout)["lost"] == 0


def test_the_documented_commands_are_those_of_this_file() -> None:
    text = (ROOT / "docs" / "docker.md").read_text()
    for command in ("up --wait", "run --rm demo", "down -v", "run --rm local ledger"):
        assert f"docker compose {command}" in text
    assert Path(ROOT / "compose.upstream.yaml").exists()
