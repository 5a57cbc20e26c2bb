from __future__ import annotations

import json
from dataclasses import dataclass

import apache_beam as beam
import pytest
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.testing.test_stream import TestStream as Stream
from apache_beam.transforms.window import TimestampedValue
from google.cloud import storage

from event_types import registry
from event_types.base import EventType
from pipeline import graph
from pipeline.bigquery_sink import Inserter, Target
from tests.unit.pipeline.fakes import DATASET, PROJECT, InsertAll
from tests.unit.pipeline.messages import INVENTORY, USER_ACTIVITY, message

NOW = 1_760_000_000  # 2025-10-09 08:53:20 UTC, at the start of a 10 s window


@dataclass
class Job:
    """Runs the whole graph over a scripted stream."""

    bucket: storage.Bucket
    event_types: tuple[EventType, ...] = registry.ALL

    def run(self, stream: Stream) -> dict[str, int]:
        """Run to the end and return the counters."""
        options = PipelineOptions(["--streaming"])
        pipeline = beam.Pipeline(BundleBasedDirectRunner(), options)
        config = graph.Config(
            self.event_types, Target(PROJECT, DATASET, 300.0), self.bucket.name, 10.0, 2**20
        )
        graph.build(pipeline | stream, config)
        result = pipeline.run()
        result.wait_until_finish()
        return {
            each.key.metric.name: each.committed
            for each in result.metrics().query()["counters"]
            if each.key.metric.namespace == "pipeline"
        }

    def files(self) -> dict[str, list[str]]:
        """Event ids by object name."""
        return {
            blob.name: [json.loads(line)["event_id"] for line in blob.download_as_text().split()]
            for blob in self.bucket.list_blobs()
        }


@pytest.fixture
def job(bucket: storage.Bucket, inserter: Inserter, insert_all: InsertAll) -> Job:
    insert_all.tables |= {"orders", "inventory", "user_activity", "dead_letter_events"}
    return Job(bucket)


def at(offset: float, *messages: PubsubMessage) -> list[TimestampedValue]:
    return [TimestampedValue(each, NOW + offset) for each in messages]


def test_an_event_gets_its_row_and_its_line(job: Job, insert_all: InsertAll) -> None:
    stream = Stream().advance_watermark_to(NOW)
    stream.add_elements(at(1, message("e1", INVENTORY), message("e2", USER_ACTIVITY)))
    counters = job.run(stream.advance_watermark_to_infinity())

    row = insert_all.rows["inventory"]["e1"]
    assert row["event_date"] == "2024-01-15"
    assert row["publish_time"] == "2025-10-09T08:53:21+00:00"
    assert row["quantity_change"] == -2
    blob = job.bucket.blob("output/inventory/2024/01/15/10/35/inventory_202401151035001.json")
    assert json.loads(blob.download_as_bytes()) == row
    assert set(insert_all.rows["user_activity"]) == {"e2"}
    assert counters["received"] == counters["valid"] == counters["rows_written"] == 2
    assert counters["files_written"] == counters["file_lines"] == 2
