"""What queries may take of the process's memory, and how it is given back.

DuckDB keeps to its own limit for what it buffers and spills the rest; texts and lists that it works
on come on top of that and know no limit. So the process itself is measured while queries run, and
those that have it grow too far are ended.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from pathlib import Path

POLL_S = 0.02
_STATUS = Path("/proc/self/statm")
_PAGE = 4096


def resident() -> int:
    """Bytes of memory that this process holds; 0 where the system does not say."""
    try:
        return int(_STATUS.read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def give_back() -> None:
    """Return to the system what was freed."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)


class Guard:
    """Calls `exceeded` while the process has grown by more than `limit` since work began."""

    def __init__(
        self,
        limit: int,
        exceeded: Callable[[], object],
        measure: Callable[[], int] = resident,
        each: Callable[[], object] = lambda: None,
    ) -> None:
        """`each` is called now and then while work runs."""
        self._limit, self._exceeded, self._measure, self._each = limit, exceeded, measure, each
        self._lock = threading.Lock()
        self._running = 0
        self._base = 0
        self._idle = threading.Event()
        self._idle.set()

    def begin(self) -> None:
        """One more piece of work runs."""
        with self._lock:
            self._running += 1
            if self._running == 1:
                self._base = self._measure()
                self._idle = threading.Event()
                threading.Thread(
                    target=self._watch, args=(self._idle,), name="bigquery-memory", daemon=True
                ).start()

    def end(self) -> None:
        """One has ended; with the last one, much memory that it took goes back."""
        with self._lock:
            self._running -= 1
            if self._running == 0:
                self._idle.set()
                if self._measure() - self._base > self._limit // 8:
                    give_back()

    def check(self) -> None:
        """Tell if it has grown too far."""
        if self._measure() - self._base > self._limit:
            self._exceeded()

    def _watch(self, idle: threading.Event) -> None:
        while not idle.wait(POLL_S):
            self.check()
            self._each()
