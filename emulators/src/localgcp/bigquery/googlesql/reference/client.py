"""The caller's side of the reference evaluator: one worker process, its time and its end.

The worker is started in the background and is ready in about a second, or once the machine code is
compiled. A statement waits for it, for a bounded time: what is answered never depends on when one
asks.
"""

from __future__ import annotations

import atexit
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from localgcp import environment
from localgcp.bigquery.errors import (
    EvaluatorAway,
    InvalidQuery,
    QueryCancelled,
    QueryFailed,
    SqlNotSupported,
    TimedOut,
)
from localgcp.bigquery.googlesql.reference import messages as m
from localgcp.bigquery.googlesql.reference.steps import Step

REST_SECONDS = 10.0  # between starts of a worker that does not come up
_log = logging.getLogger(__name__)
_STARTING = "statements wait for Google's SQL analyzer to start: about a second"
_COMPILING = "statements wait for Google's SQL analyzer to be compiled, once a machine: 10 to 30 s"
WORKER = "localgcp.bigquery.googlesql.reference.worker"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one statement may take: seconds, bytes of the worker, rows and bytes handed over."""

    seconds: float = 60.0
    start_seconds: float = 120.0
    memory: int = 2 << 30
    rows: int = 200_000
    bytes: int = 64 << 20


class Stop:
    """Ends what the worker is at; a job's cancellation calls it as it would DuckDB's cursor."""

    def __init__(self, worker: _Worker) -> None:
        self._worker, self.asked = worker, False

    def interrupt(self) -> None:
        """End it."""
        self.asked = True
        self._worker.kill()


class _Worker:
    """One process and the socket to it."""

    def __init__(self, folder: Path, memory: int) -> None:
        ours, theirs = Pipe()
        self.line: Connection[Any, Any] = ours
        # Its modules are this process's own, wherever they were found.
        code = f"import sys; sys.path[:] = {sys.path!r}; from {WORKER} import main; main()"
        command = [sys.executable, "-c", code, str(theirs.fileno()), str(folder), str(memory)]
        self._process = subprocess.Popen(
            command,
            pass_fds=(theirs.fileno(),),
            env={**environment.copy(), "TZ": "UTC"},  # JavaScript's dates are of that zone
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        self.ready = False

    def wait(self, seconds: float) -> bool:
        """Whether it is ready, or becomes so in time. Raises EOFError, OSError: it is gone."""
        end = time.monotonic() + seconds
        while not self.ready:
            if not self.line.poll(max(0.0, end - time.monotonic())):
                return False
            self.ready = self.line.recv() == m.READY
            if not self.ready:
                _log.warning(_COMPILING)
        return True

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it and let its socket go."""
        self.kill()
        self.line.close()


