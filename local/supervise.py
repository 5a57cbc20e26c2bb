"""Runs the stack's processes as one: any that ends, ends all; none outlives the supervisor.

A stop goes from the source of the events down: SIGTERM, time to drain, then SIGKILL, each one only
after the one before it is gone, so that the emulators serve until the last message is acked.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import settings
from local.errors import NotReady
from local.logs import readable, stamped, undated
from local.processes import Process, is_ready
from local.reaper import Reaper
from localgcp.launch import Launched

ROOT = Path(__file__).parent.parent
POLL_SECONDS = 0.05
READY_SECONDS = 120.0
BROKEN_STOP_SECONDS = 5.0
READ_SECONDS = 1.0

Log = Callable[[str, str], None]
"""Takes a process's name and one line that it wrote."""
Look = Callable[[], Collection[str]]


class Child:
    """One running process, its output copied line by line to a file and to `log`."""

    def __init__(self, process: Process, environ: dict[str, str], log_file: Path, log: Log) -> None:
        self.process, self.log_file, self._log = process, log_file, log
        self._last_line = ""
        self._running = Launched(
            process.command,
            env=settings.child_environ({**environ, **process.environ, "PYTHONUNBUFFERED": "1"}),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._copy, name=f"log-{process.name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id, and the id of its process group."""
        return self._running.pid

    def exit_code(self) -> int | None:
        """As a shell has it (128 + signal), or None while it runs."""
        return self._running.exit_code()

    def last_line(self) -> str:
        """What it said last; all of it, if it has ended."""
        if self.exit_code() is not None:
            self._reader.join(READ_SECONDS)
        return undated(readable(self._last_line))

    def stop(self, at_most: float = float("inf")) -> None:
        """SIGTERM, wait as long as the process may take, then SIGKILL for it and its children."""
        seconds = min(self.process.stop_seconds, at_most)
        if not self._running.end(seconds):
            self._log(self.process.name, f"did not end in {seconds:g} s: SIGKILL")
        self._reader.join(READ_SECONDS)

    def kill(self) -> None:
        """SIGKILL for the process and all that it started."""
        self._running.kill()

    def _copy(self) -> None:
        with self._running.stdout as stream, self.log_file.open("ab", buffering=0) as copy:
            for line in stream:
                text = line.decode(errors="replace").rstrip()
                self._last_line = text or self._last_line
                dated = stamped(text, datetime.now(UTC))
                with contextlib.suppress(OSError):  # a full disk must not stop who writes
                    copy.write(f"{dated}\n".encode())
                self._log(self.process.name, dated)


class Supervisor:
    """The children of one stack."""

    def __init__(self, environ: dict[str, str], logs: Path, log: Log) -> None:
        self._environ, self._logs, self._log = environ, logs, log
        self._ended = ""
        """Which child ended by itself, and so ends the others."""
        self._reaper: Reaper | None = None
        self.children: dict[str, Child] = {}

    def start(self, processes: Sequence[Process]) -> None:
        """Start them all at once; `wait_ready` tells when they serve."""
        self._logs.mkdir(parents=True, exist_ok=True)
        self._reaper = self._reaper or Reaper()
        for process in processes:
            self._start(process)

    def _start(self, process: Process) -> None:
        assert self._reaper is not None
        child = Child(process, self._environ, self._logs / f"{process.name}.log", self._log)
        self._reaper.started(child.pid)
        self.children[process.name] = child

    def restart(self, names: Collection[str]) -> None:
        """End them, last started first, each with its drain; then start them in their order."""
        concerned = [name for name in self.children if name in names]
        for name in reversed(concerned):
            self.children[name].stop()
            assert self._reaper is not None
            self._reaper.ended(self.children[name].pid)
        for name in concerned:
            self._start(self.children[name].process)

    def groups(self) -> dict[str, tuple[int, str]]:
        """By process: the id of its group, and its command line."""
        # Not its first word: that may be a link, which the system tells by where it leads.
        return {
            name: (child.pid, " ".join(child.process.command[1:]))
            for name, child in self.children.items()
        }

    def wait_ready(
        self,
        names: Sequence[str],
        timeout: float = READY_SECONDS,
        among: Sequence[str] | None = None,
    ) -> None:
        """Return once all of `names` serve.

        Raises NotReady, naming the one that does not, or one of `among` (all) that has ended.
        """
        deadline = time.monotonic() + timeout
        waiting = list(names)
        while waiting:
            self._check_running(self.children if among is None else among)
            waiting = [name for name in waiting if not is_ready(self.children[name].process)]
            if waiting and time.monotonic() > deadline:
                raise self._not_ready(waiting[0], f"was not ready after {timeout:g} s")
            time.sleep(POLL_SECONDS if waiting else 0)

    def _check_running(self, names: Iterable[str]) -> None:
        for name in names:
            code = self.children[name].exit_code()
            if code is not None:
                raise self._not_ready(name, f"exited with {code} before it was ready")

    def _not_ready(self, name: str, why: str) -> NotReady:
        child = self.children[name]
        return NotReady(name, why, child.log_file, child.last_line())

    def first_exit(self, besides: Collection[str] = ()) -> tuple[str, int] | None:
        """Name and exit code of a child that has ended, or None; `besides` may have."""
        for name, child in self.children.items():
            code = child.exit_code()
            if code is not None and name not in besides:
                return name, code
        return None

    def watch(self, stopping: threading.Event, look: Look = lambda: ()) -> int:
        """Wait until `stopping` is set (0), or any child ends (its code).

        `look` is called again and again; children that it names may have ended.
        """
        while not stopping.wait(POLL_SECONDS):
            ended = self.first_exit(look())
            if ended is not None:
                name, code = ended
                self._ended = name
                self._log(name, f"exited with {code}: the stack stops")
                return code
        return 0

    def stop(self) -> None:
        """End all, last started first; returns when none is left. Safe twice.

        What drains into a child that ended by itself is killed before anything else: each moment
        that a job goes on writing what it can't ack makes duplicates.
        """
        for child in self.children.values():
            if self._ended in child.process.drains_into:
                child.kill()
        at_most = BROKEN_STOP_SECONDS if self._ended else float("inf")
        for name in reversed(list(self.children)):
            self.children[name].stop(at_most)
            self._forget(name)
        self._close()

    def kill(self) -> None:
        """End all at once, with no drain."""
        for name in list(self.children):
            self.children[name].kill()
            self._forget(name)
        self._close()

    def _forget(self, name: str) -> None:
        child = self.children.pop(name)
        if self._reaper is not None:
            self._reaper.ended(child.pid)

    def _close(self) -> None:
        if self._reaper is not None:
            self._reaper.close()
            self._reaper = None
