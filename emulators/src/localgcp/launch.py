"""A program that this one starts: ready when it says so, ended in order or by force, never half.

It leads a group of its own. A signal for our group, Ctrl-C in a terminal say, reaches us alone, and
whoever started it ends it in its turn; what it started itself ends with it. A part of a program
that must end with that program's own group, such as the evaluator's worker, is not launched so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, Any

POLL_SECONDS = 0.02


class EndedEarly(Exception):
    """It ended before it was ready."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"exited with {code} before it was ready")


class Silent(Exception):
    """It was not ready in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"was not ready after {seconds:g} s")


class Launched:
    """One running program and its group. `options` are subprocess.Popen's."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        """Start it. Raises OSError where it can't be."""
        self._popen: subprocess.Popen[bytes] = subprocess.Popen(
            command, start_new_session=True, **options
        )

    @property
    def pid(self) -> int:
        """The process id, and the id of its group."""
        return self._popen.pid

    @property
    def stdout(self) -> IO[bytes]:
        """What it writes, where `options` asked for a pipe."""
        assert self._popen.stdout is not None
        return self._popen.stdout

    @property
    def stdin(self) -> IO[bytes]:
        """What it reads, where `options` asked for a pipe."""
        assert self._popen.stdin is not None
        return self._popen.stdin

    def exit_code(self) -> int | None:
        """As a shell has it (128 + signal), or None while it runs."""
        code = self._popen.poll()
        return code if code is None or code >= 0 else 128 - code

    def wait(self, seconds: float) -> int | None:
        """Its exit code once it has ended, or None where it still runs after `seconds`."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)
        return self.exit_code()

    def send_signal(self, number: int) -> None:
        """A signal for it alone, not for its group; none if it has ended."""
        self._popen.send_signal(number)

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Return once `ready` says so. Raises EndedEarly, Silent."""
        deadline = time.monotonic() + seconds
        while not ready():
            code = self.exit_code()
            if code is not None:
                raise EndedEarly(code)
            if time.monotonic() > deadline:
                raise Silent(seconds)
            time.sleep(POLL_SECONDS)

    def end(self, seconds: float) -> bool:
        """SIGTERM, wait, then SIGKILL for it and its group. Safe twice.

        Gives whether it ended in time.
        """
        self.send_signal(signal.SIGTERM)
        in_order = self.wait(seconds) is not None
        self.kill()
        return in_order

    def kill(self) -> None:
        """SIGKILL for it and all that it started. Safe twice."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            self._popen.wait()

    def leave(self) -> None:
        """It goes on without us."""
        self._popen.returncode = 0  # else Popen warns that it still runs
