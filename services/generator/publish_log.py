"""1 · Events that Pub/Sub has are recorded, a JSON line each: what counts as published."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import orjson


def append(log: Path, events: Iterable[tuple[str, str]]) -> None:
    """Record events by their ids and types. Raises OSError."""
    published_at = datetime.now(UTC).isoformat()
    lines = b"".join(
        orjson.dumps(
            {"event_id": event_id, "event_type": event_type, "published_at": published_at},
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for event_id, event_type in events
    )
    # One unbuffered write to a file opened for appending: several processes may share it.
    with log.open("ab", buffering=0) as file:
        file.write(lines)
