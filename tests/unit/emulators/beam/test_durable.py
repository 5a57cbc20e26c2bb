"""What the durable engine does of Beam's model, by streams with a script: state, timers, and so on.

Where Beam's FnApiRunner takes the same pipeline its answer is the oracle; these were asked of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_stream import TestStream as Stream
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.deduplicate import Deduplicate
from apache_beam.transforms.periodicsequence import PeriodicImpulse
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.trigger import (
    AccumulationMode,
    AfterCount,
    AfterWatermark,
    Repeatedly,
)
from apache_beam.transforms.userstate import (
    BagStateSpec,
    CombiningValueStateSpec,
    OrderedListStateSpec,
    ReadModifyWriteStateSpec,
    SetStateSpec,
    TimerSpec,
    on_timer,
)
from apache_beam.transforms.window import FixedWindows, GlobalWindows, Sessions, TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp

from localgcp.beam import LocalRunner


@pytest.fixture
def pipeline() -> Iterator[beam.Pipeline]:
    with beam.Pipeline(LocalRunner(), options=PipelineOptions(["--streaming"])) as made:
        yield made


def numbers(*at: tuple[int, float]) -> Any:
    """A stream of ("k", number) elements, each in an event of its own."""
    stream = Stream()
    for number, seconds in at:
        stream = stream.add_elements([TimestampedValue(("k", number), seconds)])
    return stream


BAG = beam.DoFn.StateParam(BagStateSpec("bag", VarIntCoder()))
ODD = beam.DoFn.StateParam(SetStateSpec("odd", VarIntCoder()))
LATEST = beam.DoFn.StateParam(ReadModifyWriteStateSpec("latest", VarIntCoder()))
TOTAL = beam.DoFn.StateParam(CombiningValueStateSpec("total", sum))
ORDERED = beam.DoFn.StateParam(OrderedListStateSpec("ordered", VarIntCoder()))
EVENT, REAL = TimerSpec("event", TimeDomain.WATERMARK), TimerSpec("real", TimeDomain.REAL_TIME)
TAGS = TimerSpec("tags", TimeDomain.WATERMARK)
EVENT_TIMER, REAL_TIMER = beam.DoFn.TimerParam(EVENT), beam.DoFn.TimerParam(REAL)
TAGGED_TIMER = beam.DoFn.TimerParam(TAGS)


class EveryState(beam.DoFn):
    def process(
        self,
        pair: tuple[str, int],
        bag: Any = BAG,
        odd: Any = ODD,
        latest: Any = LATEST,
        total: Any = TOTAL,
        ordered: Any = ORDERED,
    ) -> Iterator[Any]:
        number = pair[1]
        before = latest.read()
        bag.add(number)
        odd.add(number % 2)
        latest.write(number)
        total.add(number)
        ordered.add((Timestamp(10 - number), number))
        if number == 3:
            ordered.clear_range(Timestamp(8), Timestamp(9))
        within = [each for _, each in ordered.read()]
        yield sorted(bag.read()), sorted(odd.read()), before, total.read(), within


def test_each_kind_of_state(pipeline: beam.Pipeline) -> None:
    seen = pipeline | numbers((1, 0), (2, 0), (3, 0)) | beam.ParDo(EveryState())
    first, second = ([1], [1], None, 1, [1]), ([1, 2], [0, 1], 1, 3, [2, 1])
    assert_that(seen, equal_to([first, second, ([1, 2, 3], [0, 1], 2, 6, [3, 1])]))


class Looping(beam.DoFn):
    """A timer that sets itself again, three times."""

    def process(self, pair: tuple[str, int], timer: Any = EVENT_TIMER) -> None:
        timer.set(10)

    @on_timer(EVENT)
    def fire(
        self,
        at: Any = beam.DoFn.TimestampParam,
        total: Any = TOTAL,
        timer: Any = EVENT_TIMER,
    ) -> Iterator[tuple[int, int]]:
        total.add(1)
        if total.read() < 4:
            timer.set(at + 10)
        yield total.read(), int(at)


def test_a_timer_by_event_time_sets_itself_again(pipeline: beam.Pipeline) -> None:
    stream = numbers((1, 1)).advance_watermark_to(25).advance_watermark_to_infinity()
    fired = pipeline | stream | beam.ParDo(Looping())
    assert_that(fired, equal_to([(1, 10), (2, 20), (3, 30), (4, 40)]))


class Tagged(beam.DoFn):
    def process(self, pair: tuple[str, int], timer: Any = TAGGED_TIMER) -> None:
        for tag, at in (("a", 10), ("b", 20), ("c", 30)):
            timer.set(at, dynamic_timer_tag=tag)
        timer.clear(dynamic_timer_tag="b")

    @on_timer(TAGS)
    def fire(self, tag: Any = beam.DoFn.DynamicTimerTagParam) -> Iterator[str]:
        yield tag


def test_timers_with_tags_are_set_and_cleared_apart(pipeline: beam.Pipeline) -> None:
    tags = pipeline | numbers((1, 1)).advance_watermark_to_infinity() | beam.ParDo(Tagged())
    assert_that(tags, equal_to(["a", "c"]))


class Gathering(beam.DoFn):
    def process(self, pair: tuple[str, int], bag: Any = BAG, timer: Any = REAL_TIMER) -> None:
        bag.add(pair[1])
        timer.set(20)

    @on_timer(REAL)
    def fire(self, bag: Any = BAG) -> Iterator[list[int]]:
        yield sorted(bag.read())
        bag.clear()


def test_a_timer_by_the_clock_fires_in_time_and_at_the_end(pipeline: beam.Pipeline) -> None:
    stream = numbers((1, 0), (2, 0)).advance_processing_time(25).add_elements([("k", 3)])
    gathered = pipeline | stream.advance_watermark_to_infinity() | beam.ParDo(Gathering())
    assert_that(gathered, equal_to([[1, 2], [3]]))


def test_beams_own_batches_and_deduplication(pipeline: beam.Pipeline) -> None:
    stream = numbers(*((number, 0) for number in range(7))).advance_watermark_to_infinity()
    pairs = pipeline | stream
    batches = pairs | beam.GroupIntoBatches(3) | beam.Map(lambda batch: len(list(batch[1])))
    assert_that(batches, equal_to([3, 3, 1]))
    halves = pairs | "halve" >> beam.Map(lambda pair: pair[1] // 2).with_output_types(int)
    once = halves | Deduplicate(event_time_duration=60)
    assert_that(once, equal_to([0, 1, 2, 3]), "once")


def test_panes_accumulate(pipeline: beam.Pipeline) -> None:
    stream = (
        numbers((1, 1), (2, 2))
        .advance_watermark_to(12)
        .add_elements([TimestampedValue(("k", 3), 3)])
        .advance_watermark_to_infinity()
    )
    windows = beam.WindowInto(
        FixedWindows(10),
        trigger=AfterWatermark(early=AfterCount(1), late=AfterCount(1)),
        accumulation_mode=AccumulationMode.ACCUMULATING,
        allowed_lateness=100,
    )
    totals = pipeline | stream | beam.Map(_same).with_output_types(tuple[str, int]) | windows
    assert_that(totals | beam.CombinePerKey(sum), equal_to([("k", n) for n in (1, 3, 3, 6)]))


def _same(pair: tuple[str, int]) -> tuple[str, int]:
    return pair


def test_sessions_merge_before_state(pipeline: beam.Pipeline) -> None:
    stream = numbers((1, 1), (2, 5)).advance_watermark_to(30).add_elements([(("k", 4))])
    keyed = pipeline | stream.advance_watermark_to_infinity()
    typed = keyed | beam.Map(_same).with_output_types(tuple[str, int])
    sums = typed | beam.WindowInto(Sessions(10)) | beam.CombinePerKey(sum)
    seen = sums | beam.ParDo(EveryState())
    assert_that(seen | beam.Map(lambda found: found[3]), equal_to([3, 4]))


def test_windowed_side_inputs_are_waited_for(pipeline: beam.Pipeline) -> None:
    stream = (
        Stream(output_tags={"main", "side"})
        .add_elements([TimestampedValue(1, 1), TimestampedValue(11, 11)], tag="main")
        .add_elements([TimestampedValue("x", 2)], tag="side")
        .advance_watermark_to(10, tag="side")
        .add_elements([TimestampedValue("y", 12)], tag="side")
        .advance_watermark_to_infinity(tag="side")
        .advance_watermark_to_infinity(tag="main")
    )
    found = pipeline | stream
    main = found["main"] | "main" >> beam.WindowInto(FixedWindows(10))
    side = found["side"] | "side" >> beam.WindowInto(FixedWindows(10))
    pairs = side | beam.Map(lambda text: (text, text * 2))
    one = main | "one" >> beam.Map(lambda n, s: (n, s), beam.pvalue.AsSingleton(side))
    some = main | "some" >> beam.Map(lambda n, s: (n, list(s)), beam.pvalue.AsIter(side))
    named = main | "named" >> beam.Map(lambda n, s: (n, dict(s)), beam.pvalue.AsDict(pairs))
    many = main | "many" >> beam.Map(lambda n, s: (n, [*s["x"]]), beam.pvalue.AsMultiMap(pairs))
    assert_that(one, equal_to([(1, "x"), (11, "y")]), "one is")
    assert_that(some, equal_to([(1, ["x"]), (11, ["y"])]), "some are")
    assert_that(named, equal_to([(1, {"x": "xx"}), (11, {"y": "yy"})]), "named are")
    assert_that(many, equal_to([(1, ["xx"]), (11, [])]), "many are")


def test_a_slowly_changing_side_input_is_read_as_it_is_now(pipeline: beam.Pipeline) -> None:
    stream = Stream(output_tags={"main", "side"})
    for number in (1, 2):
        stream = stream.add_elements([f"v{number}"], tag="side").add_elements([number], tag="main")
    stream = stream.advance_watermark_to_infinity(tag="side")
    found = pipeline | stream.advance_watermark_to_infinity(tag="main")
    side = found["side"] | beam.WindowInto(
        GlobalWindows(),
        trigger=Repeatedly(AfterCount(1)),
        accumulation_mode=AccumulationMode.DISCARDING,
    )
    seen = found["main"] | beam.Map(lambda n, s: (n, s), beam.pvalue.AsSingleton(side))
    assert_that(seen, equal_to([(1, "v1"), (2, "v2")]))


class Counted(beam.RestrictionProvider):
    def initial_restriction(self, element: int) -> OffsetRange:
        return OffsetRange(0, element)

    def create_tracker(self, restriction: OffsetRange) -> OffsetRestrictionTracker:
        return OffsetRestrictionTracker(restriction)

    def restriction_size(self, element: int, restriction: OffsetRange) -> int:
        return int(restriction.size())

    def truncate(self, element: int, restriction: OffsetRange) -> OffsetRange:
        return OffsetRange(restriction.start, min(restriction.stop, 2))


RESTRICTION = beam.DoFn.RestrictionParam(Counted())


class Counting(beam.DoFn):
    """Emits 0, 1, 2 and puts off the rest after every third."""

    def process(self, element: int, tracker: Any = RESTRICTION) -> Iterator[tuple[str, int]]:
        number = tracker.current_restriction().start
        while tracker.try_claim(number):
            yield "k", number
            number += 1
            if number % 3 == 0:
                tracker.defer_remainder(Duration(0.01))
                return


def test_a_splittable_dofn_goes_on_where_it_put_off(pipeline: beam.Pipeline) -> None:
    counted = pipeline | beam.Create([4, 7]) | beam.ParDo(Counting()) | beam.GroupByKey()
    numbers = counted | beam.Map(lambda group: sorted(group[1]))
    assert_that(numbers, equal_to([sorted([*range(4), *range(7)])]))


def test_a_periodic_impulse_comes_window_by_window(pipeline: beam.Pipeline) -> None:
    now = Timestamp.now()
    ticks = pipeline | PeriodicImpulse(now, now + 0.6, 0.2, apply_windowing=True)
    counts = ticks | beam.Map(lambda _: ("k", 1)) | beam.CombinePerKey(sum) | beam.Values()
    assert_that(counts, equal_to([1, 1, 1]))


def test_text_is_read_and_written(pipeline: beam.Pipeline, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("a\nb\n")
    lines = pipeline | beam.io.ReadFromText(str(tmp_path / "in"))
    lines | beam.io.WriteToText(str(tmp_path / "out"))
    pipeline.run().wait_until_finish()
    assert sorted("".join(p.read_text() for p in tmp_path.glob("out*")).split()) == ["a", "b"]


def test_a_job_that_begins_in_its_drain_truncates_what_it_would_process() -> None:
    with beam.Pipeline(LocalRunner(is_drain=True)) as pipeline:
        numbers = pipeline | beam.Create([1, 7]) | beam.ParDo(Counting()) | beam.Values()
        assert_that(numbers, equal_to([0, 0, 1]))


def test_the_one_pane_of_bounded_input_is_known_to_be_the_last(pipeline: beam.Pipeline) -> None:
    groups = pipeline | beam.Create([("k", 1)]) | beam.GroupByKey()
    panes = groups | beam.Map(lambda _, pane=beam.DoFn.PaneInfoParam: (pane.is_last, pane.index))
    assert_that(panes, equal_to([(True, 0)]))
