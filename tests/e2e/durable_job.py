"""The job with state that the kill test kills: counts each key's messages, and writes batches.

`python -m tests.e2e.durable_job SUBSCRIPTION FOLDER [options]`
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.userstate import CombiningValueStateSpec

from localgcp.beam import LocalRunner
from tests.e2e.local_runner_job import WriteFile

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
    counted | beam.GroupIntoBatches(BATCH, SECONDS) | beam.ParDo(WriteFile(folder))
    return 0 if pipeline.run().wait_until_finish() == "DONE" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
