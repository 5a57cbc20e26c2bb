"""Prints the children's lines as one stream, each behind the name of who wrote it.

In the cloud a service's line is a JSON object with `severity` and `message` (Cloud Logging,
"Structured logging"), and so it stands in the log files; a person reads the message.
"""

from __future__ import annotations

import json
import os
import threading
from typing import TextIO

WIDTH = 13
COLOURS = {
    "pubsub": 36,
    "storage": 34,
    "bigquery": 35,
    "table_manager": 33,
    "pipeline": 32,
    "generator": 96,
}


class Logs:
    """Writes whole lines to `stream`, coloured where that is a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._coloured = stream.isatty()
        self._lock = threading.Lock()

    def write(self, name: str, line: str) -> None:
        """Print one line of the process called `name`."""
        prefix = f"{name:<{WIDTH}} | "
        if self._coloured:
            prefix = f"\x1b[{COLOURS.get(name, 0)}m{prefix}\x1b[0m"
        with self._lock:
            try:
                self._stream.write(f"{prefix}{readable(line)}\n")
                self._stream.flush()
            except OSError:
                # The terminal is closed, or the pipe: the log files have it all.
                to_nowhere(self._stream)


def to_nowhere(stream: TextIO) -> None:
    """Lead a stream whose reader is gone to the null device, with what it still holds."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def readable(line: str) -> str:
    """A structured line as a person reads it; any other line as it is."""
    if not line.startswith("{"):
        return line
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        return line
    match record:
        case {"severity": severity, "message": message}:
            return f"{severity} {message}"
        case {"listening": name, "port": port}:
            return f"INFO {name} listens on port {port}"
    return line
