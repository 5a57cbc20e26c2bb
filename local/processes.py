"""The processes of a local stack: what each runs, and how one knows that it is ready."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import chain
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from local.attached import Reachable
from local.stack import Stack
from localgcp.base import LOOPBACK


@dataclass(frozen=True)
class Process:
    """One child of the supervisor."""

    name: str
    command: tuple[str, ...]
    ready_url: str
    """Answers below 500 once the process does its work."""
    environ: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: float = 10.0
    """How long it may take to end after SIGTERM."""
    drains_into: tuple[str, ...] = ()
    """Without these a drain does harm, or nothing: it is killed at once when one of them ends."""


SUBSCRIPTION_SECONDS = 120.0
EMULATORS = ("pubsub", "storage", "bigquery")
READY_PATHS = {
    "pubsub": "/",
    "storage": "/_internal/healthcheck",
    "bigquery": "/health",
    # The framework answers this one by itself, without the function.
    "table_manager": "/robots.txt",
    "pipeline": "/health",
    "generator": "/health",
    "control_room": "/health",
    "console": "/health",
}
"""What each process answers below 500 once it does its work."""


def all_of(stack: Stack) -> list[Process]:
    """Every process of the stack, in the order in which an event needs them; then the page."""
    return [
        *(_emulator(stack, name) for name in EMULATORS),
        _console(stack),
        _table_manager(stack),
        _pipeline(stack),
        _generator(stack),
        _control_room(stack),
    ]


# Pub/Sub writes messages to the others; Cloud Storage tells it of its objects; BigQuery's jobs read
# and write those.
_MEETS = {"pubsub": ("bigquery", "storage"), "storage": ("pubsub",), "bigquery": ("storage",)}


def _emulator(stack: Stack, name: str) -> Process:
    met = [(f"--{other}", stack.address(other)) for other in _MEETS[name]]
    return Process(
        name=name,
        command=(
            *(sys.executable, "-m", "localgcp", name),
            *("--port", str(stack.ports[name]), "--data-dir", str(stack.data_dir / name)),
            *chain.from_iterable(met),
        ),
        ready_url=ready_url(stack, name),
    )


def _console(stack: Stack) -> Process:
    return Process(
        name="console",
        command=(
            *(sys.executable, "-m", "localgcp", "console"),
            *("--port", str(stack.ports["console"]), "--data-dir", str(stack.data_dir / "console")),
            *("--logs", str(stack.logs)),
        ),
        ready_url=ready_url(stack, "console"),
    )


def _generator(stack: Stack) -> Process:
    return Process(
        name="generator",
        command=(sys.executable, "-m", "services.generator"),
        ready_url=ready_url(stack, "generator"),
        environ={"HOST": LOOPBACK, "PORT": str(stack.ports["generator"])},
        # It ends once every event it took on is confirmed.
        stop_seconds=30.0,
        drains_into=("pubsub",),
    )


def _table_manager(stack: Stack) -> Process:
    return Process(
        name="table_manager",
        command=(
            *(sys.executable, "-m", "functions_framework"),
            *("--source", "services/table_manager/main.py", "--target", "manage_table"),
            *("--signature-type", "cloudevent"),
            *("--host", LOOPBACK, "--port", str(stack.ports["table_manager"])),
        ),
        ready_url=ready_url(stack, "table_manager"),
    )


def _pipeline(stack: Stack) -> Process:
    return Process(
        name="pipeline",
        command=(
            *(sys.executable, "-m", "pipeline.main", "--runner", "LocalRunner"),
            *("--status_port", str(stack.ports["pipeline"])),
            # It starts beside Pub/Sub, which knows the subscription a little later.
            *("--subscription_wait_seconds", f"{SUBSCRIPTION_SECONDS:g}"),
        ),
        ready_url=ready_url(stack, "pipeline"),
        # It drains: windows close, files are written, messages acked. What it writes and can't ack
        # comes again, and is written again.
        stop_seconds=60.0,
        drains_into=EMULATORS,
    )


def _control_room(stack: Stack) -> Process:
    return Process(
        name="control_room",
        command=(sys.executable, "-m", "local.control_room"),
        ready_url=ready_url(stack, "control_room"),
        environ={
            **stack.client_environ(),
            # It reads where the others are from these, as beside a stack of containers.
            "LOCAL_PIPELINE_URL": "",
            "HOST": LOOPBACK,
            "PORT": str(stack.ports["control_room"]),
        },
    )


def ready_url(stack: Reachable, name: str) -> str:
    """Where the process called `name` says that it does its work."""
    return stack.url(name) + READY_PATHS[name]


def is_ready(process: Process) -> bool:
    """Ask once; never raises."""
    return answers(process.ready_url)


def answers(url: str) -> bool:
    """Whether `url` answers below 500, asked once; never raises."""
    try:
        with urlopen(url, timeout=2.0):
            return True
    except HTTPError as answer:
        with answer:
            return answer.code < 500
    except (URLError, OSError, HTTPException):
        return False
