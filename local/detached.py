"""Starts a stack that goes on when the command that started it returns."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from local import laptop
from local.errors import NoStack, NotStarted, StackRuns, Starting, Unusable
from local.run import DOWN_SECONDS
from local.stack import Stack
from local.state import LOOK_SECONDS, is_held, running
from local.supervise import ROOT
from localgcp.launch import Launched

LOG = "supervisor.log"
SHOWN_LINES = 10


def start(asked: laptop.Asked, words: Sequence[str]) -> Stack:
    """Run `up` with these words in a session of its own; gives the stack once it serves.

    Raises StackRuns, Unusable, and NotStarted with its last lines where it ends before.
    Interrupted, it ends the stack.
    """
    if is_held(asked.data_dir):
        raise StackRuns(asked.data_dir)
    log = asked.data_dir / LOG
    with _written(log) as output:
        supervisor = Launched(
            [sys.executable, "-m", "local", "up", "--data-dir", str(asked.data_dir), *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        return _wait(asked, supervisor, log)
    except BaseException:
        supervisor.end(DOWN_SECONDS)
        raise


def _written(log: Path) -> IO[bytes]:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("wb")
    except OSError as error:
        raise Unusable(log.parent, error) from error


def _wait(asked: laptop.Asked, supervisor: Launched, log: Path) -> Stack:
    while supervisor.exit_code() is None:
        try:
            found = running(asked.data_dir)
        except (NoStack, Starting):
            time.sleep(LOOK_SECONDS)
            continue
        if found.pid == supervisor.pid:
            supervisor.leave()
            return found
        time.sleep(LOOK_SECONDS)
    *before, why = log.read_text(errors="replace").splitlines()[-SHOWN_LINES:] or ["no word"]
    raise NotStarted("\n".join([why.removeprefix("up: "), *before]))
