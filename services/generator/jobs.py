"""1 · What a task is given: a request, when each message is due, and where messages come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.generator.messages import Message, Messages
from services.generator.models import GenerationRequest, ReplayRequest
from services.generator.replay import Recording, Replay
from services.generator.schedule import Schedule, Steady


class Source(Protocol):
    """Makes a task's messages, one after the other."""

    def next(self, now: datetime) -> Message:
        """The next message, published `now`."""


@dataclass(frozen=True)
class Job:
    """Two jobs are equal if they ask for the same."""

    request: GenerationRequest | ReplayRequest
    schedule: Schedule
    source: Callable[[int], Source] = field(compare=False)
    """From a seed."""
    scenario: str | None = None


def generation(request: GenerationRequest, scenario: str | None = None, paced: bool = True) -> Job:
    """Made-up events, at the request's pace or all at once."""
    seconds = request.duration_minutes * 60 if paced else 0.0
    schedule = Schedule(request.planned_events, seconds, request.shape.spread())
    return Job(request, schedule, lambda seed: Messages(request, seed), scenario)


def replay(request: ReplayRequest, recording: Recording) -> Job:
    """Recorded events, each once, in the order of the files."""
    total = recording.count()
    schedule = Schedule(total, total / request.events_per_minute * 60, Steady())
    return Job(request, schedule, lambda seed: Replay(recording, request, seed))
