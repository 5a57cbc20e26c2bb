"""How long a drain may take: as long as it gets on, on either engine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineState
from apache_beam.transforms.periodicsequence import PeriodicImpulse
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from localgcp.beam import LocalRunner
from localgcp.beam.control import Attempts, Control
from localgcp.beam.drain import Drain
from localgcp.beam.errors import DrainTimedOut
from tests.unit.emulators.beam.script import Message, Script, play

PATIENCE = 60.0
"""The default of --drain_timeout_seconds."""

SEEN = beam.DoFn.StateParam(BagStateSpec("seen", VarIntCoder()))
TIMER = TimerSpec("again", TimeDomain.REAL_TIME)
AGAIN = beam.DoFn.TimerParam(TIMER)


class Hand:
    """A clock turned by hand, here by user code: it goes on by itself, but slowly."""

    def __init__(self) -> None:
        self.now = 0.0
        self.engine: Any = None
        self.asked = self.given_up = 0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now

    def take(self, seconds: float) -> None:
        """A call of so long; the waiting thread looks as it begins and as it ends."""
        self.engine.drain()
        self.asked += 1
        try:
            self.engine.check_drain()
            self.now += seconds
            self.engine.check_drain()
        except DrainTimedOut:
            self.given_up += 1


hand = Hand()
begun = threading.Event()


@pytest.fixture(autouse=True)
def new_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    hand.__init__()  # type: ignore[misc]
    # The waiting thread looks where `take` lets it, and not besides, whenever it is its turn.
    monkeypatch.setattr("localgcp.beam.job.STUCK_SECONDS", float("inf"))


class Slow(beam.DoFn):
    """Takes its time for each message, and fails at the messages called `fail`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def process(self, text: str) -> Iterator[tuple[str, list[str]]]:
        hand.take(self._seconds)
        if text == "fail":
            raise ConnectionError("away")
        yield "key", [text]


class SlowWithState(beam.DoFn):
    """The same on the durable engine."""

    def __init__(self, seconds: float) -> None:
        self._slow = Slow(seconds)

    def process(self, pair: tuple[str, str], seen: Any = SEEN) -> Iterator[tuple[str, list[str]]]:
        seen.add(1)
        yield from self._slow.process(pair[1])


def plain(seconds: float) -> Any:
    return lambda data: data | beam.ParDo(Slow(seconds))


def durable(seconds: float) -> Any:
    def build(data: Any) -> Any:
        keyed = data | beam.Map(lambda text: ("key", text)).with_output_types(tuple[str, str])
        return keyed | beam.ParDo(SlowWithState(seconds))

    return build


def drained(build: Any, *texts: str, tmp_path: Any) -> Script:
    """A job that is drained while the messages, of one pull, are processed."""
    messages = [Message(text, number, f"m{number}") for number, text in enumerate(texts)]
    return play(build, messages, state=tmp_path, monotonic=hand, started=_engine)


def _engine(script: Script) -> None:
    assert script.job is not None
    hand.engine = script.job._engine


both = pytest.mark.parametrize("slow", [plain, durable])


@both
def test_a_drain_may_take_as_long_as_it_gets_on(slow: Any, tmp_path: Any) -> None:
    script = drained(slow(PATIENCE - 1), *"abcde", tmp_path=tmp_path)
    assert script.panes == [[text] for text in "abcde"]
    assert hand.now > 4 * PATIENCE
    assert not hand.given_up


@both
def test_one_call_that_takes_too_long_is_given_up(slow: Any, tmp_path: Any) -> None:
    drained(slow(PATIENCE + 1), "a", tmp_path=tmp_path)
    assert hand.given_up == 1


@both
def test_what_fails_again_at_the_same_place_is_no_progress(slow: Any, tmp_path: Any) -> None:
    with pytest.raises(DrainTimedOut, match=r"got nothing done in 60 s .* 1 bundles still fail"):
        drained(slow(PATIENCE - 1), "a", "fail", tmp_path=tmp_path)
    assert hand.asked == 4, "both messages, and both of them once more"


class Again(beam.DoFn):
    """Sets a timer by the clock again and again."""

    def process(self, pair: tuple[str, str], again: Any = AGAIN) -> Iterator[tuple[str, list[str]]]:
        again.set(Timestamp.now())
        yield "key", [pair[1]]

    @on_timer(TIMER)
    def fire(self, again: Any = AGAIN) -> None:
        again.set(Timestamp.now() + 0.05)
        hand.take(PATIENCE / 3)


def test_a_timer_that_sets_itself_again_does_not_keep_a_drain_going(tmp_path: Any) -> None:
    def build(data: Any) -> Any:
        keyed = data | beam.Map(lambda text: ("key", text)).with_output_types(tuple[str, str])
        return keyed | beam.ParDo(Again())

    with pytest.raises(DrainTimedOut):
        drained(build, "a", tmp_path=tmp_path)
    assert hand.asked < 10


def test_a_drain_begins_once_and_is_patient_from_each_move_on() -> None:
    drain = Drain(60, hand)
    hand.now = 1000.0
    assert not drain.stands_still()
    assert drain.begin()
    hand.now += 59
    assert not drain.begin()
    assert not drain.stands_still()
    drain.moved()
    hand.now += 61
    assert drain.stands_still()
    assert not drain.stands_still(grace=5)


def test_a_job_that_does_not_drain_has_all_time() -> None:
    control = Control([], 60, hand)
    control.done(Attempts("step"))
    hand.now += 1000
    control.check_drain()


def test_a_signal_drains_a_stream_that_reads_no_subscription() -> None:
    pipeline = beam.Pipeline(LocalRunner(), PipelineOptions(["--streaming"]))
    pipeline | PeriodicImpulse(fire_interval=0.01) | beam.Map(_note)
    job = pipeline.run()
    assert begun.wait(30)
    signal.raise_signal(signal.SIGTERM)
    assert job.wait_until_finish() == PipelineState.DONE


def _note(impulse: Any) -> None:
    begun.set()
