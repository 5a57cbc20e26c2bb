"""Whether each part is well, and why not, with the last thing its log complained of."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any

from local.attached import Reachable
from local.logs import readable
from local.tail import ending
from local.wire import Lines

# What tells more than that a process answers: whether its work goes on.
PATHS = {
    "pubsub": "/health",
    "storage": "/health",
    "bigquery": "/health",
    "table_manager": "/robots.txt",
    "pipeline": "/health",
    "generator": "/readiness",
}
TAIL_BYTES = 32 * 1024
_COMPLAINT = re.compile(r"\b(ERROR|CRITICAL|WARNING|Traceback|Exception)\b")


@dataclass(frozen=True)
class Health:
    """One part at one moment."""

    ok: bool
    why: str = ""
    log: str = ""
    """The last line of its log that is a warning or worse."""


def of(stack: Reachable, part: str, logs: Path, lines: Lines) -> Health:
    """Ask one part; never raises."""
    why = _trouble(stack.url(part) + PATHS[part], lines)
    return Health(True) if why is None else Health(False, why, complaint(logs / f"{part}.log"))


def _trouble(url: str, lines: Lines) -> str | None:
    try:
        status, body = lines.ask(url)
    except (OSError, HTTPException) as error:
        return f"does not answer: {error}"
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    return _reason(body) or f"answers {status}"


def _reason(body: bytes) -> str:
    try:
        found: dict[str, Any] = json.loads(body)
    except ValueError:
        return ""
    for name in ("stalled", "detail", "why", "status"):
        if isinstance(text := found.get(name), str) and text:
            return text
    state = found.get("state")
    return f"is {str(state).lower()}" if state else ""


def complaint(file: Path) -> str:
    """The last line of a log that is a warning or worse, or "" where there is none."""
    lines = ending(file, TAIL_BYTES)[0].splitlines()
    return next((text for each in reversed(lines) if _COMPLAINT.search(text := readable(each))), "")
