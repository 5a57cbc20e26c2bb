"""A table that went wrong is made again from the raw files, by the same graph in batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from google.cloud import bigquery, storage

from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE, Reason
from pipeline import bigquery_sink, dead_letter, replay
from pipeline.contracts import contracts
from pipeline.events import Router
from pipeline.insert_all import InsertAll
from pipeline.record import Message, Row
from services.table_manager.tables import ensure_table
from tests.integration.processes import PROJECT

START = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
SPAN = ["--from", START.isoformat(), "--to", (START + timedelta(minutes=2)).isoformat()]
ROUTER = Router(registry.ALL, 1 << 20)
ORDER = registry.by_name("order")


def event(number: int) -> Row:
    """An order each half minute; the last ones happen after the span."""
    data = ORDER.fake(Random(number), START + timedelta(seconds=30 * number)).model_dump_json()
    sent = Message(f"e{number}", data.encode(), {"event_id": f"e{number}"}, START)
    return ROUTER.row(sent)


def letter() -> Row:
    """An order that was refused, though nothing was wrong with it: the code was."""
    sent = event(2).message
    named = replace(sent, event_id="mended", attributes={"event_id": "mended"})
    return dead_letter.row(named, Reason.UNKNOWN_FIELD, "a bug")


class World:
    """Stores with six orders in tables and files, one of them twice, and two dead letters."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        environment = f"r{uuid4().hex[:10]}"
        monkeypatch.setenv("PROJECT_ID", PROJECT)
        monkeypatch.setenv("ENVIRONMENT", environment)
        self.bq, self.dataset = bigquery.Client(PROJECT), f"{environment}_events_dataset"
        self.bq.create_dataset(self.dataset)
        self.bucket = storage.Client(PROJECT).create_bucket(f"{PROJECT}-{environment}-raw-events")
        sender = InsertAll(self.dataset, self.bq)
        broken = Message("broken", b"{", {"event_id": "broken"}, START)
        letters = [letter(), dead_letter.row(broken, Reason.NOT_JSON, "torn")]
        ensure_table(self.bq, self.dataset, DEAD_LETTER_TABLE)
        ensure_table(self.bq, self.dataset, ORDER.layout)
        orders = [event(number) for number in range(6)]
        assert sender.send(ORDER.table, orders) == []
        assert sender.send(DEAD_LETTER_TABLE.name, letters) == []
        for number, each in enumerate([*orders, orders[0], *letters]):
            name = f"{each.file_prefix}{number:03}.json"
            self.bucket.blob(name).upload_from_string(each.line + b"\n")

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        """A table's rows by event id, each of which is there once; without when it was made."""
        rows = [dict(each) for each in self.bq.list_rows(f"{PROJECT}.{self.dataset}.{table}")]
        times = ("processed_timestamp", "failed_at")
        by_id = {
            row["event_id"]: {name: row[name] for name in row if name not in times} for row in rows
        }
        assert len(by_id) == len(rows)
        return by_id

    def query(self, sql: str) -> None:
        self.bq.query_and_wait(sql.format(orders=f"`{self.dataset}.orders`"))

    def copied(self, folder: Path) -> Path:
        """The raw files in a folder, as `gcloud storage cp -r` leaves them."""
        for blob in self.bucket.list_blobs():
            (folder / blob.name).parent.mkdir(parents=True, exist_ok=True)
            blob.download_to_filename(str(folder / blob.name))
        return folder


@pytest.fixture
def world(
    bigquery_emulator: None, storage_emulator: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    bigquery_sink.inserter.cache_clear()
    contracts.cache_clear()
    made = World(monkeypatch)
    yield made
    made.bq.delete_dataset(made.dataset, delete_contents=True)


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE {orders} SET status = 'shipped', total_amount = 0 WHERE TRUE",
        "DROP TABLE {orders}",
    ],
)
def test_a_wrong_table_is_mended_within_the_span_and_a_second_time_changes_nothing(
    world: World, wrong: str
) -> None:
    before = world.rows("orders")
    world.query(wrong)
    assert replay.replay(SPAN) == {"orders": 5, "inventory": 0, "user_activity": 0,
                                   "dead_letter_events": 1}  # fmt: skip
    mended = world.rows("orders")
    within = {f"e{number}" for number in range(4)}
    assert {name: mended[name] for name in within} == {name: before[name] for name in within}
    assert mended["mended"] == {**before["e2"], "event_id": "mended"}
    assert world.rows(DEAD_LETTER_TABLE.name).keys() == {"broken"}
    if wrong.startswith("UPDATE"):  # after the span nothing is touched
        assert mended["e5"]["total_amount"] == 0
    assert replay.replay(SPAN)["orders"] == 5
    assert world.rows("orders") == mended
    left = [each.dataset_id for each in world.bq.list_datasets() if "_replay_" in each.dataset_id]
    assert left == []


def test_a_folder_of_raw_files_does_as_well(world: World, tmp_path: Path) -> None:
    folder = world.copied(tmp_path)
    before = world.rows("orders")
    world.query("DELETE FROM {orders} WHERE TRUE")
    assert replay.main([*SPAN, "--source", str(folder)]) == 0
    assert world.rows("orders") == {
        **{f"e{number}": before[f"e{number}"] for number in range(4)},
        "mended": {**before["e2"], "event_id": "mended"},
    }


def test_a_table_that_lacks_a_column_of_its_type_is_refused_and_left_as_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.integration.newer import EVENT_TYPES

    monkeypatch.setattr(registry, "ALL", EVENT_TYPES)
    before = world.rows("orders")
    assert replay.main(SPAN) == 2
    assert "replay: table orders lacks items.colour, coupon" in capsys.readouterr().err
    assert world.rows("orders") == before
