"""Which stack runs on a folder: its supervisor holds a lock, and `stack.json` says the rest.

The kernel drops the lock with the process, however that ends. So neither a file that a killed
stack left nor a process id that another program has by now is ever taken for a running stack.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from local.errors import BrokenState, NoStack, StackRuns, Starting, Unusable
from local.stack import FILE, READY, Stack

LOCK = "stack.lock"
LOOK_SECONDS = 0.05
LOCK_SECONDS = 0.5
"""A command that looks holds the lock for an instant, which is no reason to refuse a stack."""


@contextlib.contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Make the folder and hold it for one stack. Raises StackRuns, Unusable."""
    lock = _open(data_dir)
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while not _lock(lock, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise StackRuns(data_dir)
            time.sleep(LOOK_SECONDS)
        yield
    finally:
        os.close(lock)


def _open(data_dir: Path) -> int:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        return os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Unusable(data_dir, error) from error


def _lock(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(data_dir: Path) -> bool:
    """Whether a stack runs on the folder, or starts or stops there."""
    try:
        lock = os.open(data_dir / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _lock(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)


def saved(data_dir: Path) -> Stack:
    """The last stack on the folder that did not stop in order. Raises NoStack, BrokenState."""
    file = data_dir / FILE
    try:
        return Stack.from_json(json.loads(file.read_text()))
    except (FileNotFoundError, NotADirectoryError):
        raise NoStack(data_dir) from None
    except OSError as error:
        raise Unusable(data_dir, error) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenState(file) from error


def running(data_dir: Path, wait: float = 0.0) -> Stack:
    """The stack that serves on the folder, waited for at most `wait` seconds.

    Raises NoStack where none runs, Starting where one does not serve yet, BrokenState.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            return _serving(data_dir)
        except (NoStack, Starting):
            if time.monotonic() >= deadline:
                raise
        time.sleep(LOOK_SECONDS)


def _serving(data_dir: Path) -> Stack:
    if not is_held(data_dir):
        saved(data_dir)  # a broken file is told as what it is
        raise NoStack(data_dir)
    try:
        found = saved(data_dir)
    except NoStack:
        raise Starting(data_dir) from None
    if found.state != READY:
        raise Starting(data_dir)
    return found


def leftovers(data_dir: Path) -> int:
    """End what a supervisor that is gone has left on the folder; gives how many processes."""
    with contextlib.suppress(NoStack, BrokenState):
        stack = saved(data_dir)
        members = _members()
        left = [
            group
            for group, command in stack.children.values()
            if any(_ours(each, command, data_dir) for each in members.get(group, ()))
        ]
        for group in left:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        stack.forget()
        return len(left)
    return 0


def _members() -> dict[int, list[str]]:
    """The command lines of all processes, by group."""
    asked = subprocess.run(
        ["ps", "axww", "-o", "pgid=,command="], capture_output=True, text=True, check=False
    )
    found: dict[int, list[str]] = {}
    for line in asked.stdout.splitlines():
        group, _, command = line.strip().partition(" ")
        found.setdefault(int(group), []).append(command)
    return found


def _ours(running: str, command: str, data_dir: Path) -> bool:
    """Whether one of a group is what was started, or a child of it: the id may be another's now."""
    return command in running or str(data_dir) in running
