"""Prints the children's lines as one stream, each behind the name of who wrote it.

In the cloud a service's line is a JSON object with `severity` and `message` (Cloud Logging,
"Structured logging"), and so it stands in the log files; a person reads the message.
"""

from __future__ import annotations

import json
import os
import re
import textwrap
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from shutil import get_terminal_size
from typing import Any, TextIO

WIDTH, LEAST_WIDTH = 13, 20
_DATED = re.compile(r"\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d(?:\.\d+)?)Z ")
_CLOCK = re.compile(r"^\d\d:\d\d:\d\d(?:\.\d+)?Z ")
COLOURS = {
    "pubsub": 36,
    "storage": 34,
    "bigquery": 35,
    "table_manager": 33,
    "pipeline": 32,
    "generator": 96,
}


class Logs:
    """Writes whole lines to `stream`; to a terminal coloured, and folded between words."""

    def __init__(
        self, stream: TextIO, columns: Callable[[], int] = lambda: get_terminal_size().columns
    ) -> None:
        self._stream, self._columns = stream, columns
        self._terminal = stream.isatty()
        self._lock = threading.Lock()

    def write(self, name: str, line: str) -> None:
        """Print one line of the process called `name`."""
        prefixes, lines = (f"{name:<{WIDTH}} | ", f"{'':<{WIDTH}} | "), [readable(line)]
        if self._terminal:
            colour = f"\x1b[{COLOURS.get(name, 0)}m"
            lines = _folded(lines[0], self._columns() - len(prefixes[0]))
            prefixes = (f"{colour}{prefixes[0]}\x1b[0m", f"{colour}{prefixes[1]}\x1b[0m")
        shown = "".join(f"{prefixes[bool(n)]}{each}\n" for n, each in enumerate(lines))
        with self._lock:
            try:
                self._stream.write(shown)
                self._stream.flush()
            except OSError:
                # The terminal is closed, or the pipe: the log files have it all.
                to_nowhere(self._stream)


def _folded(line: str, width: int) -> list[str]:
    """Lines of at most `width` columns; a word that is longer, a URL say, stays whole."""
    if len(line) <= width:
        return [line]
    return textwrap.wrap(
        line, max(width, LEAST_WIDTH), break_long_words=False, break_on_hyphens=False
    )


def to_nowhere(stream: TextIO) -> None:
    """Lead a stream whose reader is gone to the null device, with what it still holds."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def stamped(line: str, now: datetime) -> str:
    """The line with the time in front, RFC 3339 in UTC, unless it bears one itself."""
    if _DATED.match(line) or (line.startswith("{") and '"time": "' in line):
        return line
    return f"{now.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z {line}"


def undated(line: str) -> str:
    """A readable line without its time."""
    return _CLOCK.sub("", line)


def readable(line: str) -> str:
    """A line as a person reads it: the time of the day in UTC, where it is known, and the text."""
    clock = ""
    if dated := _DATED.match(line):
        clock, line = f"{dated[1][:12]}Z ", line[dated.end() :]
    if not line.startswith("{"):
        return clock + line
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        return clock + line
    match record:
        case {"severity": severity, "message": message}:
            return f"{clock or _clock(record)}{severity} {message}"
        case {"listening": name, "port": port}:
            return f"{clock}INFO {name} listens on port {port}"
    return clock + line


def _clock(record: dict[str, Any]) -> str:
    """The time of the day that a structured line bears, to the millisecond, or ""."""
    try:
        moment = datetime.fromisoformat(record["time"])
    except (ValueError, KeyError, TypeError):
        return ""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[11:23]}Z "
