"""The job that the kill test kills: rows and window files, each id written where it can be counted.

`python -m tests.e2e.local_runner_job SUBSCRIPTION FOLDER [options]`
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, AfterWatermark
from apache_beam.transforms.window import FixedWindows, TimestampCombiner

from localgcp.beam import LocalRunner

WINDOW_SECONDS = 1.5
LATENESS_SECONDS = 7 * 24 * 3600


class InsertRows(beam.DoFn):  # type: ignore[misc] # apache_beam is untyped
    """Appends the ids of a bundle, once it ends; an id that says so makes its bundle fail."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._ids: list[str] = []

    def start_bundle(self) -> None:
        self._ids = []

    def process(self, message: PubsubMessage) -> None:
        event_id = message.data.decode()
        if event_id.startswith("poison") and not (self._folder / "antidote").exists():
            raise ValueError(f"can't digest {event_id}")
        if event_id.startswith("stuck"):
            time.sleep(3600)
        self._ids.append(event_id)

    def finish_bundle(self) -> None:
        with (self._folder / f"rows-{os.getpid()}").open("a") as rows:
            rows.write("".join(f"{event_id}\n" for event_id in self._ids))


class WriteFile(beam.DoFn):  # type: ignore[misc] # apache_beam is untyped
    """Writes the ids of one pane, or of one batch, as one file, whole or not at all."""

    written = 0

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def process(self, pane: tuple[str, Iterable[str]]) -> Iterator[None]:
        WriteFile.written += 1
        name = f"file-{os.getpid()}-{WriteFile.written}"
        draft = self._folder / f"draft-{name}"
        draft.write_text("".join(f"{event_id}\n" for event_id in pane[1]))
        draft.rename(self._folder / name)
        return iter(())


def keyed(message: PubsubMessage) -> tuple[str, str]:
    event_id = message.data.decode()
    return f"key-{event_id[-1]}", event_id


def main(subscription: str, folder: str, options: list[str]) -> int:
    logging.basicConfig(level="INFO")
    pipeline = beam.Pipeline(LocalRunner(), PipelineOptions(["--streaming", *options]))
    messages = pipeline | beam.io.ReadFromPubSub(subscription=subscription, with_attributes=True)
    messages | beam.ParDo(InsertRows(folder))
    (
        messages
        | beam.Map(keyed).with_output_types(tuple[str, str])
        | beam.WindowInto(
            FixedWindows(WINDOW_SECONDS),
            trigger=AfterWatermark(late=AfterCount(1)),
            accumulation_mode=AccumulationMode.DISCARDING,
            allowed_lateness=LATENESS_SECONDS,
            timestamp_combiner=TimestampCombiner.OUTPUT_AT_EARLIEST,
        )
        | beam.GroupByKey()
        | beam.ParDo(WriteFile(folder))
    )
    state = pipeline.run().wait_until_finish()
    return 0 if state == "DONE" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
