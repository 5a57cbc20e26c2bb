"""What outlives a kill, and when a message is acked where the job keeps state: scripted jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.coders import StrUtf8Coder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, AfterWatermark
from apache_beam.transforms.userstate import (
    BagStateSpec,
    CombiningValueStateSpec,
    TimerSpec,
    on_timer,
)
from apache_beam.transforms.window import FixedWindows

from localgcp.beam.durable.plan import Plan
from localgcp.beam.durable.store import Store
from localgcp.beam.durable.translate import translate
from localgcp.beam.errors import StateOfAnother, StoreBusy, StoreUnusable
from tests.unit.emulators.beam.script import KILL, Killed, Message, Step, play

OPEN_FILES = Path("/proc/self/fd")

failures: list[Exception] = []


TOTAL = beam.DoFn.StateParam(CombiningValueStateSpec("total", sum))
BAG = beam.DoFn.StateParam(BagStateSpec("bag", StrUtf8Coder()))
END = TimerSpec("end", TimeDomain.WATERMARK)
SET_END = beam.DoFn.TimerParam(END)


class Count(beam.DoFn):
    """Counts a key's messages, and fails as the list says."""

    def process(self, pair: tuple[str, str], total: Any = TOTAL) -> Iterator[tuple[str, list[str]]]:
        total.add(1)
        if failures:
            raise failures.pop()
        yield pair[0], [str(total.read())]


def counted(data: Any) -> Any:
    keyed = data | beam.Map(lambda text: ("key", text)).with_output_types(tuple[str, str])
    return keyed | "count" >> beam.ParDo(Count())


class FlushAtTheEnd(beam.DoFn):
    """Keeps a window's messages until a timer at its end."""

    def process(
        self,
        pair: tuple[str, str],
        bag: Any = BAG,
        end: Any = SET_END,
        window: Any = beam.DoFn.WindowParam,
    ) -> None:
        bag.add(pair[1])
        end.set(window.end)

    @on_timer(END)
    def flush(self, bag: Any = BAG) -> Iterator[tuple[str, list[str]]]:
        yield "key", list(bag.read())
        bag.clear()


def flushed(data: Any) -> Any:
    keyed = data | beam.Map(lambda text: ("key", text)).with_output_types(tuple[str, str])
    return keyed | beam.WindowInto(FixedWindows(10)) | "keep" >> beam.ParDo(FlushAtTheEnd())


def accumulated(data: Any) -> Any:
    windows = beam.WindowInto(
        FixedWindows(10),
        trigger=AfterWatermark(early=AfterCount(2)),
        accumulation_mode=AccumulationMode.ACCUMULATING,
    )
    keyed = data | beam.Map(lambda text: ("key", text)).with_output_types(tuple[str, str])
    return keyed | windows | beam.GroupByKey()


def beside_a_slow_side_input(data: Any) -> Any:
    """Each message that is no digit goes with the digit of its 10 s."""
    windowed = data | beam.WindowInto(FixedWindows(10))
    digits = windowed | "digits" >> beam.Filter(str.isdigit)
    letters = windowed | "letters" >> beam.Filter(str.isalpha)
    return letters | beam.Map(
        lambda letter, digit: (letter, [letter + digit]), beam.pvalue.AsSingleton(digits)
    )


def test_a_message_is_acked_as_soon_as_the_state_has_it(tmp_path: Path) -> None:
    script = play(flushed, [Message("a", 1)], 5.0, state=tmp_path)
    assert [seen.acked for seen in script.seen] == [0, 1, 1]
    assert script.panes == [["a"]]


def test_state_outlives_a_kill(tmp_path: Path) -> None:
    assert play(counted, [Message("a", 1)], KILL, state=tmp_path).panes == [["1"]]
    assert play(counted, [Message("b", 2)], KILL, state=tmp_path).panes == [["2"]]


def test_a_message_that_comes_again_after_a_kill_is_acked_and_not_counted(tmp_path: Path) -> None:
    play(counted, [Message("a", 1)], KILL, state=tmp_path)
    script = play(counted, [Message("a", 1), Message("b", 2)], KILL, state=tmp_path)
    assert script.panes == [["2"]]
    assert sorted(script.ack_ids) == ["ack-1", "ack-2"]


