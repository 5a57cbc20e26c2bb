"""What waits for time: the window of insertIds, the bounds of streaming, expiry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulators.bigquery.errors import TableNotFound
from emulators.bigquery.service import Service
from emulators.bigquery.streaming import DEDUP_WINDOW_S, InsertError, Row
from emulators.bigquery.table import Name

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
    made = Service(None, clock)
    made.catalog.create_dataset("test-project", {"datasetReference": {"datasetId": "ds"}})
    yield made
    made.close()


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
    return service.figures.rows(service.catalog.table(TABLE))


def test_an_insert_id_is_forgotten_after_the_window(service: Service, clock: Clock) -> None:
    create(service)
    insert(service, NOW.date(), "a")
    clock.now += DEDUP_WINDOW_S - 1
    insert(service, NOW.date(), "a")
    assert count(service) == 1
    clock.now += 2
    insert(service, NOW.date(), "a")
    assert count(service) == 2


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
