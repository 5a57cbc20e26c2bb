"""What is told of a dataset's tables to who asks often: rows, and how long they took."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.rows.streaming import Row
from localgcp.bigquery.server import Server
from localgcp.bigquery.service import Service

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COLUMNS = [
    {"name": "sent", "type": "TIMESTAMP"},
    {"name": "made_here", "type": "TIMESTAMP"},
    {"name": "word", "type": "STRING"},
]


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service(None, NOW.timestamp, NOW.timestamp)
    made.catalog.create_dataset("shop-1234", {"datasetReference": {"datasetId": "ds"}})
    for table in ("orders", "empty"):
        reference = {"tableReference": {"tableId": table}, "schema": {"fields": COLUMNS}}
        made.create_table("shop-1234", "ds", reference)
    view = {
        "tableReference": {"tableId": "v"},
        "view": {"query": "SELECT 1 AS one", "useLegacySql": False},
    }
    made.create_table("shop-1234", "ds", view)
    yield made
    made.close()


def store(service: Service, *seconds: float) -> None:
    rows = [
        Row(
            None,
            {
                "sent": NOW.isoformat(),
                "made_here": (NOW + timedelta(seconds=each)).isoformat(),
                "word": "x",
            },
        )
        for each in seconds
    ]
    orders = Name("shop-1234", "ds", "orders")
    insert = service.streaming.insert_all
    assert insert(orders, rows, skip_invalid=False, ignore_unknown=False) == []


def ask(service: Service, path: str) -> httpx.Response:
    async def asking() -> httpx.Response:
        transport = httpx.ASGITransport(server)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get(path)

    server = Server(service)
    try:
        return asyncio.run(asking())
    finally:
        server.close()


def test_the_rows_of_all_tables_are_told_at_once(service: Service) -> None:
    store(service, 1, 2)
    told = ask(service, "/_emulator/rows?dataset=shop-1234.ds")
    assert told.json() == {"rows": {"orders": 2, "empty": 0}}
    assert ask(service, "/_emulator/rows?dataset=shop-1234.none").status_code == 404


def seconds(service: Service, first: str, last: str) -> object:
    asked = f"/_emulator/seconds?dataset=shop-1234.ds&first={first}&last={last}"
    return ask(service, asked).json()["seconds"]


def test_how_long_it_took_is_told_of_the_newest_rows(service: Service) -> None:
    store(service, *[1000.0] * 10)
    store(service, *(each / 10 for each in range(500)))
    assert seconds(service, "sent", "made_here") == {"orders": {"p50": 24.9, "p99": 49.4}}


@pytest.mark.parametrize("last", ["word", "absent", '"', "1--", ""])
def test_of_what_is_no_timestamp_nothing_is_told(service: Service, last: str) -> None:
    store(service, 1)
    assert seconds(service, "sent", last) == {}