def test_what_was_under_way_at_a_kill_is_not_acked_and_changes_nothing(tmp_path: Path) -> None:
    failures.append(Killed("killed"))
    assert play(counted, [Message("a", 1)], state=tmp_path).ack_ids == []
    assert play(counted, [Message("a", 1)], KILL, state=tmp_path).panes == [["1"]]


def test_a_bundle_that_fails_leaves_its_state_as_it_was(tmp_path: Path) -> None:
    failures.extend([ConnectionError("away"), ConnectionError("away")])
    script = play(counted, [Message("a", 1)], *[5.0] * 9, state=tmp_path)
    assert script.panes == [["1"]]
    assert script.ack_ids == ["ack-1"]


@pytest.mark.parametrize(
    ("build", "before", "after", "panes"),
    [
        (flushed, [[Message("a", 1)], [Message("b", 2)]], [10.1], [["a", "b"]]),
        (accumulated, [[Message("a", 1), Message("b", 2)]], [10.1], [["a", "b"]]),
        (beside_a_slow_side_input, [[Message("1", 1)]], [[Message("a", 2)], 10.1], [["a1"]]),
    ],
    ids=["a timer", "a window", "a side input"],
)  # fmt: skip
def test_it_waits_over_a_kill(
    build: Any, before: list[Step], after: list[Step], panes: list[list[str]], tmp_path: Path
) -> None:
    play(build, *before, KILL, state=tmp_path)
    assert play(build, *after, KILL, state=tmp_path).panes == panes


def test_a_message_that_waits_for_its_side_input_is_not_acked(tmp_path: Path) -> None:
    script = play(
        beside_a_slow_side_input, [Message("a", 1)], [Message("1", 2)], 10.1, state=tmp_path
    )
    assert [seen.acked for seen in script.seen[:3]] == [0, 1, 2]
    assert script.panes == [["a1"]]


def test_a_drained_job_leaves_nothing_behind(tmp_path: Path) -> None:
    play(counted, [Message("a", 1)], state=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert play(counted, [Message("b", 2)], state=tmp_path).panes == [["1"]]


def test_state_of_another_graph_is_refused_by_name(tmp_path: Path) -> None:
    play(counted, [Message("a", 1)], KILL, state=tmp_path)
    with pytest.raises(StateOfAnother, match=r"one\.sqlite holds the state of another graph"):
        play(flushed, state=tmp_path)


@pytest.mark.parametrize(
    ("build", "before", "after", "panes"),
    [
        (flushed, [[Message("a", 1)]], [10.1], [["a"]]),
        (beside_a_slow_side_input, [[Message("a", 1)]], [[Message("1", 2)], 10.1], [["a1"]]),
    ],
    ids=["a timer", "a bundle"],
)
def test_what_it_kept_is_found_though_beam_names_its_stages_otherwise(
    build: Any,
    before: list[Step],
    after: list[Step],
    panes: list[list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play(build, *before, KILL, state=tmp_path)

    def otherwise(pipeline: Any, options: Any) -> Plan:
        """Stages are fused in the order of sets, which is another in another process."""
        plan = translate(pipeline, options)
        plan.stages = [replace(stage, name=f"{stage.name} again") for stage in plan.stages]
        return plan

    monkeypatch.setattr("localgcp.beam.durable.build.translate", otherwise)
    assert play(build, *after, KILL, state=tmp_path).panes == panes


def test_a_store_has_one_job_at_a_time(tmp_path: Path) -> None:
    store = Store(tmp_path / "one.sqlite")
    with pytest.raises(StoreBusy, match="another job runs on this state"):
        play(counted, state=tmp_path)
    store.close()


@pytest.mark.skipif(not OPEN_FILES.exists(), reason="the system does not tell what is open")
def test_a_file_that_is_no_store_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "one.sqlite"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(StoreUnusable, match="not a database") as refused:
        Store(path)
    # What a traceback holds on to is closed all the same.
    assert refused.traceback
    assert path not in [each.resolve() for each in OPEN_FILES.iterdir()]
