from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Literal

import apache_beam as beam
import pytest
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.testing.test_stream import TestStream as Stream
from apache_beam.transforms.window import TimestampedValue
from google.cloud import storage

from event_types import registry
from event_types.base import Event, EventType, Timestamp
from pipeline import events, graph
from pipeline.insertion import Inserter, Target
from tests.unit.pipeline.fakes import DATASET, PROJECT, TOPIC, Clock, InsertAll
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
            self.event_types, Target(PROJECT, DATASET, TOPIC, 300.0), self.bucket.name, 10.0, 2**20
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
            blob.name: [
                json.loads(line)["event_id"] for line in blob.download_as_text().splitlines()
            ]
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


def test_messages_that_are_no_events_keep_everything(job: Job, insert_all: InsertAll) -> None:
    stream = Stream().advance_watermark_to(NOW)
    stream.add_elements(at(1, message("bad-1", b"{", source="shop"), message("bad-2", b"\xff\x00")))
    counters = job.run(stream.advance_watermark_to_infinity())

    first = insert_all.rows["dead_letter_events"]["bad-1"]
    assert (first["reason"], first["payload"], first["payload_encoding"]) == (
        "not_json",
        "{",
        "utf-8",
    )
    assert {"key": "source", "value": "shop"} in first["attributes"]
    second = insert_all.rows["dead_letter_events"]["bad-2"]
    assert (second["payload"], second["payload_encoding"]) == ("/wA=", "base64")
    assert job.files() == {
        "dead-letter/not_json/2025/10/09/08/53/not_json_202510090853001.json": ["bad-1", "bad-2"]
    }
    assert counters["dead_lettered"] == counters["dead_lettered_not_json"] == 2
    assert counters["received"] == 2
    assert counters["valid"] == 0


def test_two_windows_that_meet_in_one_minute_take_two_numbers(job: Job) -> None:
    stream = Stream().advance_watermark_to(NOW)
    stream.add_elements(at(1, message("e1", INVENTORY), message("e2", INVENTORY)))
    stream.advance_watermark_to(NOW + 10)
    stream.add_elements(at(11, message("e3", INVENTORY)))
    job.run(stream.advance_watermark_to_infinity())

    prefix = "output/inventory/2024/01/15/10/35/inventory_202401151035"
    assert job.files() == {f"{prefix}001.json": ["e1", "e2"], f"{prefix}002.json": ["e3"]}


def test_a_window_stays_open_until_the_watermark_passes_it(job: Job) -> None:
    stream = Stream().advance_watermark_to(NOW)
    stream.add_elements(at(1, message("e1", INVENTORY)))
    stream.advance_watermark_to(NOW + 9)
    stream.add_elements(at(9, message("e2", INVENTORY)))
    job.run(stream.advance_watermark_to_infinity())

    assert list(job.files().values()) == [["e1", "e2"]]


@pytest.mark.parametrize("days", [0.001, 1.0, 6.9])
def test_a_redelivery_within_seven_days_lands_in_the_next_number(job: Job, days: float) -> None:
    stream = Stream().advance_watermark_to(NOW)
    stream.add_elements(at(1, message("e1", INVENTORY)))
    stream.advance_watermark_to(NOW + days * 86400)
    stream.add_elements(at(2, message("late", INVENTORY)))
    stream.add_elements(at(2, message("later", INVENTORY)))
    job.run(stream.advance_watermark_to_infinity())

    assert list(job.files().values()) == [["e1"], ["late"], ["later"]]


def test_a_row_that_bigquery_refuses_becomes_a_dead_letter(job: Job, insert_all: InsertAll) -> None:
    insert_all.row_errors["inventory", "e2"] = [
        {"reason": "invalid", "location": "quantity_change", "message": "Overflow"}
    ]
    stream = Stream().advance_watermark_to(NOW)
    stream.add_elements(at(1, message("e1", INVENTORY), message("e2", INVENTORY, source="shop")))
    counters = job.run(stream.advance_watermark_to_infinity())

    assert set(insert_all.rows["inventory"]) == {"e1"}
    letter = insert_all.rows["dead_letter_events"]["e2"]
    assert letter["reason"] == "bigquery_rejected"
    assert letter["detail"] == "quantity_change: Overflow"
    assert json.loads(letter["payload"]) == INVENTORY
    assert {"key": "source", "value": "shop"} in letter["attributes"]
    name = "dead-letter/bigquery_rejected/2025/10/09/08/53/bigquery_rejected_202510090853001.json"
    assert job.files()[name] == ["e2"]
    assert counters["rows_written"] == 1


def test_a_table_that_never_comes_sends_its_rows_to_the_dead_letter(
    job: Job, insert_all: InsertAll, clock: Clock
) -> None:
    insert_all.tables.remove("inventory")
    stream = Stream().advance_watermark_to(NOW)
    stream.add_elements(at(1, message("e1", INVENTORY), message("e2", USER_ACTIVITY)))
    job.run(stream.advance_watermark_to_infinity())

    assert insert_all.rows["dead_letter_events"]["e1"]["reason"] == "table_not_found"
    assert set(insert_all.rows["user_activity"]) == {"e2"}
    assert clock.now == pytest.approx(300, abs=6)


def test_a_dead_letter_that_is_refused_fails_the_bundle(job: Job, insert_all: InsertAll) -> None:
    insert_all.row_errors["dead_letter_events", "bad"] = [
        {"reason": "invalid", "location": "", "message": "No"}
    ]
    stream = Stream().advance_watermark_to(NOW)
    stream.add_elements(at(1, message("bad", b"{")))
    with pytest.raises(RuntimeError, match="RowsNotInserted: table dead_letter_events: 1 rows"):
        job.run(stream.advance_watermark_to_infinity())


def test_an_unforeseen_error_becomes_a_dead_letter(
    job: Job, insert_all: InsertAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError("file_prefix")

    monkeypatch.setattr(events, "file_prefix", broken)
    stream = Stream().advance_watermark_to(NOW)
    stream.add_elements(at(1, message("e1", INVENTORY)))
    job.run(stream.advance_watermark_to_infinity())

    letter = insert_all.rows["dead_letter_events"]["e1"]
    assert (letter["reason"], letter["detail"]) == (
        "internal_error",
        "ZeroDivisionError('file_prefix')",
    )


class Payment(Event):
    event_type: Literal["payment"]
    payment_id: str
    paid_at: Timestamp


def fake_payment(rng: Random, now: datetime) -> Payment:
    return Payment(event_type="payment", payment_id=f"pay-{rng.randrange(1000)}", paid_at=now)


PAYMENT = EventType(
    name="payment",
    model=Payment,
    table="payments",
    partition_by="event_date",
    cluster_by=("payment_id",),
    event_time="paid_at",
    fake=fake_payment,
    description="",
    why_partition="",
    why_cluster="",
    queries=(),
)


def test_a_fourth_event_type_needs_no_edit_of_the_pipeline(job: Job, insert_all: InsertAll) -> None:
    insert_all.tables.add("payments")
    job.event_types += (PAYMENT,)
    payment = fake_payment(Random(1), datetime(2024, 2, 29, 23, 59, tzinfo=UTC))
    stream = Stream().advance_watermark_to(NOW)
    stream.add_elements(at(1, message("p1", payment.model_dump_json().encode())))
    job.run(stream.advance_watermark_to_infinity())

    assert insert_all.rows["payments"]["p1"]["payment_id"] == payment.payment_id
    assert job.files() == {"output/payment/2024/02/29/23/59/payment_202402292359001.json": ["p1"]}
