"""When a message may be acked: whole jobs over a scripted subscription."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.transforms.trigger import (
    AccumulationMode,
    AfterCount,
    AfterWatermark,
    DefaultTrigger,
    Repeatedly,
)
from apache_beam.transforms.window import (
    FixedWindows,
    GlobalWindows,
    Sessions,
    SlidingWindows,
    TimestampCombiner,
)

from localgcp.beam.engine import Engine
from localgcp.beam.errors import CannotAck
from tests.unit.emulators.beam.script import AWAY, Message, play

WEEK = 7 * 24 * 3600


def grouped(windows: Any = None, **options: Any) -> Callable[[Any], Any]:
    """Group all data under one key, by 10 s windows that take late data unless told otherwise."""
    into = beam.WindowInto(
        windows or FixedWindows(10),
        **{
            "trigger": AfterWatermark(late=AfterCount(1)),
            "accumulation_mode": AccumulationMode.DISCARDING,
            "allowed_lateness": WEEK,
            **options,
        },
    )

    def build(data: Any) -> Any:
        keyed = data | beam.Map(lambda text: ("key", text)).with_output_types(tuple[str, str])
        return keyed | into | beam.GroupByKey()

    return build


def test_without_windows_a_message_is_acked_when_its_bundles_are_through() -> None:
    script = play(lambda data: data | beam.Map(lambda text: ("key", [text])), [Message("a", 1)])
    assert [seen.acked for seen in script.seen] == [0, 1]
    assert script.ack_ids == ["ack-1"]


@pytest.mark.parametrize(
    "combiner",
    [
        TimestampCombiner.OUTPUT_AT_EARLIEST,
        TimestampCombiner.OUTPUT_AT_LATEST,
        TimestampCombiner.OUTPUT_AT_EOW,
    ],
)
def test_a_message_is_held_until_its_window_has_fired(combiner: Any) -> None:
    script = play(grouped(timestamp_combiner=combiner), [Message("a", 1)], 5.0, 9.9, 10.1)
    assert [seen.outstanding for seen in script.seen] == [0, 1, 1, 1, 0]
    assert [seen.acked for seen in script.seen] == [0, 0, 0, 0, 1]
    assert script.panes == [["a"]]


def test_a_message_behind_the_watermark_in_an_open_window_is_held_as_well() -> None:
    """Beam's watermark has no hold for it, so counting by watermarks would lose it."""
    script = play(grouped(), 5.0, [Message("late", 2)], 9.0, 10.1)
    assert [seen.watermark for seen in script.seen[1:4]] == [5.0, 5.0, 9.0]
    assert [seen.outstanding for seen in script.seen] == [0, 0, 1, 1, 0]
    assert script.panes == [["late"]]


def test_each_message_after_its_window_fires_a_late_pane_and_is_acked() -> None:
    script = play(grouped(), [Message("a", 1)], 20.0, [Message("b", 2)], [Message("c", 3)])
    assert script.panes == [["a"], ["b"], ["c"]]
    assert [seen.acked for seen in script.seen] == [0, 0, 1, 2, 3]


def test_late_messages_that_wait_for_their_trigger_are_held() -> None:
    late = grouped(trigger=AfterWatermark(late=AfterCount(2)))
    script = play(late, [Message("a", 1)], 20.0, [Message("b", 2)], 21.0, [Message("c", 3)])
    assert [seen.outstanding for seen in script.seen] == [0, 1, 0, 1, 1, 0]
    assert script.panes == [["a"], ["b", "c"]]


def test_what_is_too_late_is_dropped_and_counted() -> None:
    script = play(grouped(allowed_lateness=5), 20.0, [Message("too late", 2)])
    assert script.panes == []
    assert script.job is not None
    assert script.job.status()["dropped_late"] == 1
    assert script.ack_ids == ["ack-1"]


def test_a_message_in_two_windows_waits_for_the_second() -> None:
    script = play(grouped(SlidingWindows(10, 5)), [Message("a", 6)], 10.1, 15.1)
    assert [seen.outstanding for seen in script.seen] == [0, 1, 1, 0]
    assert script.panes == [["a"], ["a"]]


