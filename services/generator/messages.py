"""1 · The messages of a task: events with their attributes, and the faults asked for."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from event_types import registry
from event_types.base import EventType
from services.generator.defects import break_event
from services.generator.mix import Kind, Mix
from services.generator.models import LEAST_LATE, GenerationRequest
from services.generator.shop import Shop

_FREE = ~(0xF000 << 64 | 0xC000 << 48)
_VERSION_4 = 4 << 76 | 0x8000 << 48
RECENT = 50
"""How many messages of each type a duplicate is chosen from."""


@dataclass(frozen=True)
class Message:
    """What is handed to the publisher, and what it is meant to be."""

    data: bytes
    attributes: dict[str, str]
    ordering_key: str
    kind: Kind


class Messages:
    """Makes a task's messages. The same request, seed and times give the same messages."""

    def __init__(self, request: GenerationRequest, seed: int) -> None:
        self._request = request
        self._rng = Random(seed)
        self._mix = Mix(request.type_weights(), request.ratios(), request.planned_events, self._rng)
        self._shop = Shop(self._rng)
        self._recent: dict[str, deque[Message]] = defaultdict(lambda: deque(maxlen=RECENT))

    def next(self, now: datetime) -> Message:
        """The next message, of an event that happens `now` unless it is to be late."""
        event_type = registry.by_name(self._mix.next_type())
        kind = self._mix.next_kind()
        recent = self._recent[event_type.name]
        if kind is Kind.DUPLICATE and recent:
            first = self._rng.choice(recent)
            return Message(first.data, first.attributes, first.ordering_key, kind)
        if kind is Kind.DUPLICATE:
            self._mix.postpone(kind)
            kind = Kind.SOUND
        message = self._make(event_type, kind, now)
        recent.append(message)
        return message

    def _make(self, event_type: EventType, kind: Kind, now: datetime) -> Message:
        if kind is Kind.LATE:
            # Not part of the shop's story, which goes on at the present.
            late = timedelta(minutes=self._rng.uniform(LEAST_LATE, self._request.late_by_minutes))
            event = event_type.fake(self._rng, now - late)
        else:
            event = self._shop.next(event_type, now)
        data = event.model_dump_json().encode()
        if kind is Kind.INVALID:
            data = break_event(data, event_type, self._rng)
        # Ordered by what the table is clustered by first: one customer's, one product's events.
        key = getattr(event, event_type.cluster_by[0]) if self._request.ordering else ""
        event_id = uuid4(self._rng)
        return Message(data, {"event_id": event_id, "event_type": event_type.name}, key, kind)


def uuid4(rng: Random) -> str:
    """A random UUID (RFC 9562, section 5.4) as text; `uuid.UUID` takes ten times as long."""
    bits = rng.getrandbits(128) & _FREE | _VERSION_4
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
