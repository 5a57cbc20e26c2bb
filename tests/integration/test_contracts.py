"""Producers of two releases, tables of the older: the newer pipeline and function on real wires.

The graph, insertAll, the files, functions-framework: nothing here stands in for a part.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
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
from event_types.dead_letter import DEAD_LETTER_TABLE
from event_types.schema import Table
from pipeline import bigquery_sink, graph, insertion, storage_sink
from pipeline.insertion import Target
from tests.integration.newer import EVENT_TYPES, NEWER, SAME, order
from tests.integration.processes import PROJECT, ROOT, Service, free_port

TOPIC = f"projects/{PROJECT}/topics/dev-table-requests-topic"
PUBLISHED = datetime(2025, 10, 9, 8, 53, 21, tzinfo=UTC)
MESSAGES = {
    **{f"old-{number}": order(number, {}) for number in range(20)},
    **{f"same-{name}": order(30, fields) for name, fields in SAME.items()},
    **{f"new-{name}": order(40, fields) for name, fields in NEWER.items()},
    "new-colour": order(50, {}, colour="red"),
}
CARRYING = {name for name in MESSAGES if name.startswith("new-")}


class World:
    """A dataset of the older release's tables, a bucket, and the newer release at work on them."""

    def __init__(self, contract: str, folder: Path) -> None:
        self.contract, self.environment = contract, f"e{uuid4().hex[:12]}"
        self.dataset = f"{self.environment}_events_dataset"
        self.bq = bigquery.Client(PROJECT)
        self.bq.create_dataset(self.dataset)
        layout = registry.by_name("order").layout
        for table in (layout, DEAD_LETTER_TABLE):
            self.bq.create_table(self.table(table))
        view = bigquery.Table(f"{PROJECT}.{self.dataset}.{layout.deduplicated_view}")
        view.view_query = layout.deduplicated_sql(f"{PROJECT}.{self.dataset}")
        self.bq.create_table(view)
        self.bucket = storage.Client(project=PROJECT).create_bucket(self.environment)
        self._log = folder / "function.log"

    def table(self, layout: Table) -> bigquery.Table:
        """A table as the older release made it."""
        schema = [bigquery.SchemaField.from_api_repr(each) for each in layout.schema_to_api()]
        made = bigquery.Table(f"{PROJECT}.{self.dataset}.{layout.name}", schema)
        made.time_partitioning = bigquery.TimePartitioning(field=layout.partition_by)
        made.clustering_fields = list(layout.cluster_by)
        return made

    @cached_property
    def function(self) -> Service:
        """The newer release's table manager, started when it is first asked for."""
        port = str(free_port())
        source = ROOT / "tests" / "integration" / "newer_function.py"
        command = ["functions_framework", "--source", str(source), "--target", "manage_table"]
        command += ["--signature-type", "cloudevent", "--host", "127.0.0.1", "--port", port]
        names = {"ENVIRONMENT": self.environment, "SCHEMA_CONTRACT": self.contract}
        return Service(command, {"PORT": port, **names}, self._log)

    def close(self) -> None:
        """Stop the function, if it was started, and delete the dataset."""
        if "function" in vars(self):
            assert self.function.stop() == 0
        self.bq.delete_dataset(self.dataset, delete_contents=True)

    def push(self, name: str) -> int:
        """A message to the function, as Pub/Sub pushes it; the answer's status."""
        data = base64.b64encode(json.dumps(MESSAGES[name]).encode()).decode()
        message = {"data": data, "messageId": name, "publishTime": PUBLISHED.isoformat()}
        path = "/projects/p/topics/t?__GCP_CloudEventsMode=CE_PUBSUB_BINDING"
        body = {"message": message, "subscription": "projects/p/subscriptions/s"}
        return self.function.http.post(path, json=body).status_code

    def label(self, contract: str) -> None:
        """Give orders a contract of their own, as `bq update --set_label` does."""
        here = self.bq.get_dataset(self.dataset)
        here.labels = {"contract_order": contract}
        self.bq.update_dataset(here, ["labels"])

    def run(self, wait_seconds: float, messages: dict[str, Any] | None = None) -> None:
        """All messages, or others, through the newer pipeline's graph."""
        stream = Stream().advance_watermark_to(PUBLISHED.timestamp() - 1)
        stream.add_elements(
            [
                TimestampedValue(
                    PubsubMessage(json.dumps(data).encode(), {"event_id": name}),
                    PUBLISHED.timestamp(),
                )
                for name, data in (messages or MESSAGES).items()
            ]
        )
        target = Target(PROJECT, self.dataset, TOPIC, wait_seconds, self.contract)
        pipeline = beam.Pipeline(BundleBasedDirectRunner(), PipelineOptions(["--streaming"]))
        config = graph.Config(EVENT_TYPES, target, self.bucket.name, 10.0, 2**20)
        graph.build(pipeline | stream.advance_watermark_to_infinity(), config)
        pipeline.run().wait_until_finish()

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        """A table's rows by event id, each of which is there once."""
        rows = [dict(each) for each in self.bq.list_rows(f"{PROJECT}.{self.dataset}.{table}")]
        by_id = {row["event_id"]: row for row in rows}
        assert len(by_id) == len(rows)
        return by_id

    def lines(self, folder: str) -> list[str]:
        """The event ids of the files below a folder."""
        blobs = self.bucket.list_blobs(prefix=folder)
        lines = [line for blob in blobs for line in blob.download_as_bytes().splitlines()]
        return sorted(json.loads(line)["event_id"] for line in lines)


