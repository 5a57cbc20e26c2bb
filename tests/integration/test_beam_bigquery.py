"""Beam's own BigQuery transforms, unmodified, by `localgcp run` against the emulators."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from localgcp.environment import PORTS

SCRIPT = """
import json
import time

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from google.cloud import bigquery, pubsub_v1, storage

client = bigquery.Client()
PROJECT = client.project  # a function that Beam pickles may not hold the client
storage.Client().create_bucket("beam-temporary")
client.create_dataset("ds")
OPTIONS = PipelineOptions(["--temp_location=gs://beam-temporary/t", f"--project={client.project}"])
ROWS = [{"name": f"n{number}", "n": number} for number in range(20)]
SCHEMA = "name:STRING,n:INTEGER"


def table(name):
    return f"{PROJECT}:ds.{name}"


def rows(name):
    return sorted((dict(row) for row in client.list_rows(f"ds.{name}")), key=lambda row: row["n"])


def write(where, given=ROWS, schema=SCHEMA, **options):
    with beam.Pipeline(options=OPTIONS) as pipeline:
        sink = beam.io.WriteToBigQuery(where, schema=schema, **options)
        written = pipeline | beam.Create(given) | sink
        if options["method"] == "STREAMING_INSERTS":
            bad = written.failed_rows_with_errors | beam.Map(lambda row: (row[0], row[1]["name"]))
            expected = [(where, "bad")] if len(given) > len(ROWS) else []
            assert_that(bad, equal_to(expected))


def read(**options):
    with beam.Pipeline(options=OPTIONS) as pipeline:
        assert_that(pipeline | beam.io.ReadFromBigQuery(**options), equal_to(ROWS))


# Row by row, with one that is refused.
bad = {"name": "bad", "n": "x"}
write(table("s"), [*ROWS, bad], method="STREAMING_INSERTS", insert_retry_strategy="RETRY_NEVER")
assert rows("s") == ROWS

# By files, one load job; the layout of a new table; then all of it replaced, its schema detected.
layout = {"clustering": {"fields": ["name"]}}
write(table("f"), method="FILE_LOADS", additional_bq_parameters=layout)
assert rows("f") == ROWS
assert client.get_table("ds.f").clustering_fields == ["name"]
replaced = {"write_disposition": "WRITE_TRUNCATE", "schema": "SCHEMA_AUTODETECT"}
write(table("f"), method="FILE_LOADS", **replaced)
assert rows("f") == ROWS

# More than one load job takes: temporary tables, copied to where each row belongs.
many = {"max_files_per_bundle": 1, "max_file_size": 200, "max_partition_size": 400}
write(lambda row: table(f"d{row['n'] % 2}"), method="FILE_LOADS", temp_file_format="AVRO", **many)
assert [row for row in ROWS if row["n"] % 2] == rows("d1")
left = [each.table_id for each in client.list_tables("ds")]
assert left == ["d0", "d1", "f", "s"], left

read(table=table("f"))
read(table=table("f"), use_json_exports=True)
read(table=table("f"), method="DIRECT_READ")
read(query="SELECT name, n FROM ds.f", use_standard_sql=True)
try:
    write(table("f"), method="STORAGE_WRITE_API")
except Exception as error:
    assert "Java expansion" in str(error), error
else:
    raise AssertionError("STORAGE_WRITE_API was not refused")

# A stream from Pub/Sub, a load job every second.
publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
topic, name = publisher.topic_path(PROJECT, "rows"), subscriber.subscription_path(PROJECT, "rows")
publisher.create_topic(name=topic)
subscriber.create_subscription(name=name, topic=topic)
for row in ROWS:
    publisher.publish(topic, json.dumps(row).encode()).result()
arguments = ["--streaming", "--temp_location=gs://beam-temporary/t", f"--project={PROJECT}"]
pipeline = beam.Pipeline(options=PipelineOptions(arguments))
loads = {"method": "FILE_LOADS", "triggering_frequency": 1}
parsed = pipeline | beam.io.ReadFromPubSub(subscription=name) | beam.Map(json.loads)
parsed | beam.io.WriteToBigQuery(table("streamed"), schema=SCHEMA, **loads)
job = pipeline.run()
deadline = time.monotonic() + 100
while "streamed" not in [each.table_id for each in client.list_tables("ds")] or (
    client.get_table("ds.streamed").num_rows < len(ROWS)
):
    assert time.monotonic() < deadline, "the stream's rows did not come"
    time.sleep(0.5)
job.cancel()
assert rows("streamed") == ROWS
print("all of it")
"""


@pytest.mark.timeout(300)
def test_beam_writes_and_reads_tables_by_every_method(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(SCRIPT)
    led = {f"{name.upper()}_EMULATOR_HOST" for name in PORTS}
    ran = subprocess.run(
        [sys.executable, "-m", "localgcp", "run", str(script)],
        cwd=tmp_path,  # where the stream's state is kept
        env={name: value for name, value in os.environ.items() if name not in led},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout.endswith("all of it\n")
    assert ran.stderr.count("Beam's own client of BigQuery asks http://127.0.0.1:") == 1
