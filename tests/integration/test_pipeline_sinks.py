"""The pipeline's graph and sinks against real servers, through the official clients."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import uuid4

import apache_beam as beam
import pytest
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.testing.test_stream import TestStream as Stream
from apache_beam.transforms.window import TimestampedValue
from google.cloud import bigquery, storage

from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE, Reason
from event_types.schema import Table
from pipeline import bigquery_sink, dead_letter, graph, storage_sink
from pipeline.events import Router
from pipeline.insert_all import InsertAll
from pipeline.insertion import Inserter, Target
from pipeline.record import Message, Row
from pipeline.storage_write import StorageWrite, connect
from tests.integration.processes import PROJECT

TOPIC = f"projects/{PROJECT}/topics/dev-table-requests-topic"

PUBLISHED = datetime(2025, 10, 9, 8, 53, 21, tzinfo=UTC)
RNG = Random(20240115)


@pytest.fixture
def bq(bigquery_emulator: None) -> bigquery.Client:
    bigquery_sink.inserter.cache_clear()
    return bigquery.Client(PROJECT)


@pytest.fixture
def dataset(bq: bigquery.Client) -> Iterator[str]:
    name = f"sinks_{uuid4().hex}"
    bq.create_dataset(name)
    yield name
    bq.delete_dataset(name, delete_contents=True)


@pytest.fixture
def create(bq: bigquery.Client, dataset: str) -> Callable[[Table], None]:
    def create(table: Table) -> None:
        schema = [bigquery.SchemaField.from_api_repr(each) for each in table.schema_to_api()]
        bq.create_table(bigquery.Table(f"{PROJECT}.{dataset}.{table.name}", schema))

    return create


@pytest.fixture
def rows(bq: bigquery.Client, dataset: str) -> Callable[[str], list[dict[str, Any]]]:
    def rows(table: str) -> list[dict[str, Any]]:
        return [dict(each) for each in bq.list_rows(f"{PROJECT}.{dataset}.{table}")]

    return rows


def target(dataset: str, wait_seconds: float = 0) -> Target:
    return Target(PROJECT, dataset, TOPIC, wait_seconds)


def no_asking(table: str, event: Message) -> None:
    """Nobody makes what is missing."""


def event(name: str, number: int) -> tuple[str, bytes]:
    """An event's id and its data."""
    moment = datetime(2024, 1, 15, 10, 30, number % 60, tzinfo=UTC)
    fake = registry.by_name(name).fake(RNG, moment)
    return f"{name}-{number}", fake.model_dump_json().encode()


def routed(name: str, number: int) -> Row:
    event_id, data = event(name, number)
    message = Message(event_id, data, {"event_id": event_id}, PUBLISHED)
    return Router(registry.ALL, 2**20).row(message)


def test_rows_of_every_type_are_stored_as_they_are(
    bq: bigquery.Client, dataset: str, create: Any, rows: Any
) -> None:
    for each in registry.ALL:
        create(each.layout)
        batch = [routed(each.name, number) for number in range(20)]
        assert (
            list(
                Inserter(target(dataset), InsertAll(dataset, bq), no_asking).insert(
                    {each.table: batch}
                )
            )
            == []
        )

        stored = {row["event_id"]: row for row in rows(each.table)}
        for sent in batch:
            got = stored[sent.message.event_id]
            assert got["event_date"].isoformat() == sent.values["event_date"]
            assert got["publish_time"] == PUBLISHED
            plain = each.model.model_fields.keys() - {"items", each.event_time}
            assert {name: got[name] for name in plain} == {
                name: sent.values[name] for name in plain
            }


def test_rows_of_every_type_go_by_the_storage_write_api(
    bq: bigquery.Client, dataset: str, create: Any, rows: Any
) -> None:
    address = os.environ["BIGQUERY_EMULATOR_HOST"].removeprefix("http://")
    sender = StorageWrite(PROJECT, dataset, connect(address))
    inserter = Inserter(target(dataset), sender, no_asking)
    for each in registry.ALL:
        create(each.layout)
        batch = [routed(each.name, number) for number in range(20)]
        assert list(inserter.insert({each.table: batch})) == []
        by_write = sorted(rows(each.table), key=lambda row: row["event_id"])
        bq.query_and_wait(f"TRUNCATE TABLE {dataset}.{each.table}")
        other = Inserter(target(dataset), InsertAll(dataset, bq), no_asking)
        assert list(other.insert({each.table: batch})) == []
        assert by_write == sorted(rows(each.table), key=lambda row: row["event_id"])


