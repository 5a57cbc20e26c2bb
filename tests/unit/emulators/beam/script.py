"""A scripted subscription with a clock turned by hand: whole jobs in milliseconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from google.pubsub_v1.types import PubsubMessage, ReceivedMessage

from localgcp.beam import LocalRunner
from localgcp.beam.acks import LeaseKeeper
from localgcp.beam.errors import LocalRunnerError
from localgcp.beam.job import Job
from localgcp.beam.source import Limits, Reader
from localgcp.beam.subscriber import Polled, Subscriber

START = 1_760_000_000.0
"""Where the clock starts: the start of a 10 s window. Times in tests are seconds after it."""


@dataclass(frozen=True)
class Message:
    """A message published `at` seconds after START."""

    data: str
    at: float
    message_id: str = ""

    def received(self, ack_id: str) -> Any:
        stamp = {"seconds": int(START + self.at), "nanos": int(self.at % 1 * 1e9)}
        message = PubsubMessage(
            data=self.data.encode(), message_id=self.message_id or self.data, publish_time=stamp
        )
        return ReceivedMessage.pb()(ack_id=ack_id, message=PubsubMessage.pb(message))


@dataclass(frozen=True)
class Seen:
    """What was so when a step of the script began."""

    acked: int
    outstanding: int
    watermark: float
    """The job's, in seconds after START."""
    panes: list[list[str]]
    stalled: str | None
    """The status page's word."""


class Killed(LocalRunnerError):
    """Stands for a kill: the job ends here, with nothing put in order."""


KILL = Killed("killed")
AWAY = "away"

Step = list[Message] | float | Killed | str
"""A pull's messages, an empty pull at that time, the end of the process, or that of Pub/Sub."""


@dataclass
class Script:
    """Stands where the Subscriber is; drains the job when its steps are over."""

    steps: list[Step]
    subscription: str = "scripted"
    now: float = START
    ack_ids: list[str] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    reader: Reader | None = None
    job: Job | None = None
    panes: list[list[str]] = field(default_factory=list)
    delivered: int = 0
    away: bool = False
    """Whether Pub/Sub is gone, which it is from AWAY on."""
    begun: threading.Event = field(default_factory=threading.Event)
    """The job is there to be asked."""

    def poll(self, limit: int, wait: float) -> Polled:
        assert self.reader is not None
        assert self.begun.wait(30)
        self.look()
        if not self.steps:
            self.reader.draining = True
            return Polled()
        step = self.steps.pop(0)
        if isinstance(step, Killed):
            raise step
        if step == AWAY:
            until = time.monotonic() + 10
            while len(self.ack_ids) < self.reader.acked and time.monotonic() < until:
                time.sleep(0.001)
            self.away = True
        if isinstance(step, float | str):
            return Polled(empty=not self.away)
        return Polled([message.received(self._ack_id()) for message in step])

    def clock(self) -> float:
        """Seconds since the epoch; an empty pull begins at its time."""
        if self.steps and isinstance(self.steps[0], float):
            self.now = START + self.steps[0]
        return self.now

    def look(self) -> None:
        """Note how things are."""
        assert self.reader is not None
        self.seen.append(
            Seen(
                self.reader.acked,
                self.reader.outstanding,
                float(self.reader.watermark.value) - START,
                list(self.panes),
                self.job.status()["stalled"] if self.job else None,
            )
        )

    def _ack_id(self) -> str:
        self.delivered += 1
        return f"ack-{self.delivered}"

    def acknowledge(self, ack_ids: list[str]) -> bool:
        if self.away:
            return False
        self.ack_ids.extend(ack_ids)
        return True

    def extend(self, ack_ids: list[str], seconds: int) -> bool:
        return not self.away

    def trouble(self) -> None:
        pass

    def close(self) -> None:
        pass


def play(
    build: Callable[[Any], Any],
    *steps: Step,
    most: int = 1000,
    now: float = 0.0,
    state: Path | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    started: Callable[[Script], None] | None = None,
) -> Script:
    """Run a job over the steps; `build` takes the messages' data and gives (key, lines) panes.

    `state` is the folder of what the job keeps; a job that is killed is another job's past.
    `monotonic` is the clock of pauses and of a drain's patience. `started` is told before the first
    step.
    """
    script = Script(list(steps), now=START + now)
    limits = Limits(1000, 0.001, most, 1 << 30)

    def connect(step: str, source: Any, options: Any) -> Reader:
        subscriber = cast(Subscriber, script)  # it has all that is called
        keeper = LeaseKeeper(subscriber, 20)
        keeper.start()
        script.reader = Reader(source, subscriber, keeper, limits, clock=script.clock)
        return script.reader

    options = ["--streaming", *(["--state_dir", str(state)] if state else [])]
    pipeline = beam.Pipeline(LocalRunner(connect, monotonic=monotonic), PipelineOptions(options))
    data = pipeline | beam.io.ReadFromPubSub(subscription="projects/scripted/subscriptions/one")
    panes = build(data | "text" >> beam.Map(bytes.decode).with_output_types(str))
    if panes is not None:
        panes | "collect" >> beam.ParDo(Collect(_register(script.panes)))
    script.job = pipeline.run()
    if started is not None:
        started(script)
    script.begun.set()
    with suppress(Killed):
        script.job.wait_until_finish()
    return script


_collected: list[list[list[str]]] = []


def _register(panes: list[list[str]]) -> int:
    _collected.append(panes)
    return len(_collected) - 1


class Collect(beam.DoFn):
    """Keeps each pane's lines where the test finds them."""

    def __init__(self, index: int) -> None:
        self._index = index

    def process(self, pane: tuple[str, Iterable[str]]) -> Iterator[None]:
        _collected[self._index].append(sorted(pane[1]))
        return iter(())
