"""Brings a stack up and down again, whatever happens between."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

import settings
from local import console, laptop
from local.errors import NoStack, StillStopping
from local.processes import EMULATORS, all_of
from local.stack import READY, STARTING, Stack, claim
from local.state import LOOK_SECONDS, held, is_held, leftovers, saved
from local.supervise import Log, Supervisor
from localgcp import private

KEPT = ("pubsub", "bigquery", "storage", "console", "logs", "published.jsonl", "drafts")
"""What a stack leaves in its data folder."""
OURS = (
    *(*KEPT, "demo", "chaos", "snapshots", "sql_history", "supervisor.log"),
    *("stack.json", "stack.lock", "credentials.json", "token", "bigqueryrc", "boto"),
)
"""Whatever a command makes there."""
DOWN_SECONDS = 120.0
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """SIGINT, SIGTERM or SIGHUP came: drain and end. No `except Exception` holds it up."""


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into Interrupted, raised in the main thread."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted(signal.Signals(number).name)

    before = {each: signal.getsignal(each) for each in ENDING}
    for each in ENDING:
        # `nohup` asks for SIGHUP to mean nothing.
        if each != signal.SIGHUP or before[each] != signal.SIG_IGN:
            signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextlib.contextmanager
def started(
    asked: laptop.Asked, log: Log, extra: Mapping[str, str] | None = None, fresh: bool = False
) -> Iterator[tuple[Stack, Supervisor]]:
    """A stack that serves inside of the block and is drained after it.

    `extra` adds to every process's environment; `fresh` forgets all data of earlier runs first.
    Raises StackRuns, Unusable, PortTaken, InvalidSetting, and NotReady, naming the process. A
    second Interrupted, during the drain, ends all at once.
    """
    with held(asked.data_dir):
        leftovers(asked.data_dir)
        private.close(asked.data_dir, OURS)
        if fresh:
            clear(asked.data_dir)
        stack = claim(asked)
        environ = {**stack.environ(), **(extra or {})}
        settings.load(settings.child_environ(environ))  # told here, not by a process that ends
        stack.write_client_files()
        stack.save(STARTING, {})
        settings.adopt(stack.environ())
        with _supervised(stack, Supervisor(environ, stack.logs, log)) as supervisor:
            yield stack, supervisor


@contextlib.contextmanager
def _supervised(stack: Stack, supervisor: Supervisor) -> Iterator[Supervisor]:
    try:
        supervisor.start(all_of(stack))
        stack.save(STARTING, supervisor.groups())
        # Imported while the processes start.
        from local import provision

        supervisor.wait_ready(["pubsub"])
        provision.messaging(stack)
        supervisor.wait_ready(EMULATORS)
        provision.stores(stack)
        supervisor.wait_ready(list(supervisor.children))
        console.tell(stack)
        stack.save(READY, supervisor.groups())
        yield supervisor
    finally:
        try:
            supervisor.stop()
        finally:
            supervisor.kill()
            stack.forget()


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

    Raises NoStack where there is nothing to stop, StillStopping after two minutes.
    """
    if is_held(data_dir):
        stack = saved(data_dir)
        os.kill(stack.pid, signal.SIGTERM)
        os.kill(stack.pid, signal.SIGCONT)  # a stopped one would hear nothing
        deadline = time.monotonic() + DOWN_SECONDS
        while is_held(data_dir):
            if time.monotonic() > deadline:
                raise StillStopping(data_dir, stack.pid)
            time.sleep(LOOK_SECONDS)
        return len(stack.children)
    ended = leftovers(data_dir)
    if not ended:
        raise NoStack(data_dir)
    return ended
