"""The messages that are measured with: seeded, of all three types, each with an id of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import NamedTuple

from event_types import registry
from event_types.base import Event

SEED, DISTINCT, MINUTES = 7, 300, 10
NOW = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


class Message(NamedTuple):
    """Payload and attributes, as the generator publishes them."""

    data: bytes
    attributes: dict[str, str]


@cache
def samples() -> tuple[tuple[str, Event], ...]:
    """Some events with their types' names, by turns; making more would take longer than to move."""
    rng = Random(SEED)
    return tuple(
        (each.name, each.fake(rng, NOW + timedelta(minutes=number % MINUTES)))
        for number in range(DISTINCT)
        for each in (registry.ALL[number % len(registry.ALL)],)
    )


@cache
def _payloads() -> tuple[tuple[str, bytes], ...]:
    return tuple((name, event.model_dump_json().encode()) for name, event in samples())


def messages(count: int, prefix: str) -> Iterator[Message]:
    """Messages with event ids from `{prefix}-0`."""
    payloads = _payloads()
    for number in range(count):
        name, data = payloads[number % DISTINCT]
        yield Message(data, {"event_id": f"{prefix}-{number}", "event_type": name})
