"""A part's log file as log entries, the way Cloud Logging's agent reads one.

A line that is a JSON object gives its `severity`, `time` and `message` to the entry, and what else
it has to `jsonPayload` (Cloud Logging, "Structured logging"); any other line is text, after the
time that it may begin with. A line without a time has that of the line before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localgcp.console.domain.log_filter import SEVERITIES

TAIL_BYTES = 4 << 20
"""Of each file, its end is read."""
_SPECIAL = {
    "logging.googleapis.com/trace": "trace",
    "logging.googleapis.com/spanId": "spanId",
    "logging.googleapis.com/labels": "labels",
    "httpRequest": "httpRequest",
}
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?")
_LEVEL = re.compile(r"\W*(DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL)\b")


def entries(file: Path, started: str, frame: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each line as an entry upon `frame`; `started` is when its writer began, RFC 3339."""
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, 2)
            at = stream.seek(max(0, size - TAIL_BYTES))
            lines = stream.read().splitlines(keepends=True)
    except FileNotFoundError:
        return
    if at:  # in the middle of a line
        at += len(lines.pop(0)) if lines else 0
    when = _stamp(started) or started
    for line in lines:
        entry = {**frame, **_said(line.decode(errors="replace").rstrip("\r\n"))}
        when = entry.setdefault("timestamp", when)
        # Where it stands: the same at every look, and in the order of writing.
        entry["insertId"] = f"{file.stem}-{at:012}"
        entry["receiveTimestamp"] = when
        at += len(line)
        yield entry


def _said(line: str) -> dict[str, Any]:
    found = _TIME.match(line)
    stamp = _stamp(found[0]) if found else None
    dated = {"timestamp": stamp} if stamp else {}
    text = line[found.end() :].lstrip() if found and stamp else line
    if text.startswith("{"):
        try:
            return dated | _structured(json.loads(text))
        except ValueError:
            pass
    level = _LEVEL.match(text)
    return {"textPayload": text, "severity": level[1] if level else "DEFAULT", **dated}


def _structured(line: dict[str, Any]) -> dict[str, Any]:
    severity = str(line.pop("severity", "DEFAULT")).upper()
    said: dict[str, Any] = {"severity": severity if severity in SEVERITIES else "DEFAULT"}
    if stamp := _stamp(str(line.pop("time", ""))):
        said["timestamp"] = stamp
    for name, field in _SPECIAL.items():
        if name in line:
            said[field] = line.pop(name)
    if line.keys() == {"message"}:
        return {**said, "textPayload": str(line["message"])}
    return {**said, "jsonPayload": line}


def _stamp(text: str) -> str | None:
    """A time as the API has it, in UTC; one without a zone is UTC."""
    try:
        found = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
