"""1 · Recorded files come in, as the pipeline writes them; their events leave as messages again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import orjson

from event_types.base import Envelope
from services.generator.messages import Message
from services.generator.mix import Kind
from services.generator.models import ReplayRequest


class UnknownRecording(LookupError):
    """There is no such file or folder of recorded events."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"recording {path!r}: {why}")


class BadRecording(ValueError):
    """A recorded file has a line that is no event."""

    def __init__(self, file: Path, number: int) -> None:
        super().__init__(f"{file.name}, line {number}: not a JSON object with an event_type")


class RecordingEnded(Exception):
    """The files have fewer lines than they had when the task was started."""


class Recording:
    """The lines of a file, or of all files below a folder, in the order of their paths."""

    def __init__(self, root: Path | None, path: str) -> None:
        """Find a recording below `root`.

        Raises UnknownRecording, for what lies outside of `root` as well.
        """
        if root is None:
            raise UnknownRecording(path, "no folder of recordings is set")
        place = (root / path).resolve()
        if not place.is_relative_to(root.resolve()) or not place.exists():
            raise UnknownRecording(path, "not found")
        self._files = sorted(place.rglob("*.json")) if place.is_dir() else [place]
        if not self.count():
            raise UnknownRecording(path, "has no events")

    def count(self) -> int:
        """How many events there are."""
        return sum(1 for _ in self.lines())

    def lines(self) -> Iterator[tuple[Path, int, bytes]]:
        """Each line with its file and number, from 1; empty lines are not events."""
        for file in self._files:
            with file.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        yield file, number, line


class Replay:
    """Takes each recorded row apart: the event is published, the envelope is made anew."""

    def __init__(self, recording: Recording, request: ReplayRequest, seed: int) -> None:
        self._lines = recording.lines()
        self._request, self._rng = request, Random(seed)

    def next(self, now: datetime) -> Message:
        """The next recorded event; its own time stays. Raises BadRecording, RecordingEnded."""
        try:
            file, number, line = next(self._lines)
        except StopIteration:
            raise RecordingEnded("the recorded files have become shorter") from None
        row = _parse(line)
        if row is None:
            raise BadRecording(file, number)
        event = {name: each for name, each in row.items() if name not in Envelope.model_fields}
        made = str(UUID(int=self._rng.getrandbits(128), version=4))
        event_id = row.get("event_id", made) if self._request.keep_event_ids else made
        attributes = {"event_id": str(event_id), "event_type": row["event_type"]}
        return Message(orjson.dumps(event), attributes, "", Kind.SOUND)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("event_type"), str) else None
