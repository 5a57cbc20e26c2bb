"""Early panes by the clock, of messages whose windows the clock has long passed: a backlog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.transforms.trigger import AccumulationMode, AfterProcessingTime, AfterWatermark
from apache_beam.transforms.window import FixedWindows

from tests.unit.emulators.beam.script import Message, play

DISCARDING, ACCUMULATING = AccumulationMode.DISCARDING, AccumulationMode.ACCUMULATING


@pytest.mark.parametrize(
    ("mode", "panes"),
    [
        (DISCARDING, [["EARLY", "a"], ["EARLY", "b"], ["ON_TIME"]]),
        (ACCUMULATING, [["EARLY", "a"], ["EARLY", "a", "b"], ["ON_TIME", "a", "b"]]),
    ],
    ids=["discarding", "accumulating"],
)
def test_an_early_pane_is_not_the_last_one(
    mode: AccumulationMode, panes: list[list[str]], tmp_path: Path
) -> None:
    """Each mode has an engine of its own."""

    def grouped(texts: Any) -> Any:
        windows = beam.WindowInto(
            FixedWindows(10),
            trigger=AfterWatermark(early=AfterProcessingTime(0)),
            accumulation_mode=mode,
        )
        keyed = texts | beam.Map(lambda text: ("key", text)).with_output_types(tuple[str, str])
        return keyed | windows | beam.GroupByKey() | beam.Map(_named)

    script = play(grouped, [Message("a", 1)], [Message("b", 2)], 30.0, state=tmp_path)
    assert script.panes == panes
    assert sorted(script.ack_ids) == ["ack-1", "ack-2"]


def _named(pane: Any, info: Any = beam.DoFn.PaneInfoParam) -> tuple[str, list[str]]:
    """Its timing, which sorts first, and its texts."""
    timings = beam.utils.windowed_value.PaneInfoTiming
    return "key", [timings.to_string(info.timing), *pane[1]]
