"""Ends what a supervisor started once the supervisor is gone, however it went.

A process of its own reads a pipe that only the supervisor can write to: a group of processes that
was started, or has ended. When the pipe closes, each group that is left gets SIGKILL, a child's own
children with it. It works where a parent-death signal does not: on macOS, and for grandchildren.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localgcp.launch import Launched

END_SECONDS = 5.0


class Reaper:
    """The supervisor's end of the pipe."""

    def __init__(self) -> None:
        self._process = _launched()

    def started(self, group: int) -> None:
        """A group of processes that is to end with the supervisor."""
        self._tell(f"+{group}")

    def ended(self, group: int) -> None:
        """It is gone; its id may be given to another."""
        self._tell(f"-{group}")

    def close(self) -> None:
        """Nothing is left to end."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(END_SECONDS)

    def _tell(self, line: str) -> None:
        # Somebody ended it: then `up` and `down` end what is left, by stack.json.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()


def _launched() -> Launched:
    """This file as a program, in a group that outlives the supervisor's and its terminal.

    Isolated and without site: 10 ms to start, and nothing of the stack's environment. It finds the
    standard library alone, so what is ours is imported late.
    """
    from subprocess import DEVNULL, PIPE

    from localgcp.launch import Launched

    command = [sys.executable, "-I", "-S", __file__]
    return Launched(command, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL)


def reap(lines: Iterable[str]) -> None:
    """Follow the supervisor's lines to their end, then end what is left."""
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    reap(sys.stdin)
