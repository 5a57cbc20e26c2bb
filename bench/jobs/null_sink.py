"""A Beam job from a subscription into nowhere: each event is validated and counted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage, ReadFromPubSub
from apache_beam.options.pipeline_options import PipelineOptions

from bench.jobs import tally
from bench.wire import SENT
from event_types.validate import validate
from pipeline.main import run_to_the_end, runner


class Validate(beam.DoFn):  # type: ignore[misc] # apache_beam is untyped
    """A message in; when it was published, or None if it does not tell, out."""

    def process(self, message: PubsubMessage) -> Iterator[float | None]:
        """Validate one message and count it. Raises InvalidEvent."""
        validate(message.data)
        sent = message.attributes.get(SENT)
        yield float(sent) if sent else None


class Sink(beam.DoFn):  # type: ignore[misc] # apache_beam is untyped
    """Keeps nothing but count."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def start_bundle(self) -> None:
        """Count from zero."""
        self._count, self._sent = 0, list[float]()

    def process(self, sent: float | None) -> None:
        """Count one."""
        self._count += 1
        if sent is not None:
            self._sent.append(sent)

    def finish_bundle(self) -> None:
        """Tell the tally."""
        if self._count:
            tally.say(self._path, self._count, self._sent)


def main(name: str, subscription: str, path: str) -> int:
    """Run until killed; `name` is a runner that `pipeline.main` knows, `path` the tally's."""
    logging.basicConfig(level="WARNING")
    pipeline = beam.Pipeline(runner(name), PipelineOptions(["--streaming"]))
    (
        pipeline
        | ReadFromPubSub(subscription=subscription, with_attributes=True)
        | beam.ParDo(Validate())
        | beam.ParDo(Sink(path))
    )
    return run_to_the_end(pipeline)
