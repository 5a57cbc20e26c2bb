"""A stream recorded as the interactive runner records it, by Beam's ReverseTestStream."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.testing.test_stream import ElementEvent, ReverseTestStream

from tests.unit.emulators.beam.script import Message, play


def test_a_subscription_is_recorded_in_order_and_acked() -> None:
    def recorded(texts: Any) -> Any:
        events = texts | ReverseTestStream(sample_resolution_sec=1, output_tag=None)
        return events | beam.FlatMap(_elements)

    script = play(recorded, [Message("a", 1), Message("b", 2)], [Message("c", 3)])
    assert script.panes == [["a", "b"], ["c"]]
    assert sorted(script.ack_ids) == ["ack-1", "ack-2", "ack-3"]


def _elements(events: list[Any]) -> list[tuple[str, list[str]]]:
    return [
        ("", [one.value for one in event.timestamped_values])
        for event in events
        if isinstance(event, ElementEvent)
    ]
