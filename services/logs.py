"""Logs as Cloud Logging reads them: one JSON object a line, with severity and trace."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

# What every LogRecord has; anything else came by `extra=` and is a field of its own.
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}
Labels = Callable[[], dict[str, str]]


class JsonFormatter(logging.Formatter):
    """Formats a record as in Cloud Logging's page "Structured logging"."""

    def __init__(self, labels: Labels) -> None:
        super().__init__()
        self._labels = labels

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        entry: dict[str, Any] = {
            "severity": record.levelname,
            "message": record.getMessage(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
            **self._labels(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            # Under this name Error Reporting finds it.
            entry["stack_trace"] = self.formatException(record.exc_info)
            entry["message"] += f": {record.exc_info[1]}"
        extra = {name: each for name, each in vars(record).items() if name not in _STANDARD}
        return json.dumps({**extra, **entry}, default=str, ensure_ascii=False)


def set_up(level: str, labels: Labels = dict) -> None:
    """Write every log of this process to stderr as JSON; `labels` are asked for at each line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(labels))
    logging.basicConfig(level=level, handlers=[handler], force=True)


class Seldom:
    """Logs an error once a minute for each cause, and with it how many there were since.

    A log that one outage fills with a line an event hides everything else that happened.
    """

    SECONDS = 60.0

    def __init__(
        self, log: logging.Logger, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._log, self._monotonic = log, monotonic
        self._said: dict[str, float] = {}
        self._silent: Counter[str] = Counter()

    def error(self, cause: str, text: str, *values: object, **fields: object) -> None:
        """Log it, with the fields, unless the same cause was logged within the last minute."""
        now = self._monotonic()
        if now - self._said.get(cause, float("-inf")) < self.SECONDS:
            self._silent[cause] += 1
            return
        self._said[cause] = now
        silent = self._silent.pop(cause, 0)
        more = f" ({silent} more like it before)" if silent else ""
        self._log.error(text + "%s", *values, more, extra=fields)


def trace_labels(traceparent: str, project_id: str) -> dict[str, str]:
    """The fields that tie a line to its request's trace (W3C "Trace Context", traceparent)."""
    parts = traceparent.split("-")
    if len(parts) != 4 or len(parts[1]) != 32 or len(parts[2]) != 16:
        return {}
    return {
        "logging.googleapis.com/trace": f"projects/{project_id}/traces/{parts[1]}",
        "logging.googleapis.com/spanId": parts[2],
    }
