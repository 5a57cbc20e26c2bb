"""3 · Starts the job: `python -m pipeline.main [--runner LocalRunner|DirectRunner|DataflowRunner]`.

Messages arrive at `graph.build`, which shows where they go.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

import apache_beam as beam
from apache_beam.io.gcp.pubsub import ReadFromPubSub
from apache_beam.options.pipeline_options import (
    GoogleCloudOptions,
    PipelineOptions,
    StandardOptions,
    WorkerOptions,
)
from apache_beam.runners.runner import PipelineRunner, PipelineState

import settings
from event_types import registry
from pipeline import graph
from pipeline.bigquery_sink import Target

log = logging.getLogger("pipeline")
USAGE_ERROR = 2


class JobOptions(PipelineOptions):
    """Options of this job. Each stands in for an environment variable, which a template lacks."""

    VARIABLES = ("environment", "window_seconds", "max_event_bytes", "table_wait_seconds")

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        for name in cls.VARIABLES:
            parser.add_argument(f"--{name}", help=f"instead of the variable {name.upper()}")

    def environ(self) -> dict[str, str]:
        """The options that were given, as the variables they stand for."""
        given = {name.upper(): getattr(self, name) for name in self.VARIABLES}
        given["PROJECT_ID"] = self.view_as(GoogleCloudOptions).project
        return {name: value for name, value in given.items() if value}


class UnknownRunner(ValueError):
    """No runner that this job runs on has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"--runner {name}: expected LocalRunner, DirectRunner or DataflowRunner")


def runner(name: str) -> PipelineRunner:
    """The runner called `name`. Raises UnknownRunner."""
    if name == "LocalRunner":
        from pipeline.local_runner import LocalRunner

        return LocalRunner()
    if name in ("DirectRunner", "BundleBasedDirectRunner"):
        # Plain DirectRunner would first try to download another runner.
        from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner

        return BundleBasedDirectRunner()
    if name == "DataflowRunner":
        from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner

        return DataflowRunner()
    raise UnknownRunner(name)


def configure(options: PipelineOptions) -> tuple[settings.Settings, graph.Config]:
    """Complete Beam's options and gather the graph's values. Raises settings.InvalidSetting."""
    given = options.view_as(JobOptions).environ()
    here = settings.load(settings.child_environ(given))
    options.view_as(StandardOptions).streaming = True
    cloud = options.view_as(GoogleCloudOptions)
    cloud.project, cloud.region = here.project_id, cloud.region or here.region
    cloud.job_name = cloud.job_name or here.job
    workers = options.view_as(WorkerOptions)
    workers.default_sdk_harness_log_level = workers.default_sdk_harness_log_level or here.log_level
    return here, graph.Config(
        event_types=registry.ALL,
        tables=Target(here.project_id, here.dataset, here.table_wait_seconds),
        bucket=here.bucket,
        window_seconds=here.window_seconds,
        max_event_bytes=here.max_event_bytes,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; returns the exit code: 0 done or handed to Dataflow, 1 failed, 2 misused."""
    options = PipelineOptions(list(sys.argv[1:] if argv is None else argv))
    name = options.view_as(StandardOptions).runner or "LocalRunner"
    try:
        here, config = configure(options)
        pipeline = beam.Pipeline(runner=runner(name), options=options)
    except (settings.InvalidSetting, UnknownRunner) as error:
        print(f"pipeline: {error}", file=sys.stderr)  # noqa: T201
        return USAGE_ERROR
    logging.basicConfig(level=here.log_level, format="%(levelname)s %(name)s: %(message)s")
    messages = pipeline | "Read" >> ReadFromPubSub(
        subscription=here.subscription, with_attributes=True
    )
    graph.build(messages, config)
    result = pipeline.run()
    log.info("job %s on %s reads %s", here.job, name, here.subscription)
    if name == "DataflowRunner":
        return 0
    state = result.wait_until_finish()
    log.info("job %s ended: %s", here.job, state)
    return 0 if state == PipelineState.DONE else 1


if __name__ == "__main__":
    sys.exit(main())
