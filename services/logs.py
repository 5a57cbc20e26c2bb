"""Logs as Cloud Logging reads them: one JSON object a line, with severity and trace."""

from __future__ import annotations

import json
import logging
import sys
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


def trace_labels(traceparent: str, project_id: str) -> dict[str, str]:
    """The fields that tie a line to its request's trace (W3C "Trace Context", traceparent)."""
    parts = traceparent.split("-")
    if len(parts) != 4 or len(parts[1]) != 32 or len(parts[2]) != 16:
        return {}
    return {
        "logging.googleapis.com/trace": f"projects/{project_id}/traces/{parts[1]}",
        "logging.googleapis.com/spanId": parts[2],
    }
