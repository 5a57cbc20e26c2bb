"""3 · Starts the job: `python -m pipeline.main [--runner LocalRunner|DirectRunner|DataflowRunner]`.

Messages arrive at `graph.build`, which shows where they go.
"""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.io.gcp.pubsub import ReadFromPubSub
from apache_beam.options.pipeline_options import (
    GoogleCloudOptions,
    PipelineOptions,
    StandardOptions,
    WorkerOptions,
)
from apache_beam.runners.runner import PipelineResult, PipelineRunner, PipelineState

import settings
from event_types import registry
from pipeline import graph
from pipeline.bigquery_sink import SINKS
from pipeline.insertion import Target
from telemetry import Exporting

DONE, FAILED, MISUSED = range(3)
LINE = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s"
# A bundle makes tens of thousands of objects, and few of them are garbage in cycles.
YOUNG_OBJECTS = 50_000
# A number of three digits names an object; more shards than that would be wider from the first.
MAX_SHARDS = 999
# Dataflow, "Set the pipeline streaming mode".
AT_LEAST_ONCE = "streaming_mode_at_least_once"

log = logging.getLogger("pipeline")


class JobOptions(PipelineOptions):
    """Options of this job: each overrides a variable, which a template's launcher is not given."""

    VARIABLES = (
        "environment",
        "log_level",
        "window_seconds",
        "max_event_bytes",
        "table_wait_seconds",
        "schema_contract",
        "otel_exporter_otlp_endpoint",
    )

    SCALE = ("sink", "file_shards", "at_least_once")
    """What a job of more events a second changes (docs/scale.md); no variable stands for these."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        for name in cls.VARIABLES:
            parser.add_argument(f"--{name}", help=f"Overrides the variable {name.upper()}.")
        # Checked by `Scale`, which names option and value; a launcher passes each as --name=value.
        parser.add_argument("--sink", default=SINKS[0], help=f"One of {', '.join(SINKS)}.")
        parser.add_argument(
            "--file_shards", default="1", help="Objects a minute and window, 1-999."
        )
        parser.add_argument(
            "--at_least_once",
            nargs="?",
            const="true",
            default="false",
            help="Dataflow's cheaper streaming mode, with duplicates: true or false.",
        )

    def environ(self) -> dict[str, str]:
        """The options that were given, as the variables they stand for."""
        given = {name.upper(): getattr(self, name) for name in self.VARIABLES}
        given["PROJECT_ID"] = self.view_as(GoogleCloudOptions).project
        return {name: value for name, value in given.items() if value}


class Misused(ValueError):
    """The command line can't be followed."""


@dataclass(frozen=True)
class Scale:
    """The options that a job of more events a second changes, checked."""

    sink: str
    file_shards: int
    at_least_once: bool

    @classmethod
    def of(cls, options: JobOptions, runner: str) -> Scale:
        """Read the options for a runner. Raises Misused, naming option and value."""
        if options.sink not in SINKS:
            raise Misused(f"--sink {options.sink}: expected {' or '.join(SINKS)}")
        on_dataflow = runner == "DataflowRunner"  # whose workers are in the cloud
        shards = options.file_shards
        if not (shards.isascii() and shards.isdigit() and 1 <= int(shards) <= MAX_SHARDS):
            raise Misused(f"--file_shards {shards}: expected a whole number, 1 to {MAX_SHARDS}")
        if options.at_least_once not in ("true", "false"):
            raise Misused(f"--at_least_once {options.at_least_once}: expected true or false")
        at_least_once = options.at_least_once == "true"
        if at_least_once and not on_dataflow:
            raise Misused(f"--at_least_once true: a mode of DataflowRunner, not of {runner}")
        return cls(options.sink, int(shards), at_least_once)


def runner(name: str) -> PipelineRunner:
    """The runner called `name`. Raises Misused."""
    if name == "LocalRunner":
        from localgcp.beam import LocalRunner

        return LocalRunner(connect=connect)
    if name in ("DirectRunner", "BundleBasedDirectRunner"):
        # Plain DirectRunner would first try to download another runner.
        from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner

        return BundleBasedDirectRunner()
    if name == "DataflowRunner":
        from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner

        return DataflowRunner()
    raise Misused(f"--runner {name}: expected LocalRunner, DirectRunner or DataflowRunner")


def connect(step: str, source: Any, options: PipelineOptions) -> Any:
    """Open a subscription for the local runner, watched where spans are asked for."""
    from localgcp.beam.connect import open_reader
    from pipeline.tracing import PullsAndAcks

    exporting = exporting_of(options.view_as(JobOptions))
    return open_reader(step, source, options, PullsAndAcks(exporting) if exporting else None)