def test_a_bundle_tried_again_stores_no_row_twice(
    bq: bigquery.Client, dataset: str, create: Any, rows: Any
) -> None:
    create(registry.by_name("order").layout)
    inserter = Inserter(target(dataset), InsertAll(dataset, bq), no_asking)
    batch = [routed("order", number) for number in range(50)]
    for _ in range(2):
        assert list(inserter.insert({"orders": batch})) == []
    assert len(rows("orders")) == 50


def test_rows_wait_for_the_table_manager(
    bq: bigquery.Client, dataset: str, create: Any, rows: Any
) -> None:
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            create(registry.by_name("order").layout)

    inserter = Inserter(
        target(dataset, 300),
        InsertAll(dataset, bq),
        no_asking,
        lambda: sum(pauses),
        sleep,
    )
    assert list(inserter.insert({"orders": [routed("order", 1)]})) == []
    assert [row["event_id"] for row in rows("orders")] == ["order-1"]
    assert len(pauses) == 3


def test_a_table_missing_for_good_is_named(bq: bigquery.Client, dataset: str) -> None:
    (rejection,) = Inserter(target(dataset), InsertAll(dataset, bq), no_asking).insert(
        {"gone": [routed("order", 1)]}
    )
    assert rejection.reason == Reason.TABLE_NOT_FOUND
    assert f"{PROJECT}:{dataset}.gone" in rejection.detail


def test_a_row_that_does_not_fit_is_refused_alone(
    bq: bigquery.Client, dataset: str, create: Any, rows: Any
) -> None:
    create(registry.by_name("inventory").layout)
    good, bad = routed("inventory", 1), routed("inventory", 2)
    bad.values["quantity_change"] = "many"
    inserter = Inserter(target(dataset), InsertAll(dataset, bq), no_asking)
    (rejection,) = inserter.insert({"inventory": [bad, good]})
    assert (rejection.row, rejection.reason) == (bad, Reason.BIGQUERY_REJECTED)
    assert "quantity_change" in rejection.detail
    assert [row["event_id"] for row in rows("inventory")] == ["inventory-1"]


@pytest.mark.parametrize("data", [b"\x00\x1f" * 600_000, b"\xff" * 2_000_000])
def test_the_largest_dead_letters_fit_in_a_request(
    bq: bigquery.Client, create: Any, rows: Any, dataset: str, data: bytes
) -> None:
    create(DEAD_LETTER_TABLE)
    row = dead_letter.row(Message("big", data, {}, PUBLISHED), Reason.TOO_LARGE, "too large")
    inserter = Inserter(target(dataset), InsertAll(dataset, bq), no_asking)
    assert list(inserter.insert({DEAD_LETTER_TABLE.name: [row]})) == []
    (stored,) = rows(DEAD_LETTER_TABLE.name)
    assert (stored["payload_bytes"], stored["payload_truncated"]) == (len(data), True)


def test_the_whole_graph(storage_emulator: None, dataset: str, create: Any, rows: Any) -> None:
    for table in (*(each.layout for each in registry.ALL), DEAD_LETTER_TABLE):
        create(table)
    bucket = storage.Client(project=PROJECT).create_bucket(f"whole-graph-{uuid4().hex}")
    storage_sink.files.cache_clear()
    sent = [event(each.name, number) for each in registry.ALL for number in range(200)]
    sent += [("bad-1", b"{"), ("bad-2", b"[]")]
    messages = [PubsubMessage(data, {"event_id": event_id}) for event_id, data in sent]

    pipeline = beam.Pipeline(BundleBasedDirectRunner(), PipelineOptions(["--streaming"]))
    stream = Stream().advance_watermark_to(PUBLISHED.timestamp() - 1)
    for start in range(0, len(messages), 250):
        bundle = messages[start : start + 250]
        stream.add_elements([TimestampedValue(each, PUBLISHED.timestamp()) for each in bundle])
    config = graph.Config(registry.ALL, target(dataset), bucket.name, 10.0, 2**20)
    graph.build(pipeline | stream.advance_watermark_to_infinity(), config)
    pipeline.run().wait_until_finish()

    tables = [*(each.table for each in registry.ALL), DEAD_LETTER_TABLE.name]
    in_tables = sorted(row["event_id"] for table in tables for row in rows(table))
    lines = [line for blob in bucket.list_blobs() for line in blob.download_as_bytes().splitlines()]
    assert in_tables == sorted(event_id for event_id, _ in sent)
    assert sorted(json.loads(line)["event_id"] for line in lines) == in_tables
    assert {blob.name.split("/")[1] for blob in bucket.list_blobs()} == {
        *(each.name for each in registry.ALL),
        "not_json",
        "not_an_object",
    }
