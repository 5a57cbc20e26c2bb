"""3 · Replays raw files: `python -m pipeline.replay --from TIME --to TIME [--source gs://...|DIR]`.

The same graph, in batch: each line becomes its message again, is validated by today's types, and
is inserted. Tables and dead letters of the span are then replaced; the files stay as they are.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.runner import PipelineRunner, PipelineState
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery

import settings
from event_types.dead_letter import Reason
from pipeline import graph, raw
from pipeline.main import (
    DONE,
    MISUSED,
    JobOptions,
    Misused,
    configure,
    log_lines,
    refuse_unknown,
    run_to_the_end,
    runner,
)
from pipeline.staging import NotYet, Staging

log = logging.getLogger("replay")


class ReplayOptions(PipelineOptions):
    """What is replayed, beside the job's own options."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--from", dest="since", help="First moment (RFC 3339, with offset).")
        parser.add_argument("--to", dest="until", help="The moment after the last one.")
        parser.add_argument("--source", help="gs://BUCKET or a folder; else the bucket of record.")


def span_of(options: ReplayOptions) -> raw.Span:
    """The span that is asked for. Raises Misused, naming option and value."""
    since, until = _moment("--from", options.since), _moment("--to", options.until)
    if since >= until:
        raise Misused(f"--to {options.until}: expected a time after --from {options.since}")
    return raw.Span(since, until)


def _moment(option: str, text: str | None) -> datetime:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Misused(f"{option} {text}: expected a time such as 2024-01-15T10:30:00Z")
    return moment.astimezone(UTC)


@dataclass(frozen=True)
class Plan:
    """One replay, its command line read and checked."""

    options: JobOptions
    runner: PipelineRunner
    on_dataflow: bool
    source: raw.Source
    span: raw.Span
    here: settings.Settings
    config: graph.Config

    @classmethod
    def of(cls, argv: Sequence[str]) -> Plan:
        """Read a command line. Raises Misused, InvalidSetting, NoSource."""
        options = JobOptions(list(argv))
        asked = options.view_as(ReplayOptions)
        name = options.view_as(StandardOptions).runner or "LocalRunner"
        chosen, span, on_dataflow = runner(name), span_of(asked), name == "DataflowRunner"
        if not on_dataflow:
            refuse_unknown(options)
        here, config = configure(options, name, streaming=False)
        source = raw.Source(here.project_id, asked.source or f"{raw.GS}{here.bucket}")
        if on_dataflow and not source.place.startswith(raw.GS):
            raise Misused(f"--source {source.place}: workers of Dataflow read gs:// only")
        source.check()
        return cls(options, chosen, on_dataflow, source, span, here, config)

    def pipeline(self, dataset: str) -> beam.Pipeline:
        """From raw files to the rows of their events and dead letters, in a dataset."""
        types, span = self.config.event_types, self.span
        made = beam.Pipeline(self.runner, self.options)
        messages = (
            made
            | "Folders" >> beam.Create(list(raw.folders(types, map(str, Reason), span)))
            | "SpreadFolders" >> beam.Reshuffle()
            | "List" >> beam.ParDo(raw.ListFiles(self.source, span))
            | "SpreadFiles" >> beam.Reshuffle()
            | "Read" >> beam.ParDo(raw.ReadMessages(self.source, types, span))
        )
        # No spans: what a replay does is no event's way.
        tables = replace(self.config.tables, dataset=dataset, exporting=None)
        graph.insert(messages, replace(self.config, tables=tables, exporting=None))
        return made

    def run(self, dataset: str) -> None:
        """Do the work, on the machine or in the cloud, to its end. Raises ReplayFailed."""
        pipeline = self.pipeline(dataset)
        if not self.on_dataflow:
            done = run_to_the_end(pipeline) == DONE
        else:  # whose launcher need not have our runner
            try:
                done = pipeline.run().wait_until_finish() == PipelineState.DONE
            except RuntimeError as error:
                log.error("job failed: %s", error)
                done = False
        if not done:
            raise ReplayFailed


def replay(argv: Sequence[str]) -> dict[str, int]:
    """Replay, and give how many rows each table has of it.

    Raises Misused, InvalidSetting, NoSource, NotYet, ReplayFailed and BigQuery's errors.
    """
    plan = Plan.of(argv)
    log.info("files of %s, %s to %s", plan.source.place, plan.span.since, plan.span.until)
    client = bigquery.Client(project=plan.here.project_id)
    types, default = plan.config.event_types, plan.here.schema_contract
    staging = Staging(client, plan.here.dataset, types, default)
    try:
        staging.create()
        plan.run(staging.name)
        return staging.replace(plan.span)
    finally:
        staging.drop()


class ReplayFailed(Exception):
    """The job failed; its log says why. No table was changed."""

    def __init__(self) -> None:
        super().__init__("the job failed, and no table was changed")


def main(argv: Sequence[str] | None = None) -> int:
    """Replay once. Returns the exit code: 0, 1 for a job that failed, 2 for a wrong command."""
    log_lines()
    try:
        rows = replay(sys.argv[1:] if argv is None else argv)
    except (settings.InvalidSetting, Misused, raw.NoSource, NotYet) as error:
        print(f"replay: {error}", file=sys.stderr)  # noqa: T201
        return MISUSED
    except (ReplayFailed, GoogleAPICallError) as error:
        print(f"replay: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print("  ".join(f"{table} {count:,}" for table, count in rows.items()))  # noqa: T201
    return DONE


if __name__ == "__main__":
    sys.exit(main())
