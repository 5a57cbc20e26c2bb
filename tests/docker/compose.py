"""compose.yaml as a user runs it, in a project of its own with free ports on 127.0.0.1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localgcp import environment
from localgcp.base import LOOPBACK, claim_port

ROOT = Path(__file__).parents[2]
PROJECT = "local-project"
PORTS = {
    "PUBSUB_PORT": "pubsub",
    "STORAGE_PORT": "storage",
    "BIGQUERY_PORT": "bigquery",
    "GENERATOR_PORT": "generator",
    "TABLE_MANAGER_PORT": "table-manager",
    "PIPELINE_PORT": "pipeline",
    "CONTROL_ROOM_PORT": "control-room",
    "CONSOLE_PORT": "console",
}
UP_SECONDS, DOWN_SECONDS, DRAIN_SECONDS = 300, 180, 120
"""The longest that an idle machine takes, many times over."""
# These ask a moving stack, so they go from here through the published ports; what reads or writes
# the publish log runs beside it, in a container.
FROM_HERE = {"status", "query"}


def free_ports() -> dict[str, str]:
    """A free port for each variable of PORTS."""
    return {name: str(claim_port("a test", LOOPBACK, 0)) for name in PORTS}


def patience() -> float:
    """How much longer all takes here than on an idle machine: by who waits for each of its CPUs.

    A limit is of an idle machine and is multiplied with this, so that it finds what stands still,
    and not what has to wait.
    """
    return 1 + os.getloadavg()[0] / (os.cpu_count() or 1)


def why_no_engine() -> str | None:
    """Why there is no Docker engine here; None where one answers."""
    try:
        found = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "no Docker engine: docker is not installed"
    return f"no Docker engine: {found.stderr.strip()}" if found.returncode else None


@dataclass
class ComposeStack:
    """One Compose project; not started yet."""

    data_dir: Path
    files: tuple[str, ...] = ("compose.yaml",)
    settings: dict[str, str] = field(default_factory=dict)
    ports: dict[str, str] = field(default_factory=free_ports)
    project: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:8]}")

    def compose(
        self, *args: str, stdin: str = "", seconds: float = UP_SECONDS, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """One `docker compose` command, to its end."""
        named = [part for file in self.files for part in ("--file", file)]
        done = subprocess.run(
            ["docker", "compose", "--project-name", self.project, *named, *args],
            cwd=ROOT,
            env={**os.environ, "WINDOW_SECONDS": "1", **self.ports, **self.settings},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds * patience(),
            check=False,
        )
        if check:
            assert done.returncode == 0, f"{args}\n{done.stdout}{done.stderr}{self.logs()}"
        return done

    def logs(self) -> str:
        """The last lines of every container."""
        return self.compose("logs", "--tail", "20", check=False).stdout

    def up(self) -> None:
        """Start, and return once every health check is content."""
        self.compose("up", "--detach", "--wait")

    def down(self, *args: str) -> None:
        """Stop in order and remove the containers; with --volumes, their data too."""
        self.compose("down", *args, seconds=DOWN_SECONDS)

    def stop(self) -> int:
        """Remove it all."""
        self.compose(
            "--profile", "tools", "down", "--volumes", "--remove-orphans", "--timeout", "5"
        )
        return 0

    def url(self, service: str) -> str:
        """Where a service's published port is reached from here."""
        (name,) = (each for each, of in PORTS.items() if of == service)
        return f"http://{LOOPBACK}:{self.ports[name]}"

    def environ(self) -> dict[str, str]:
        """What leads the official clients here, through the published ports."""
        at = {name: self.url(name).removeprefix("http://") for name in PORTS.values()}
        return {
            **environment.pubsub(at["pubsub"]),
            **environment.storage(at["storage"]),
            **environment.bigquery(at["bigquery"]),
            "GOOGLE_APPLICATION_CREDENTIALS": str(ROOT / "docker" / "clients" / "credentials.json"),
            "PROJECT_ID": PROJECT,
            "GOOGLE_CLOUD_PROJECT": PROJECT,
        }

    def attached(self) -> dict[str, str]:
        """The same, with what attaches `python -m local`."""
        return {
            **self.environ(),
            "GENERATOR_URL": self.url("generator"),
            "TABLE_MANAGER_URL": self.url("table-manager"),
            "PIPELINE_URL": self.url("pipeline"),
            "CONSOLE_URL": self.url("console"),
        }

    def run(self, command: str, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """One command of `python -m local`, to its end."""
        if command not in FROM_HERE:
            words = ("run", "--rm", "--no-TTY", "--no-deps", "local", command, *args)
            return self.compose(*words, stdin=stdin, check=False)
        return subprocess.run(
            [sys.executable, "-m", "local", command, *args],
            cwd=ROOT,
            env={**os.environ, **self.attached()},
            capture_output=True,
            text=True,
            timeout=60 * patience(),
            check=False,
        )

    def json(self, command: str, *args: str, stdin: str = "", code: int = 0) -> Any:
        """One command's --json."""
        if command == "env":
            return self.environ()
        done = self.run(command, *args, "--json", stdin=stdin)
        assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def published(self) -> int:
        """How many events the publishers have recorded."""
        # Before the first event there is no file.
        read = ("find", "/data", "-name", "published.jsonl", "-exec", "cat", "{}", "+")
        return len(self.compose("exec", "--no-TTY", "generator", *read).stdout.splitlines())

    def drained(self, published: int = 0) -> None:
        """Return once that many messages are stored, and all are acked."""
        deadline = time.monotonic() + DRAIN_SECONDS * patience()
        while True:
            now = self.json("status")
            stored = sum(now["rows"].values()) + now["dead_letters"]
            if stored >= published and now["backlog"] == 0:
                return
            assert time.monotonic() < deadline, f"{published} messages to be stored: {now}"

    def container(self, service: str) -> dict[str, Any]:
        """What the engine knows of a service's container."""
        (found,) = self.containers([service])
        return found

    def containers(self, services: Iterable[str] = ()) -> list[dict[str, Any]]:
        """The same of several, or of all."""
        ids = self.compose("ps", "--all", "--quiet", *services).stdout.split()
        done = subprocess.run(["docker", "inspect", *ids], capture_output=True, check=True)
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found
