from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery

from localgcp.bigquery.emulator import BigQueryEmulator
from tests.emulators.bigquery.conftest import connect, order


def count(client: bigquery.Client, table: str) -> int:
    (row,) = client.query_and_wait(f"SELECT COUNT(*) AS n FROM `{table}`")
    return int(row.n)


def test_rows_are_there_at_once(client: bigquery.Client, orders: str) -> None:
    assert client.insert_rows_json(orders, [order(n) for n in range(3)]) == []
    table = client.get_table(orders)
    assert table.num_rows == count(client, orders) == 3
    assert table.num_bytes > 0
    (row, *_) = client.list_rows(orders)
    assert row["items"] == [{"product_id": "p", "quantity": 2, "price": 29.99}]
    assert row["address"] == {"city": "Test City"}
    assert row["processed"].isoformat() == "2024-01-15T10:30:00.123456+00:00"


def test_a_repeated_insert_id_is_dropped(client: bigquery.Client, orders: str) -> None:
    rows = [order(1), order(2), order(1)]
    for _ in range(2):
        assert client.insert_rows_json(orders, rows, row_ids=["e1", "e2", "e1"]) == []
    assert count(client, orders) == 2


def test_one_bad_row_stops_all(client: bigquery.Client, orders: str) -> None:
    errors = client.insert_rows_json(orders, [order(1), order(2, total="x"), order(3)])
    reasons = [(e["index"], e["errors"][0]["reason"]) for e in errors]
    assert reasons == [(0, "stopped"), (1, "invalid"), (2, "stopped")]
    assert count(client, orders) == 0


def test_skip_invalid_rows_keeps_the_good(client: bigquery.Client, orders: str) -> None:
    rows = [order(1), order(2, total="x"), order(3)]
    (error,) = client.insert_rows_json(orders, rows, skip_invalid_rows=True)
    assert error == {
        "index": 1,
        "errors": [
            {
                "reason": "invalid",
                "location": "total",
                "debugInfo": "",
                "message": "Cannot convert value to floating point (bad value): x",
            }
        ],
    }
    assert count(client, orders) == 2


@pytest.mark.parametrize(
    ("change", "location", "message"),
    [
        ({"nope": 1}, "nope", "no such field: nope."),
        ({"event_id": None}, "event_id", "Missing required field: event_id."),
        ({"total": [1.0]}, "total", "Array specified for non-repeated field: total."),
        ({"address": "x"}, "address", "This field: address is not a record."),
        ({"items": [{}]}, "items[0].product_id", "Missing required field: items[0].product_id."),
        (
            {"items": [{"product_id": "p", "quantity": 1.5, "price": 1}]},
            "items[0].quantity",
            "Cannot convert value to integer (bad value): 1.5",
        ),
        ({"event_date": "15/01/2024"}, "event_date", "Invalid date: '15/01/2024'"),
    ],
)
def test_says_what_is_wrong_with_a_row(
    client: bigquery.Client, orders: str, change: dict[str, object], location: str, message: str
) -> None:
    (error,) = client.insert_rows_json(orders, [order(1, **change)])
    (detail,) = error["errors"]
    assert (detail["location"], detail["message"]) == (location, message)


def test_unknown_values_can_be_ignored(client: bigquery.Client, orders: str) -> None:
    assert client.insert_rows_json(orders, [order(1, nope=1)], ignore_unknown_values=True) == []


@pytest.mark.parametrize("day", ["1999-01-01", "2999-01-01"])
def test_a_partition_out_of_bounds_is_refused(
    client: bigquery.Client, orders: str, day: str
) -> None:
    (error,) = client.insert_rows_json(orders, [order(1, event_date=day)])
    assert "is outside the allowed bounds" in error["errors"][0]["message"]


def test_absent_tables_and_empty_requests(client: bigquery.Client, orders: str) -> None:
    with pytest.raises(NotFound, match="Not found: Table"):
        client.insert_rows_json(orders + "_none", [order(1)])
    with pytest.raises(BadRequest, match="No rows present in the request"):
        client.insert_rows_json(orders, [])


def test_limits_of_a_request(emulator: BigQueryEmulator, orders: str) -> None:
    project, dataset, table = orders.split(".")
    url = f"{emulator.env()['BIGQUERY_EMULATOR_HOST']}/bigquery/v2/projects/{project}"
    url += f"/datasets/{dataset}/tables/{table}/insertAll"
    many = json.dumps({"rows": [{"json": {}}] * 50_001})
    named = {"content-type": "application/json"}
    answer = httpx.post(url, content=many, headers=named)
    assert (answer.status_code, "too many rows" in answer.text) == (400, True)
    zeros = gzip.compress(b" " * 11_000_000)
    zipped = {**named, "content-encoding": "gzip"}
    answer = httpx.post(url, content=zeros, headers=zipped)
    assert (answer.status_code, "10485760" in answer.text) == (413, True)
    packed = gzip.compress(json.dumps({"rows": [{"json": order(1)}]}).encode())
    answer = httpx.post(url, content=packed, headers=zipped)
    assert "insertErrors" not in answer.json()


def test_many_writers_and_readers_at_once(emulator: BigQueryEmulator, orders: str) -> None:
    def write(writer: int) -> list[object]:
        with connect(emulator) as client:
            errors: list[object] = []
            for batch in range(5):
                rows = [order(writer * 1000 + batch * 20 + n) for n in range(20)]
                errors += client.insert_rows_json(orders, rows)
                count(client, orders)
            return errors

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(write, range(6))) == [[]] * 6
    with connect(emulator) as client:
        assert client.get_table(orders).num_rows == 600


def test_rows_are_refused_on_purpose_and_the_others_stored(
    emulator: BigQueryEmulator, client: bigquery.Client, orders: str
) -> None:
    page = f"{emulator.env()['BIGQUERY_EMULATOR_HOST']}/_emulator/faults"
    table = orders.rpartition(".")[2]
    fault = {"match": f"POST */{table}/insertAll", "effect": "refuse", "rate": 0.5}
    assert httpx.put(page, json={"faults": [fault], "seed": 1}).status_code == 200
    try:
        rows = [order(n) for n in range(19)] + [order(19, total="x")]
        errors = client.insert_rows_json(orders, rows, skip_invalid_rows=True)
    finally:
        httpx.delete(page)
    why = {error["index"]: error["errors"][0]["reason"] for error in errors}
    assert why.pop(19) in ("invalid", "backendError")
    assert set(why.values()) == {"backendError"}
    assert 0 < count(client, orders) == 19 - len(why) < 19