def test_merged_sessions_hold_their_messages_until_the_session_ends() -> None:
    sessions = grouped(Sessions(10), trigger=DefaultTrigger())
    script = play(sessions, [Message("a", 1)], [Message("b", 9)], 12.0, 19.1)
    assert [seen.outstanding for seen in script.seen] == [0, 1, 2, 2, 0]
    assert script.panes == [["a", "b"]]


def test_a_trigger_by_count_holds_what_it_has_not_fired() -> None:
    pairs = grouped(GlobalWindows(), trigger=Repeatedly(AfterCount(2)), allowed_lateness=0)
    script = play(pairs, [Message("a", 1)], [Message("b", 2)], [Message("c", 3)], 50.0)
    assert [seen.acked for seen in script.seen] == [0, 0, 2, 2, 2]
    assert script.panes == [["a", "b"], ["c"]], "a drain emits what the trigger still waited with"
    assert len(script.ack_ids) == 3


def test_a_message_delivered_twice_is_processed_once_and_both_are_acked() -> None:
    script = play(grouped(), [Message("a", 1)], [Message("a", 1), Message("b", 2)], 10.1)
    assert script.panes == [["a", "b"]]
    assert sorted(script.ack_ids) == ["ack-1", "ack-2", "ack-3"]


def test_a_message_that_comes_again_after_its_ack_is_acked_again() -> None:
    script = play(grouped(), [Message("a", 1)], 10.1, [Message("a", 1)])
    assert script.panes == [["a"]]
    assert script.ack_ids == ["ack-1", "ack-2"]


def test_when_no_more_may_be_unacked_windows_close_rather_than_wait_for_ever() -> None:
    script = play(
        grouped(), [Message("a", 1), Message("b", 2)], [Message("c", 3)], most=2, now=11.0
    )
    assert script.panes == [["a", "b"], ["c"]]
    assert [seen.outstanding for seen in script.seen] == [0, 0, 0]


def test_a_pane_is_held_downstream_too() -> None:
    def twice(data: Any) -> Any:
        first = grouped()(data)
        again = first | "flat" >> beam.FlatMap(_lines).with_output_types(tuple[str, str])
        wide = beam.WindowInto(
            FixedWindows(100),
            trigger=AfterWatermark(late=AfterCount(1)),
            accumulation_mode=AccumulationMode.DISCARDING,
            allowed_lateness=WEEK,
        )
        return again | "wide" >> wide | "again" >> beam.GroupByKey()

    script = play(twice, [Message("a", 1)], 10.1, 50.0, 100.1)
    assert [seen.outstanding for seen in script.seen] == [0, 1, 1, 1, 0]


def _lines(pane: tuple[str, list[str]]) -> list[tuple[str, str]]:
    return [(pane[0], line) for line in pane[1]]


def test_state_of_ended_windows_goes_and_pane_numbers_go_on() -> None:
    steps: list[Any] = []
    for number in range(50):
        steps += [[Message(f"m{number}", number * 10 + 1)], number * 10 + 10.1]
    steps.append([Message("late", 1)])
    script = play(_pane_numbers, *steps)
    assert script.job is not None
    engine = script.job._engine
    assert isinstance(engine, Engine)
    states = engine._context._transform_keyed_states
    assert [keys for keys in states.values() if keys] == []
    assert script.panes[-1] == ["1"], "the late pane is the second of its window"
    assert script.panes[:-1] == [["0"]] * 50


def _pane_numbers(data: Any) -> Any:
    return grouped()(data) | "number" >> beam.ParDo(PaneNumber())


class PaneNumber(beam.DoFn):
    def process(
        self, pane: Any, info: Any = beam.DoFn.PaneInfoParam
    ) -> list[tuple[str, list[str]]]:
        return [(pane[0], [str(info.index)])]


def unwritten(data: Any) -> Any:
    """Groups, and fails the test if a pane comes out."""
    grouped()(data) | beam.Map(lambda pane: pytest.fail(f"written: {pane}"))


def test_a_drain_without_pubsub_writes_nothing_that_would_come_again() -> None:
    with pytest.raises(CannotAck, match="2 messages stay unacked and come again"):
        play(unwritten, [Message("a", 1), Message("b", 2)], AWAY)


def test_a_drain_without_pubsub_finishes_where_nothing_is_held() -> None:
    assert play(grouped(), [Message("a", 1)], 10.1, 10.2, AWAY).panes == [["a"]]
