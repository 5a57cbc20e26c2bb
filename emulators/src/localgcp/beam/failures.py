"""Failures that are tried again: how long to wait, and how often to speak of them."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trouble:
    """What does not work, and for how long it has not."""

    seconds: float
    what: str

    def __str__(self) -> str:
        return f"{self.what}, for {self.seconds:.0f} s"


class Backoff:
    """Pauses that double, from `first` to `most` seconds."""

    def __init__(self, first: float, most: float) -> None:
        self._first, self._most = first, most
        self._pause = first

    def next(self) -> float:
        """Seconds to wait now."""
        pause, self._pause = self._pause, min(self._most, self._pause * 2)
        return pause

    def reset(self) -> None:
        """It worked: the next failure waits `first` seconds again."""
        self._pause = self._first


class FailureLog:
    """Logs a traceback once in full, then only how often it came: at 10, 100, 1000 and so on."""

    def __init__(self, most: int = 1000) -> None:
        """`most` distinct failures are told apart; past that they count as one."""
        self._most = most
        self._seen: dict[object, int] = {}
        self.total = 0

    def record(self, step: str, error: BaseException, retry_in: float | None) -> None:
        """One bundle of `step` failed, and is tried again in `retry_in` seconds (None: never)."""
        self.total += 1
        signature: object = (step, type(error), _places(error.__traceback__))
        if signature not in self._seen and len(self._seen) >= self._most:
            signature = None
        count = self._seen[signature] = self._seen.get(signature, 0) + 1
        fate = "it ends the job" if retry_in is None else f"retried in {retry_in:.1f} s"
        if count == 1:
            log.error("%s: a bundle failed; %s", step, fate, exc_info=_as_raised(error))
        elif str(count).strip("0") == "1":
            log.error("%s: failed %d times the same way: %r", step, count, error)


@contextmanager
def beam_says_nothing() -> Iterator[None]:
    """Meanwhile Beam's own log of each error in a DoFn, on this thread, is left out."""
    thread = threading.get_ident()
    beams = logging.getLogger("apache_beam.runners.common")

    def elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != thread or not record.exc_info

    beams.addFilter(elsewhere)
    try:
        yield
    finally:
        beams.removeFilter(elsewhere)


def _as_raised(error: BaseException) -> BaseException:
    """The error of user code, which Beam raises once more with the step's name in its text."""
    original = error.__context__
    return original if original is not None and type(original) is type(error) else error


def _places(trace: TracebackType | None) -> tuple[tuple[str, int], ...]:
    return tuple((frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(trace))