@pytest.fixture
def world(
    bigquery_emulator: None, storage_emulator: None, tmp_path: Path
) -> Iterator[Callable[[str], World]]:
    made: list[World] = []

    def make(contract: str) -> World:
        bigquery_sink.inserter.cache_clear()
        storage_sink.files.cache_clear()
        made.append(World(contract, tmp_path))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_under_evolve_every_event_of_both_releases_gets_into_its_table(
    world: Callable[[str], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world("evolve")
    pauses: list[float] = []
    asked: list[str] = []

    def sleep(seconds: float) -> None:
        """The function gets to what it is asked for while the pipeline waits."""
        pauses.append(seconds)
        if len(pauses) == 1:  # Those that carry nothing are in already.
            assert set(here.rows("orders")) == MESSAGES.keys() - CARRYING
        if len(pauses) == 3:
            assert set(asked) <= CARRYING  # An event that has a value for what is missing.
            assert here.push(asked[0]) == 200

    make = insertion.Inserter
    monkeypatch.setattr(
        bigquery_sink,
        "Inserter",
        lambda target, sender, _, contracts: make(
            target,
            sender,
            lambda table, event: asked.append(event.event_id),
            lambda: sum(pauses),
            sleep,
            contracts,
        ),
    )
    here.run(300)

    rows = here.rows("orders")
    assert rows.keys() == MESSAGES.keys()
    assert len(pauses) == 3
    assert rows["new-all"]["coupon"] == "SPRING"
    assert rows["new-gift"]["gift"] == {"recipient": "Ada"}
    assert rows["new-tags"]["tags"] == ["vip"]
    assert rows["new-channel"]["channel"] == "app"
    assert rows["new-colour"]["items"][0]["colour"] == "red"
    assert here.rows(DEAD_LETTER_TABLE.name) == {}
    assert here.lines("output/") == sorted(MESSAGES)
    assert here.lines("dead-letter/") == []
    view = here.bq.get_table(f"{PROJECT}.{here.dataset}.orders_deduplicated")
    assert {"coupon", "gift"} <= {field.name for field in view.schema}


def test_under_freeze_only_what_carries_a_value_for_no_column_is_a_dead_letter(
    world: Callable[[str], World],
) -> None:
    here = world("freeze")
    # The function has nothing against the table: what it answers 200 comes to no dead-letter topic.
    assert {here.push(name) for name in MESSAGES} == {200}
    before = here.bq.get_table(f"{PROJECT}.{here.dataset}.orders")
    here.run(300)

    assert here.bq.get_table(before.reference).schema == before.schema
    assert here.rows("orders").keys() == MESSAGES.keys() - CARRYING
    letters = here.rows(DEAD_LETTER_TABLE.name)
    assert letters.keys() == CARRYING
    assert {each["reason"] for each in letters.values()} == {"column_not_found"}
    assert "table orders lacks items.colour" in letters["new-colour"]["detail"]
    for name in CARRYING:
        assert json.loads(letters[name]["payload"]) == MESSAGES[name]
    assert here.lines("output/") == sorted(MESSAGES)
    assert here.lines("dead-letter/") == sorted(CARRYING)
    changed = [e for e in here.function.logs() if e["message"].startswith("changed")]
    assert changed == []


def test_under_evolve_a_column_that_nobody_adds_is_named_in_the_dead_letter(
    world: Callable[[str], World],
) -> None:
    here = world("evolve")
    here.run(0)
    assert here.rows("orders").keys() == MESSAGES.keys() - CARRYING
    letters = here.rows(DEAD_LETTER_TABLE.name)
    assert letters.keys() == CARRYING
    assert letters["new-coupon"]["detail"] == "table orders lacks coupon: not added within 0 s"


def test_a_contract_changes_under_a_running_job_and_no_event_is_refused_by_the_one_before(
    world: Callable[[str], World],
) -> None:
    here = world("freeze")
    unknown = {"wide-1": order(60, {"wholly": {"new": [1, 2.5]}}, colour="blue")}
    here.run(300, unknown | {"old-0": MESSAGES["old-0"]})
    # Nobody knows the field `wholly`, so under freeze the event is a dead letter.
    assert here.rows(DEAD_LETTER_TABLE.name).keys() == {"wide-1"}

    here.label("discard")
    assert here.push("old-0") == 200  # what the job's request for `extra` does
    here.run(300, {"wide-2": unknown["wide-1"], **MESSAGES})
    rows = here.rows("orders")
    assert rows.keys() == MESSAGES.keys() | {"wide-2"}
    assert rows["wide-2"]["extra"] == {
        "items": {"0": {"colour": "blue"}},
        "wholly": {"new": [1, 2.5]},
    }
    assert rows["new-all"]["extra"] == NEWER["all"]
    assert rows["new-colour"]["extra"] == {"items": {"0": {"colour": "red"}}}
    assert {rows[name]["extra"] for name in MESSAGES.keys() - CARRYING} == {None}

    here.label("evolve")
    assert here.push("new-all") == 200
    here.run(300, {"later": order(70, NEWER["all"])})
    row = here.rows("orders")["later"]
    assert (row["coupon"], row["extra"]) == ("SPRING", None)
    assert here.rows(DEAD_LETTER_TABLE.name).keys() == {"wide-1"}
    assert here.lines("output/") == sorted(["old-0", *MESSAGES, "wide-2", "later"])
