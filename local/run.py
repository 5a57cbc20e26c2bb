"""Brings a stack up and down again, whatever happens between."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

import settings
from local.errors import NoStack, StackRuns
from local.processes import EMULATORS, all_of
from local.stack import Stack, is_alive, running, saved
from local.supervise import Log, Supervisor

KEPT = ("pubsub", "bigquery", "storage", "logs", "published.jsonl")
"""What a stack leaves in its data folder."""
DOWN_SECONDS = 120.0


class Interrupted(BaseException):
    """SIGINT or SIGTERM came: drain and end. No `except Exception` holds it up."""


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into Interrupted, raised in the main thread."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted(signal.Signals(number).name)

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextlib.contextmanager
def started(stack: Stack, log: Log, extra: Mapping[str, str] | None = None) -> Iterator[Supervisor]:
    """A stack that serves inside of the block and is drained after it.

    `extra` adds to every process's environment. Raises NotReady, naming the process. A second
    Interrupted, during the drain, ends all at once.
    """
    stack.write_client_files()
    settings.adopt(stack.environ())
    supervisor = Supervisor({**stack.environ(), **(extra or {})}, stack.logs, log)
    try:
        supervisor.start(all_of(stack))
        stack.save(child.pid for child in supervisor.children.values())
        # Imported while the processes start: the clients take a second to load.
        from local.provision import provision

        supervisor.wait_ready(EMULATORS)
        provision(stack.names, stack.url("table_manager"))
        supervisor.wait_ready(list(supervisor.children))
        yield supervisor
    finally:
        try:
            supervisor.stop()
        finally:
            supervisor.kill()
            stack.forget()


def ensure_none(data_dir: Path) -> None:
    """Raises StackRuns if a stack runs on `data_dir`."""
    with contextlib.suppress(NoStack):
        raise StackRuns(data_dir, running(data_dir).pid)


def clear(data_dir: Path) -> None:
    """Forget all that a stack kept in `data_dir`, and touch nothing else there."""
    for name in KEPT:
        path = data_dir / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def down(data_dir: Path) -> int:
    """Stop the stack on `data_dir`, or what a killed supervisor left. Gives how many ended.

    Raises NoStack where there is nothing to stop.
    """
    stack = saved(data_dir)
    if is_alive(stack.pid):
        os.kill(stack.pid, signal.SIGTERM)
        deadline = time.monotonic() + DOWN_SECONDS
        # Its last act is to forget the stack; who started it may be slow to collect its exit.
        while (data_dir / "stack.json").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        return len(stack.children)
    orphans = [pid for pid in stack.children if _is_ours(pid)]
    for pid in orphans:
        os.killpg(pid, signal.SIGKILL)
    stack.forget()
    if not orphans:
        raise NoStack(data_dir)
    return len(orphans)


def _is_ours(pid: int) -> bool:
    # The id may long since belong to another program.
    asked = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    modules = ("localgcp", "services.", "services/", "pipeline.main")
    return any(module in asked.stdout for module in modules)
