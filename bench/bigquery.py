"""How fast the BigQuery emulator takes rows and answers queries, against DuckDB alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import count, cycle, islice
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
from google.cloud import bigquery

from bench.errors import BenchError
from bench.events import samples
from bench.ground import Ground
from bench.rows import ROWS, Kind, Row, latencies, skipped
from event_types.order import ORDER
from local.stack import PROJECT_ID
from services.table_manager.tables import ensure_table

TITLE = "BigQuery: nested rows into a table on disk, and back"
DATASET = "bench"
BATCH = 500
INSERT, QUERY = "insert, 500 rows a request", "query: GROUP BY of one partition"
QUERY_SQL = (
    "SELECT status, COUNT(*) AS orders, ROUND(SUM(total_amount), 2) AS revenue FROM {table} "
    "WHERE event_date = DATE '2024-01-15' GROUP BY status ORDER BY status"
)
NO_PEER = (
    "no peer fit to compare: bqemulator 1.4.0 copies the table at every insert, local-bigquery "
    "needs Python 3.13 and a download; not run here"
)


Batch = TypeVar("Batch")
_numbers = count(1)
"""A row id that came before would be a duplicate, and cost nothing."""


class Refused(BenchError):
    """An insert did not go through."""


def compare(ground: Ground) -> Iterator[Row]:
    """Rows a second and query latency: by the official client, raw HTTP, and DuckDB alone."""
    batches = ground.size(20, 10)
    queries = ground.size(50, 10)
    with ground.emulator("bigquery"):
        yield from _emulator(ground, batches, queries)
    yield skipped(INSERT, "another emulator", Kind.STOCK, ROWS, NO_PEER)
    yield from _duckdb(ground, batches, queries)


def _emulator(ground: Ground, batches: int, queries: int) -> Iterator[Row]:
    client = bigquery.Client(project=PROJECT_ID)
    client.create_dataset(DATASET)
    ensure_table(client, DATASET, ORDER.layout)
    table = f"{PROJECT_ID}.{DATASET}.{ORDER.table}"
    ours = Kind.OURS
    ground.step(f"our emulator: {batches} batches of {BATCH} rows by the official client")
    rate = ground.best(
        lambda: _rate(list(_batches(batches)), lambda rows: _insert(client, table, rows))
    )
    remark = f"best of {ground.passes}; insert_rows_json, with row ids"
    yield Row(INSERT, "our emulator, client", ours, rate, ROWS, remark)
    ground.step(f"our emulator: {queries} queries")
    sql = QUERY_SQL.format(table=f"`{table}`")
    waits = _waits(queries, lambda: list(client.query_and_wait(sql)))
    yield from latencies(QUERY, "our emulator, client", ours, waits)
    ground.step(f"our emulator: {batches} batches of {BATCH} rows by raw HTTP")
    address = ground.environ["BIGQUERY_EMULATOR_HOST"].removeprefix("http://")
    connection = HTTPConnection(address)
    rate = ground.best(
        lambda: _rate([_body(rows) for rows in _batches(batches)], lambda b: _post(connection, b))
    )
    remark = f"best of {ground.passes}; insertAll, JSON made before"
    yield Row(INSERT, "our emulator, raw HTTP", ours, rate, ROWS, remark)


def _duckdb(ground: Ground, batches: int, queries: int) -> Iterator[Row]:
    ground.step(f"DuckDB alone: {batches} batches of {BATCH} rows through Arrow")
    with duckdb.connect(ground.folder / "limit.duckdb") as database:
        schema = pa.Table.from_pylist(_typed(next(_batches(1)))).schema
        database.register("empty", schema.empty_table())
        database.execute("CREATE TABLE orders AS SELECT * FROM empty")

        def insert(rows: list[dict[str, Any]]) -> None:
            database.register("batch", pa.Table.from_pylist(rows, schema=schema))
            database.execute("INSERT INTO orders SELECT * FROM batch")

        rate = ground.best(lambda: _rate([_typed(rows) for rows in _batches(batches)], insert))
        remark = f"best of {ground.passes}; through Arrow, a transaction a batch"
        yield Row(INSERT, "DuckDB alone", Kind.LIMIT, rate, ROWS, remark)
        sql = QUERY_SQL.format(table="orders")
        waits = _waits(queries, lambda: database.execute(sql).fetchall())
        yield from latencies(QUERY, "DuckDB alone", Kind.LIMIT, waits)


def _batches(number: int) -> Iterator[list[dict[str, Any]]]:
    """Batches of order rows as JSON holds them, each row with an id of its own."""
    now = datetime.now(UTC)
    orders = cycle(event for name, event in samples() if name == ORDER.name)
    for _ in range(number):
        yield [
            ORDER.row(event, f"row-{next(_numbers)}", now, now) for event in islice(orders, BATCH)
        ]


def _typed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same with dates and times as such."""
    moments = ("order_date", "publish_time", "processed_timestamp")
    return [
        {
            **row,
            **{name: datetime.fromisoformat(row[name]) for name in moments},
            "event_date": datetime.fromisoformat(row["event_date"]).date(),
        }
        for row in rows
    ]


def _insert(client: bigquery.Client, table: str, rows: list[dict[str, Any]]) -> None:
    errors = client.insert_rows_json(table, rows, row_ids=[row["event_id"] for row in rows])
    if errors:
        raise Refused(f"table {table}: {errors[0]}")


def _rate(ready: Sequence[Batch], insert: Callable[[Batch], None]) -> float:
    """Rows a second, of batches made before."""
    began = time.monotonic()
    for batch in ready:
        insert(batch)
    return len(ready) * BATCH / (time.monotonic() - began)


def _body(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(
        {"rows": [{"insertId": row["event_id"], "json": row} for row in rows]}
    ).encode()


def _post(connection: HTTPConnection, body: bytes) -> None:
    path = f"/bigquery/v2/projects/{PROJECT_ID}/datasets/{DATASET}/tables/{ORDER.table}/insertAll"
    connection.request("POST", path, body, {"content-type": "application/json"})
    answer: dict[str, Any] = json.load(connection.getresponse())
    if "insertErrors" in answer or "error" in answer:
        raise Refused(f"POST {path}: {answer}")


def _waits(times: int, query: Callable[[], object]) -> list[float]:
    query()  # what is loaded on first use is no part of a query
    waits = []
    for _ in range(times):
        began = time.monotonic()
        query()
        waits.append(time.monotonic() - began)
    return waits
