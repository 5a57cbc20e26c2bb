"""The job with state that the kill test kills: counts each key's messages, and writes batches.

`python -m tests.e2e.durable_job SUBSCRIPTION FOLDER [options]`
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.userstate import CombiningValueStateSpec

from localgcp.beam import LocalRunner

BATCH, SECONDS = 20, 1.0
TOTAL = beam.DoFn.StateParam(CombiningValueStateSpec("total", sum))


class Count(beam.DoFn):  # type: ignore[misc] # apache_beam is untyped
    """Appends the key and how many messages it had so far, by the state."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._lines: list[str] = []

    def start_bundle(self) -> None:
        self._lines = []

    def process(self, pair: tuple[str, str], total: Any = TOTAL) -> Iterator[tuple[str, str]]:
        total.add(1)
        self._lines.append(f"{pair[0]}:{total.read()}\n")
        yield pair

    def finish_bundle(self) -> None:
        with (self._folder / f"rows-{os.getpid()}").open("a") as rows:
            rows.write("".join(self._lines))


class WriteBatch(beam.DoFn):  # type: ignore[misc]
    """Writes the ids of one batch as one file, whole or not at all."""

    written = 0

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def process(self, batch: tuple[str, Iterable[str]]) -> Iterator[None]:
        WriteBatch.written += 1
        name = f"file-{os.getpid()}-{WriteBatch.written}"
        draft = self._folder / f"draft-{name}"
        draft.write_text("".join(f"{event_id}\n" for event_id in batch[1]))
        draft.rename(self._folder / name)
        return iter(())


def keyed(data: bytes) -> tuple[str, str]:
    event_id = data.decode()
    return f"key-{event_id[-1]}", event_id


def main(subscription: str, folder: str, options: list[str]) -> int:
    logging.basicConfig(level="INFO")
    state = ["--streaming", "--state_dir", f"{folder}/state"]
    pipeline = beam.Pipeline(LocalRunner(), PipelineOptions([*state, *options]))
    messages = pipeline | beam.io.ReadFromPubSub(subscription=subscription)
    counted = (
        messages
        | beam.Map(keyed).with_output_types(tuple[str, str])
        | beam.ParDo(Count(folder)).with_output_types(tuple[str, str])
    )
    counted | beam.GroupIntoBatches(BATCH, SECONDS) | beam.ParDo(WriteBatch(folder))
    return 0 if pipeline.run().wait_until_finish() == "DONE" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
