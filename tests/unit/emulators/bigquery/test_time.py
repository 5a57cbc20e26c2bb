"""What waits for time: the window of insertIds, the bounds of streaming, expiry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import TableNotFound
from localgcp.bigquery.rows.insert_ids import DEDUP_IDS, DEDUP_WINDOW_S
from localgcp.bigquery.rows.streaming import InsertError, Row
from localgcp.bigquery.service import Service

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TABLE = Name("test-project", "ds", "t")


class Clock:
    def __init__(self) -> None:
        self.now = NOW.timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(clock: Clock) -> Iterator[Service]:
    made = Service(None, clock, clock)
    make_dataset(made)
    yield made
    made.close()


def make_dataset(service: Service) -> None:
    service.catalog.create_dataset("test-project", {"datasetReference": {"datasetId": "ds"}})


def create(service: Service, **settings: Any) -> None:
    service.create_table(
        "test-project",
        "ds",
        {
            "tableReference": {"tableId": "t"},
            "schema": {"fields": [{"name": "day", "type": "DATE"}]},
            **settings,
        },
    )


def insert(service: Service, day: object, insert_id: str | None = None) -> list[InsertError]:
    rows = [Row(insert_id, {"day": str(day)})]
    return service.streaming.insert_all(TABLE, rows, skip_invalid=False, ignore_unknown=False)


def count(service: Service) -> int:
    return service.sizes.rows(service.catalog.table(TABLE))


def test_an_insert_id_is_forgotten_after_the_window(service: Service, clock: Clock) -> None:
    create(service)
    insert(service, NOW.date(), "a")
    clock.now += DEDUP_WINDOW_S - 1
    insert(service, NOW.date(), "a")
    assert count(service) == 1
    clock.now += 2
    insert(service, NOW.date(), "a")
    assert count(service) == 2


def ids_on_disk(service: Service) -> int:
    with service.store.read() as db:
        (row,) = db.execute("SELECT count(*) FROM data.emulator.insert_ids").fetchall()
    return int(row[0])


def test_forgotten_insert_ids_leave_the_disk(service: Service, clock: Clock) -> None:
    create(service)
    insert(service, NOW.date(), "a")
    clock.now += DEDUP_WINDOW_S
    insert(service, NOW.date(), "b")
    service.sweep()
    assert ids_on_disk(service) == 2
    clock.now += 1
    service.sweep()
    assert ids_on_disk(service) == 1


def test_too_many_insert_ids_push_out_the_oldest(service: Service, clock: Clock) -> None:
    create(service)
    insert(service, NOW.date(), "oldest")
    table, many = service.catalog.table(TABLE), [str(number) for number in range(DEDUP_IDS)]
    clock.now += 1
    with service.store.write() as tx:
        service.insert_ids.remember(tx, table, many)
    assert service.insert_ids.fresh(table, ["oldest", "0"]) == [True, False]


def test_time_without_the_emulator_does_not_age_an_insert_id(tmp_path: Path) -> None:
    wall, uptime = Clock(), Clock()
    for start, rows in ((0.0, 2), (7.0, 3), (3.0, 4)):
        uptime.now = start
        service = Service(tmp_path / "bigquery.duckdb", wall, uptime)
        if start == 0.0:
            make_dataset(service)
            create(service)
        insert(service, NOW.date(), "a")
        uptime.now += 100
        insert(service, NOW.date(), f"the newest of the start at {start}")
        wall.now += 12 * 3600
        assert count(service) == rows
        service.close()
    uptime.now = 0.0
    service = Service(tmp_path / "bigquery.duckdb", wall, uptime)
    insert(service, NOW.date(), "a")
    assert count(service) == 4
    uptime.now += 1
    insert(service, NOW.date(), "a")
    assert count(service) == 5
    service.close()


def test_an_insert_id_belongs_to_one_table(service: Service, clock: Clock) -> None:
    create(service)
    insert(service, NOW.date(), "a")
    service.catalog.delete_table(TABLE)
    clock.now += 1
    create(service)
    insert(service, NOW.date(), "a")
    assert count(service) == 1


@pytest.mark.parametrize(("days", "taken"), [(-3651, 0), (-3650, 1), (366, 1), (367, 0)])
def test_streams_to_the_bounds_and_no_further(service: Service, days: int, taken: int) -> None:
    create(service, timePartitioning={"type": "DAY", "field": "day"})
    errors = insert(service, NOW.date() + timedelta(days=days))
    assert (count(service), len(errors)) == (taken, 1 - taken)


def test_partitions_expire(service: Service, clock: Clock) -> None:
    day_ms = 86_400_000
    part = {"type": "DAY", "field": "day", "expirationMs": str(3 * day_ms)}
    create(service, timePartitioning=part)
    for ago in range(5):
        insert(service, NOW.date() - timedelta(days=ago))
    service.expiry.sweep()
    assert count(service) == 3
    clock.now += 86_400
    service.expiry.sweep()
    assert count(service) == 2


def test_tables_expire(service: Service, clock: Clock) -> None:
    create(service, expirationTime=str(int((clock.now + 60) * 1000)))
    service.expiry.sweep()
    clock.now += 61
    service.expiry.sweep()
    with pytest.raises(TableNotFound):
        service.catalog.table(TABLE)
