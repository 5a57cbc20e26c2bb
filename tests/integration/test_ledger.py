"""The ledger's reading against real stores: whole, written over, and with parts deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random

import pytest
from google.cloud import bigquery, storage

import settings
from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE
from local.stored import read_stored
from pipeline.events import Router
from pipeline.insert_all import InsertAll
from pipeline.record import Message
from services.table_manager.tables import ensure_table
from tests.integration.processes import PROJECT

NOW = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


@pytest.fixture
def names(bigquery_emulator: None, storage_emulator: None) -> Iterator[settings.Settings]:
    """Stores that hold one event of each type, in its table and in its file."""
    here = settings.load(
        settings.child_environ({"PROJECT_ID": PROJECT, "ENVIRONMENT": "ledger-test"})
    )
    warehouse, objects = bigquery.Client(PROJECT), storage.Client(PROJECT)
    warehouse.create_dataset(here.dataset)
    bucket = objects.create_bucket(here.bucket)
    router, sender = Router(registry.ALL, 1 << 20), InsertAll(here.dataset, warehouse)
    ensure_table(warehouse, here.dataset, DEAD_LETTER_TABLE)
    for each in registry.ALL:
        data = each.fake(Random(1), NOW).model_dump_json().encode()
        row = router.row(Message(each.name, data, {}, NOW))
        ensure_table(warehouse, here.dataset, each.layout)
        assert sender.send(each.table, [row]) == []
        bucket.blob(f"{row.file_prefix}001.json").upload_from_string(row.line + b"\n")
    yield here
    warehouse.delete_dataset(here.dataset, delete_contents=True, not_found_ok=True)
    if objects.lookup_bucket(here.bucket):
        objects.bucket(here.bucket).delete(force=True)


def of_bigquery(statement: str) -> Callable[[settings.Settings], object]:
    return lambda names: bigquery.Client(PROJECT).query_and_wait(
        statement.format(dataset=names.dataset)
    )


def no_bucket(names: settings.Settings) -> None:
    storage.Client(PROJECT).bucket(names.bucket).delete(force=True)


def test_it_reads_every_id_and_finds_nothing_wrong(names: settings.Settings) -> None:
    found = read_stored(names)
    assert {table: dict(ids) for table, ids in found.rows.items()} == {
        each.table: {each.name: 1} for each in registry.ALL
    }
    assert found.lines == {each.name: 1 for each in registry.ALL}
    assert (found.files, found.changed, found.gone) == (3, [], [])


def test_a_row_that_was_written_over_is_named(names: settings.Settings) -> None:
    of_bigquery("UPDATE {dataset}.orders SET total_amount = 0.5 WHERE TRUE")(names)
    assert read_stored(names).changed == ["order"]


@pytest.mark.parametrize(
    ("fault", "gone"),
    [
        (no_bucket, ["bucket {bucket}"]),
        (
            of_bigquery("DROP TABLE {dataset}.orders"),
            ["table orders, of which 1 events are in files"],
        ),
        (
            of_bigquery("DROP TABLE {dataset}.dead_letter_events"),
            ["table {dataset}.dead_letter_events"],
        ),
    ],
)
def test_what_is_gone_is_named(
    names: settings.Settings, fault: Callable[[settings.Settings], object], gone: list[str]
) -> None:
    fault(names)
    named = [each.format(bucket=names.bucket, dataset=names.dataset) for each in gone]
    assert read_stored(names).gone == named
