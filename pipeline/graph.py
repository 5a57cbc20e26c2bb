"""3 · The whole graph: messages come from the subscription, and go into tables and files."""

from __future__ import annotations

from dataclasses import dataclass

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage

from event_types.base import EventType
from pipeline.bigquery_sink import InsertDeadLetters, InsertRows
from pipeline.events import Route
from pipeline.insertion import Target
from pipeline.record import Row
from pipeline.storage_sink import WriteFiles
from telemetry import Exporting


@dataclass(frozen=True)
class Config:
    """All that the graph depends on, in plain values: workers read no environment of ours."""

    event_types: tuple[EventType, ...]
    tables: Target
    bucket: str
    window_seconds: float
    max_event_bytes: int
    file_shards: int = 1
    """Into how many objects, each one thread's work, a window's lines of one minute go."""
    subscription: str = ""
    """Where the messages come from, for the names of spans."""
    exporting: Exporting | None = None
    """Where spans go; None where there are none."""


def insert(
    messages: beam.PCollection[PubsubMessage], config: Config
) -> tuple[beam.PCollection[Row], beam.PCollection[Row]]:
    """Attach all but the files: what a replay does too. Gives the events and the dead letters."""
    route = beam.ParDo(
        Route(
            config.event_types,
            config.max_event_bytes,
            config.tables,
            config.subscription,
            config.exporting,
        )
    ).with_output_types(Row)
    routed = messages | "Route" >> route.with_outputs(Route.DEAD_LETTERS, main="events")
    refused = routed.events | "InsertEvents" >> beam.ParDo(
        InsertRows(config.tables)
    ).with_output_types(Row)

    dead_letters = (routed[Route.DEAD_LETTERS], refused) | "AllDeadLetters" >> beam.Flatten()
    dead_letters | "InsertDeadLetters" >> beam.ParDo(InsertDeadLetters(config.tables))
    return routed.events, dead_letters


def build(messages: beam.PCollection[PubsubMessage], config: Config) -> None:
    """Attach everything that happens to `messages`."""
    (
        insert(messages, config)
        | "AllRows" >> beam.Flatten()
        | "WriteFiles"
        >> WriteFiles(
            config.tables.project,
            config.bucket,
            config.window_seconds,
            config.file_shards,
            config.exporting,
        )
    )