class Reference:
    """The evaluator as the emulator uses it; safe to use from many threads, one at a time."""

    def __init__(self, folder: Path, limits: Limits = Limits()) -> None:
        self._folder, self.limits = folder, limits
        self._worker: _Worker | None = None
        self._lock = threading.Lock()
        self._rested = 0.0
        self.installed = find_spec("zetasql") is not None and find_spec("wasmtime") is not None

    def start(self) -> None:
        """Have a worker on its way; does not wait for it."""
        if self.installed and self._lock.acquire(blocking=False):
            try:
                self._current()
            finally:
                self._lock.release()

    def wait(self) -> bool:
        """Whether there is one, once it would answer at once. Raises EvaluatorAway.

        One that dies before it is ready, for want of memory as a rule, is started once again.
        """
        worker = self._worker
        if not self.installed or (worker is not None and worker.ready):
            return self.installed
        with self._exclusive():
            for _ in range(2):
                if time.monotonic() < self._rested:
                    break
                with suppress(EOFError, OSError):
                    return self._await(self._current())
                self._forget()
            else:
                self._rested = time.monotonic() + REST_SECONDS
        raise EvaluatorAway("its process ends as it starts, for want of memory as a rule")

    def _await(self, worker: _Worker) -> bool:
        """Wait until the worker is ready.

        Raises EvaluatorAway after its time, EOFError and OSError if it is gone.
        """
        if not worker.ready:
            _log.warning(_STARTING)
            if not worker.wait(self.limits.start_seconds):
                raise EvaluatorAway(f"not ready after {self.limits.start_seconds:g} s")
        return True

    def names(self, sql: str) -> list[m.Path]:
        """The tables that a statement names. Raises what `analyze` raises."""
        found: list[m.Path] = self._ask(m.NamesOf(sql))
        return found

    def query_within(self, sql: str) -> int | None:
        """Where the query of a CREATE or an INSERT begins, in bytes; None if it has none."""
        found: int | None = self._ask(m.QueryWithin(sql))
        return found

    def target_of(self, sql: str) -> m.Path:
        """The table that a DML statement changes."""
        path: m.Path = self._ask(m.TargetOf(sql))
        return path

    def changes_of(self, sql: str, columns: tuple[str, ...]) -> list[m.Change]:
        """A DML statement as queries. Raises SqlNotSupported."""
        changes: list[m.Change] = self._ask(m.ChangesOf(sql, columns))
        return changes

    def steps_of(self, sql: str) -> tuple[Step, ...]:
        """A script as steps. Raises InvalidQuery, SqlNotSupported."""
        steps: tuple[Step, ...] = self._ask(m.StepsOf(sql))
        return steps

    def depth_of(self, sql: str) -> str | None:
        """A query for the iterations of a statement's recursive CTEs; None if it has none."""
        text: str | None = self._ask(m.DepthOf(sql))
        return text

    def analyze(self, shape: m.Shape) -> m.Analysis:
        """What the analyzer says of a statement.

        Raises InvalidQuery for what is wrong, SqlNotSupported for what it doesn't know.
        """
        analysis: m.Analysis = self._ask(m.Analyze(shape))
        return analysis

    def created_by(self, shape: m.Shape) -> m.Created:
        """What a CREATE of a routine makes. Raises what `analyze` raises."""
        made: m.Created = self._ask(m.CreatedBy(shape))
        return made

    def evaluate(self, request: m.Evaluate, watch: Callable[[Any], object]) -> Any:
        """An Arrow table of its rows. Raises QueryFailed, SqlNotSupported, QueryCancelled."""
        return self._ask(request, watch)

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            self._forget()

    def _ask(self, request: m.Request, watch: Callable[[Any], object] | None = None) -> Any:
        with self._exclusive() as worker:
            stop = Stop(worker)
            if watch is not None:
                watch(stop)
            try:
                self._await(worker)
                worker.line.send(request)
                if not worker.line.poll(self.limits.seconds):
                    self._forget()
                    raise TimedOut(self.limits.seconds)
                answer = worker.line.recv()
            except (EOFError, OSError) as error:
                self._forget()
                if stop.asked:
                    raise QueryCancelled from error
                raise SqlNotSupported("this statement: its evaluation came to no end") from error
            if isinstance(answer, m.Lost):
                self._forget()
                raise SqlNotSupported(f"this statement: its evaluation broke off: {answer.why}")
            if isinstance(answer, m.Failed):
                raise _error(answer, isinstance(request, m.Evaluate))
            return answer

    @contextmanager
    def _exclusive(self) -> Iterator[_Worker]:
        if not self.installed:
            raise SqlNotSupported("this statement without the package zetasql")
        if not self._lock.acquire(timeout=self.limits.seconds + self.limits.start_seconds):
            raise EvaluatorAway("other statements keep it busy")
        try:
            yield self._current()
        finally:
            self._lock.release()

    def _current(self) -> _Worker:
        if self._worker is None:
            self._worker = _Worker(self._folder, self.limits.memory)
        return self._worker

    def _forget(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            with suppress(OSError):
                worker.close()


def _error(failed: m.Failed, evaluating: bool) -> Exception:
    if failed.code in (m.UNIMPLEMENTED, m.INTERNAL):
        what = failed.message.removeprefix("not supported by the emulator: ")
        return SqlNotSupported(what.splitlines()[0])
    if evaluating:
        return QueryFailed(failed.message)
    return InvalidQuery(failed.message, "query")


_shared: Reference | None = None
_making = threading.Lock()


def shared() -> Reference:
    """The one of this process, made when first asked for and ended with the process."""
    global _shared  # noqa: PLW0603 - a process has one worker, whatever emulators it runs
    with _making:
        if _shared is None:
            _shared = Reference(environment.cache_folder())
            atexit.register(_shared.close)
        return _shared
