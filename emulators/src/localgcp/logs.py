"""How a program of ours logs: each line with its time, each cause once a minute."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

SELDOM_SECONDS = 60.0
"""One cause is warned of no more often."""


class Seldom:
    """Says something at most once a minute for each cause, and then how often it was so."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives monotonic seconds."""
        self._log, self._clock = log, clock
        self._said: dict[object, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def warn(self, cause: object, text: str, *values: object) -> None:
        """Log a warning, unless this cause was warned of within the last minute."""
        now = self._clock()
        with self._lock:
            said, silent = self._said.get(cause, (now - SELDOM_SECONDS, 0))
            if now - said < SELDOM_SECONDS:
                self._said[cause] = (said, silent + 1)
                return
            self._said[cause] = (now, 0)
        more = f" ({silent} more like it in the minute before)" if silent else ""
        self._log.warning(text + "%s", *values, more)


def to_stderr(level: str = "WARNING") -> None:
    """Write this process's logs to stderr, each line with its time in UTC and its severity."""
    form = logging.Formatter(
        "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    form.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(form)
    logging.basicConfig(level=level, handlers=[handler])
