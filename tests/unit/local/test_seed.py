"""The events of a seeded day."""

from __future__ import annotations

import json
from datetime import date

import pytest

from event_types import registry
from event_types.base import Envelope, EventType
from event_types.validate import validate
from local.seed import MINUTES, events

DAY = date(2026, 11, 1)


@pytest.mark.parametrize("kind", registry.ALL, ids=lambda kind: kind.name)
def test_a_day_s_events_are_valid_of_that_day_and_the_same_each_time(kind: EventType) -> None:
    rows = list(events(kind, DAY, 50))
    assert rows == list(events(kind, DAY, 50))
    assert {row["event_date"] for row in rows} == {"2026-11-01"}
    assert len({row["event_id"] for row in rows}) == 50
    assert len({row[kind.event_time][:16] for row in rows}) == MINUTES
    for row in rows:
        sent = {name: each for name, each in row.items() if name not in Envelope.model_fields}
        assert validate(json.dumps(sent).encode()).event_type == kind.name
