"""How bundles are run: DoFns that live long, retries, metrics, TestStream, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.testing.test_stream import TestStream as Stream
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, AfterWatermark
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from localgcp.beam import LocalRunner
from tests.unit.emulators.beam.script import Message, play

calls: list[str] = []


@pytest.fixture(autouse=True)
def no_calls() -> None:
    calls.clear()


class Recorder(beam.DoFn):
    """Notes its life, and fails when told; each instance has its own half-done bundle."""

    def __init__(self, failures: int = 0) -> None:
        self._failures = failures
        self._bundle: list[str] = []

    def setup(self) -> None:
        calls.append("setup")

    def start_bundle(self) -> None:
        calls.append("start")

    def process(self, text: str) -> Iterator[tuple[str, list[str]]]:
        self._bundle.append(text)
        Metrics.counter("recorder", "seen").inc()
        if calls.count("fail") < self._failures:
            calls.append("fail")
            raise ConnectionError("the table is not there yet")
        yield "key", [text]

    def finish_bundle(self) -> None:
        calls.append("finish " + " ".join(self._bundle))
        self._bundle = []

    def teardown(self) -> None:
        calls.append("teardown")


def test_a_dofn_is_set_up_once_for_all_bundles_and_torn_down_at_the_end() -> None:
    script = play(
        lambda data: data | beam.ParDo(Recorder()), [Message("a", 1)], [Message("b", 2)], 5.0
    )
    assert calls == ["setup", "start", "finish a", "start", "finish b", "teardown"]
    assert script.panes == [["a"], ["b"]]


def test_a_bundle_that_failed_runs_again_on_a_new_dofn_and_only_then_is_acked() -> None:
    script = play(
        lambda data: data | beam.ParDo(Recorder(failures=2)), [Message("a", 1)], *[5.0] * 2
    )
    failed = ["setup", "start", "fail", "teardown"]
    assert calls == [*failed, *failed, "setup", "start", "finish a", "teardown"]
    assert script.seen[1].outstanding == 1
    assert script.panes == [["a"]]
    assert script.ack_ids == ["ack-1"]


def test_what_fails_for_long_is_a_stall_that_names_step_and_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("localgcp.beam.job.STALLED_SECONDS", 0.0)
    script = play(
        lambda data: data | beam.ParDo(Recorder(failures=1)), [Message("a", 1)], *[5.0] * 2
    )
    failing = "ParDo(Recorder) fails, last by ConnectionError: the table is not there yet"
    assert failing in (script.seen[1].stalled or "")
    assert script.job is not None
    assert script.job.status()["stalled"] is None


def test_counters_count_committed_bundles_only() -> None:
    script = play(
        lambda data: data | beam.ParDo(Recorder(failures=2)), [Message("a", 1)], [Message("b", 2)]
    )
    assert script.job is not None
    assert script.job.status()["counters"] == {"recorder.seen": 2}


def late_stream() -> Any:
    return (
        Stream()
        .advance_watermark_to(0)
        .add_elements([TimestampedValue(("k", "a"), 1), TimestampedValue(("k", "b"), 2)])
        .advance_watermark_to(20)
        .add_elements([TimestampedValue(("k", "late"), 3)])
        .advance_watermark_to_infinity()
    )


@pytest.mark.parametrize("runner", [LocalRunner, BundleBasedDirectRunner, LocalRunner])
def test_a_test_stream_runs_alike_here_and_on_the_stock_runner(runner: Any) -> None:
    pipeline = beam.Pipeline(runner(), PipelineOptions(["--streaming"]))
    panes = (
        pipeline
        | late_stream()
        | beam.WindowInto(
            FixedWindows(10),
            trigger=AfterWatermark(late=AfterCount(1)),
            accumulation_mode=AccumulationMode.DISCARDING,
            allowed_lateness=100,
        )
        | beam.GroupByKey()
        | beam.Map(lambda pane: sorted(pane[1]))
    )
    assert_that(panes, equal_to([["a", "b"], ["late"]]))
    pipeline.run().wait_until_finish()


def test_side_inputs_wait_until_they_are_ready() -> None:
    with beam.Pipeline(LocalRunner()) as pipeline:
        side = pipeline | "side" >> beam.Create([1, 2, 3])
        sums = pipeline | beam.Create([10, 20]) | beam.Map(_plus, beam.pvalue.AsList(side))
        assert_that(sums, equal_to([16, 26]))


def _plus(number: int, others: list[int]) -> int:
    return number + sum(others)


def test_a_bounded_pipeline_that_fails_ends_with_the_error_after_four_attempts() -> None:
    pipeline = beam.Pipeline(LocalRunner())
    pipeline | beam.Create(["a"]) | beam.ParDo(Recorder(failures=9))
    with pytest.raises(ConnectionError, match="the table is not there yet"):
        pipeline.run().wait_until_finish()
    assert calls.count("fail") == 4


def test_a_bounded_pipeline_may_end_at_its_first_error() -> None:
    pipeline = beam.Pipeline(LocalRunner(), PipelineOptions(["--bounded_attempts=1"]))
    pipeline | beam.Create(["a"]) | beam.ParDo(Recorder(failures=9))
    with pytest.raises(ConnectionError, match="the table is not there yet"):
        pipeline.run().wait_until_finish()
    assert calls.count("fail") == 1


@pytest.mark.parametrize("options", [[], ["--streaming"]], ids=["batch", "streaming"])
def test_what_timers_emit_at_the_end_of_bounded_input_is_grouped_behind_them(
    options: list[str],
) -> None:
    """Each key's last batch comes from a timer at its window's end: 4 + 1 and 3 by two windows."""
    pipeline = beam.Pipeline(LocalRunner(), PipelineOptions(options))
    counted = (
        pipeline
        | beam.Create(range(8))
        | beam.Map(lambda number: TimestampedValue(("k", number), number))
        | beam.WindowInto(FixedWindows(5))
        | beam.GroupIntoBatches(4)
        | beam.Map(lambda batch: (batch[0], len(list(batch[1]))))
        | beam.GroupByKey()
        | beam.Map(lambda sizes: sorted(sizes[1]))
    )
    assert_that(counted, equal_to([[1, 4], [3]]))
    pipeline.run().wait_until_finish()