def exporting_of(options: JobOptions) -> Exporting | None:
    """Where the job's spans go. Raises InvalidSetting."""
    here = settings.load(settings.child_environ(options.environ()))
    return Exporting.of(here, here.job)


def refuse_unknown(options: PipelineOptions) -> None:
    """Look for options that nobody reads.

    Raises Misused for an option that Beam would leave unread, such as one misspelt.
    """
    known = options.get_all_options(display_warnings=False)
    given = options.get_all_options(display_warnings=False, retain_unknown_options=True)
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise Misused(f"unknown option --{', --'.join(unknown)}")


def configure(
    options: JobOptions, runner: str = "LocalRunner", streaming: bool = True
) -> tuple[settings.Settings, graph.Config]:
    """Complete Beam's options and gather the graph's values. Raises InvalidSetting, Misused."""
    here = settings.load(settings.child_environ(options.environ()))
    scale = Scale.of(options, runner)
    options.view_as(StandardOptions).streaming = streaming
    cloud = options.view_as(GoogleCloudOptions)
    cloud.project, cloud.region = here.project_id, cloud.region or here.region
    cloud.job_name = cloud.job_name or here.job
    if scale.at_least_once:
        cloud.dataflow_service_options = [*(cloud.dataflow_service_options or []), AT_LEAST_ONCE]
    workers = options.view_as(WorkerOptions)
    workers.default_sdk_harness_log_level = workers.default_sdk_harness_log_level or here.log_level
    return here, graph.Config(
        event_types=registry.ALL,
        tables=Target(
            here.project_id,
            here.dataset,
            here.table_requests_topic,
            here.table_wait_seconds,
            contract=here.schema_contract,
            sink=scale.sink,
            write_api=None if runner == "DataflowRunner" else here.write_api,
            exporting=Exporting.of(here, here.job),
        ),
        bucket=here.bucket,
        window_seconds=here.window_seconds,
        max_event_bytes=here.max_event_bytes,
        subscription=here.subscription,
        exporting=Exporting.of(here, here.job),
        file_shards=scale.file_shards,
    )


def assemble(argv: Sequence[str]) -> tuple[beam.Pipeline, settings.Settings, str]:
    """The pipeline, ready to run, and its runner's name. Raises Misused, InvalidSetting."""
    options = JobOptions(list(argv))
    name = options.view_as(StandardOptions).runner or "LocalRunner"
    chosen = runner(name)
    if name != "DataflowRunner":  # it passes on what only the service knows
        refuse_unknown(options)
    here, config = configure(options, name)
    pipeline = beam.Pipeline(chosen, options)
    messages = pipeline | "Read" >> ReadFromPubSub(
        subscription=here.subscription, with_attributes=True
    )
    graph.build(messages, config)
    return pipeline, here, name


def log_lines() -> None:
    """Have each line of the log bear its time, in UTC."""
    logging.basicConfig(level="WARNING", format=LINE, datefmt="%Y-%m-%dT%H:%M:%S")
    for handler in logging.getLogger().handlers:
        if handler.formatter is not None:
            handler.formatter.converter = time.gmtime


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job. Returns the exit code: DONE (or handed to Dataflow), FAILED or MISUSED."""
    log_lines()
    try:
        pipeline, here, name = assemble(sys.argv[1:] if argv is None else argv)
    except (settings.InvalidSetting, Misused) as error:
        print(f"pipeline: {error}", file=sys.stderr)  # noqa: T201
        return MISUSED
    log.setLevel(here.log_level)
    log.info("job %s on %s: reading %s", here.job, name, here.subscription)
    if name == "DataflowRunner":
        # Here Beam names the job's page.
        logging.getLogger("apache_beam.runners.dataflow").setLevel(here.log_level)
        pipeline.run()
        return DONE
    return run_to_the_end(pipeline)


def run_to_the_end(pipeline: beam.Pipeline) -> int:
    """Run here until a signal drains the job, or it fails. Returns the exit code."""
    # Imported late, because that registers options that no other runner reads.
    from localgcp.beam.errors import LocalRunnerError

    # What the imports and the graph made stays for good; a collection need not look at it again.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    try:
        result: PipelineResult = pipeline.run()
        state = result.wait_until_finish()
    except LocalRunnerError as error:
        log.error("job failed: %s", error)
        return FAILED
    log.info("job ended: %s", state)
    return DONE if state == PipelineState.DONE else FAILED


if __name__ == "__main__":
    sys.exit(main())
