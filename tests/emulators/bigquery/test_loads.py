"""Load jobs of newline-delimited JSON, as the official client and bq send them."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx
import orjson
import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import bigquery

from event_types.base import EventType
from event_types.registry import ALL
from event_types.render import ddl
from localgcp.bigquery.emulator import BigQueryEmulator
from tests.emulators.bigquery.conftest import PROJECT, connect, order

DAY, NEXT_DAY = "2024-01-15", "2024-01-16"


def lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def load(client: bigquery.Client, table: str, data: bytes, **settings: Any) -> bigquery.LoadJob:
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", **settings)
    job = client.load_table_from_file(io.BytesIO(data), table, size=len(data), job_config=config)
    job.result()
    return job


def ids(client: bigquery.Client, table: str) -> list[str]:
    return sorted(row.event_id for row in client.list_rows(table))


def test_a_file_is_appended(client: bigquery.Client, orders: str) -> None:
    client.insert_rows_json(orders, [order(1)])
    job = load(client, orders, lines(order(2), order(3, event_date="1970-01-01")))
    assert (job.output_rows, job.input_files, job.state) == (2, 1, "DONE")
    assert ids(client, orders) == ["e1", "e2", "e3"]
    assert client.get_table(orders).num_rows == 3


def test_a_partition_is_made_again_from_its_lines(client: bigquery.Client, orders: str) -> None:
    """What the files hold of a day, line by line, is what the day's partition held."""
    client.insert_rows_json(orders, [order(n) for n in range(5)])
    client.insert_rows_json(orders, [order(9, event_date=NEXT_DAY)])
    table = client.get_table(orders)
    before = [dict(row) for row in client.list_rows(table) if str(row.event_date) == DAY]
    client.query_and_wait(f"DELETE FROM `{orders}` WHERE event_id IN ('e0', 'e1')")
    day = lines(*(order(n) for n in range(5)))
    for _ in range(2):  # a second time replaces, and doubles nothing
        load(client, f"{orders}${DAY.replace('-', '')}", day, write_disposition="WRITE_TRUNCATE")
    after = [dict(row) for row in client.list_rows(table) if str(row.event_date) == DAY]
    by_id = lambda row: row["event_id"]  # noqa: E731
    assert sorted(after, key=by_id) == sorted(before, key=by_id)
    assert ids(client, orders) == ["e0", "e1", "e2", "e3", "e4", "e9"]
    again = client.get_table(orders)
    assert (again.schema, again.clustering_fields) == (table.schema, table.clustering_fields)
    for id_ in ("2024", "20241301", "", "x'; DROP TABLE t; --"):
        with pytest.raises(BadRequest, match="no id of a DAY partition"):
            load(client, f"{orders}${id_}", day, write_disposition="WRITE_TRUNCATE")
    with pytest.raises(BadRequest, match="rather than destination partition 20240115"):
        load(client, f"{orders}$20240115", lines(order(1, event_date=NEXT_DAY)))


@pytest.mark.parametrize("event_type", ALL, ids=lambda each: each.name)
def test_the_pipeline_s_lines_rebuild_a_day_of_its_tables(
    client: bigquery.Client, dataset: str, event_type: EventType
) -> None:
    rng, noon = Random(1), datetime(2024, 1, 15, 12, tzinfo=UTC)
    client.query_and_wait(ddl(event_type.layout, dataset))
    name = f"{PROJECT}.{dataset}.{event_type.table}"
    rows = [
        event_type.row(event_type.fake(rng, noon), f"e{n}", noon, processed=noon) for n in range(50)
    ]
    assert client.insert_rows_json(name, rows) == []
    table = client.get_table(name)
    before = [dict(row) for row in client.list_rows(table)]
    (day, *others) = client.list_partitions(table)
    assert others == []
    client.query_and_wait(f"DELETE FROM `{name}` WHERE event_id < 'e3'")
    file = b"\n".join(orjson.dumps(row) for row in rows)  # as the pipeline writes an object
    job = load(client, f"{name}${day}", file, write_disposition="WRITE_TRUNCATE")
    assert job.output_rows == 50
    assert [dict(row) for row in client.list_rows(table)] == before


def test_one_bad_line_stops_all_unless_it_may_be_left_out(
    client: bigquery.Client, orders: str
) -> None:
    first = lines(order(1))
    data = first + lines(order(2, total="x")) + b"{not json\n" + lines(order(3, nope=1))
    with pytest.raises(BadRequest, match=r"too many errors, giving up\. Rows: 2; errors: 1"):
        load(client, orders, data)
    assert ids(client, orders) == []
    job = load(client, orders, data, max_bad_records=3)
    assert ids(client, orders) == ["e1"]
    told = [error["message"].partition("starting at position ")[2] for error in job.errors]
    assert told[0] == f"{len(first)}: Cannot convert value to floating point (bad value): x"
    assert "Not valid JSON" in told[1]
    assert "no such field: nope" in told[2]
    load(client, orders, lines(order(4, nope=1)), ignore_unknown_values=True)
    assert ids(client, orders) == ["e1", "e4"]


def test_a_failed_job_lists_its_errors(client: bigquery.Client, orders: str) -> None:
    job = client.load_table_from_json([order(1, total="x")], orders)
    with pytest.raises(BadRequest):
        job.result()
    assert [error["reason"] for error in job.errors] == ["invalid", "invalid"]
    assert "JSON parsing error in row starting at position 0" in job.errors[1]["message"]


def test_a_load_job_has_no_rows_to_return(
    emulator: BigQueryEmulator, client: bigquery.Client, orders: str
) -> None:
    job = load(client, orders, b"")
    host = emulator.env()["BIGQUERY_EMULATOR_HOST"]
    answer = httpx.get(f"{host}/bigquery/v2/projects/{PROJECT}/queries/{job.job_id}")
    assert (answer.status_code, "it is a load job" in answer.text) == (400, True)


def test_dispositions(client: bigquery.Client, orders: str, dataset: str) -> None:
    load(client, orders, lines(order(1)), write_disposition="WRITE_EMPTY")
    with pytest.raises(Conflict, match="Already Exists: Table"):
        load(client, orders, lines(order(2)), write_disposition="WRITE_EMPTY")
    load(client, orders, lines(order(3)), write_disposition="WRITE_TRUNCATE")
    assert ids(client, orders) == ["e3"]
    assert client.get_table(orders).time_partitioning.field == "event_date"
    absent = f"{PROJECT}.{dataset}.absent"
    with pytest.raises(NotFound, match="Not found: Table"):
        load(client, absent, lines({"a": 1}), create_disposition="CREATE_NEVER")
    with pytest.raises(BadRequest, match="No schema specified on job or table"):
        load(client, absent, lines({"a": 1}))


def test_a_load_and_streams_do_not_wait_for_one_another(
    emulator: BigQueryEmulator, client: bigquery.Client, orders: str
) -> None:
    file = lines(*(order(n) for n in range(30_000)))
    with ThreadPoolExecutor(1) as pool, connect(emulator) as other:
        loading = pool.submit(load, other, orders, file)
        streamed = 0
        while not loading.done() or not streamed:
            assert client.insert_rows_json(orders, [order(-1)]) == []
            streamed += 1
        assert loading.result().output_rows == 30_000
    assert client.get_table(orders).num_rows == 30_000 + streamed


def test_a_table_is_made_with_the_schema_and_layout_given(
    client: bigquery.Client, orders: str, dataset: str
) -> None:
    made = f"{PROJECT}.{dataset}.made"
    like = client.get_table(orders)
    load(
        client,
        made,
        lines(order(1)),
        schema=like.schema,
        time_partitioning=bigquery.TimePartitioning(field="event_date"),
        clustering_fields=["event_id"],
        destination_table_description="from a file",
    )
    table = client.get_table(made)
    assert (table.schema, table.num_rows) == (like.schema, 1)
    assert client.list_partitions(made) == ["20240115"]
    assert (table.clustering_fields, table.description) == (["event_id"], "from a file")
    more = [*like.schema, bigquery.SchemaField("more", "STRING")]
    with pytest.raises(BadRequest, match=r"Cannot add fields \(field: more\)"):
        load(client, made, lines(order(2)), schema=more)
    with pytest.raises(BadRequest, match="Field event_date is missing"):
        load(client, made, lines(order(2)), schema=like.schema[:-1])


def test_a_schema_is_detected(client: bigquery.Client, dataset: str) -> None:
    table = f"{PROJECT}.{dataset}.detected"
    rows: list[dict[str, Any]] = [
        {"n": 1, "f": 1, "d": DAY, "t": "2024-01-15T10:30:00Z", "r": {"x": True}},
        {"s": "text", "f": 2.5, "a": ["p", "q"], "r": {"y": None}},
    ]
    client.load_table_from_json(rows, table).result()
    schema = {
        field.name: (field.field_type, field.mode) for field in client.get_table(table).schema
    }
    null = "NULLABLE"
    assert schema == {
        **{"n": ("INTEGER", null), "f": ("FLOAT", null), "d": ("DATE", null)},
        **{"t": ("TIMESTAMP", null), "r": ("RECORD", null), "s": ("STRING", null)},
        "a": ("STRING", "REPEATED"),
    }
    assert sorted(row.f for row in client.list_rows(table)) == [1.0, 2.5]
    for bad in (b"{not json", b"[1]", b""):
        with pytest.raises(BadRequest, match="Schema has no fields"):
            load(client, f"{table}_2", bad, autodetect=True)
    with pytest.raises(BadRequest, match="autodetect of field z from text '007'"):
        client.load_table_from_json([{"z": "007"}], f"{table}_2").result()


def test_a_large_file_is_uploaded_in_parts(
    client: bigquery.Client, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("google.cloud.bigquery.client._DEFAULT_CHUNKSIZE", 1024 * 1024)
    data = lines(*({"n": n, "text": "x" * 1000} for n in range(6_000)))
    schema = [bigquery.SchemaField("n", "INT64"), bigquery.SchemaField("text", "STRING")]
    job = load(client, f"{PROJECT}.{dataset}.large", data, schema=schema)
    assert (job.output_rows, job.input_file_bytes) == (6_000, len(data))
    (row,) = client.query_and_wait(f"SELECT COUNT(DISTINCT n) AS n FROM {dataset}.large")
    assert row.n == 6_000


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"source_format": "DATASTORE_BACKUP"}, "load of DATASTORE_BACKUP"),
        ({"time_zone": "Asia/Tokyo"}, "timeZone"),
    ],
)
def test_what_it_cannot_load_is_refused(
    client: bigquery.Client, orders: str, settings: dict[str, Any], field: str
) -> None:
    config = bigquery.LoadJobConfig(**{"source_format": "NEWLINE_DELIMITED_JSON"} | settings)
    with pytest.raises(BadRequest, match=f"not supported by the emulator: .*{field}"):
        client.load_table_from_file(io.BytesIO(b""), orders, size=0, job_config=config)


def test_a_uri_without_cloud_storage_fails_by_name(
    client: bigquery.Client, orders: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never goes to Google's."""
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON")
    job = client.load_table_from_uri("gs://bucket/output/order/*", orders, job_config=config)
    with pytest.raises(BadRequest, match=r"gs://bucket/output/order/\* without Cloud Storage"):
        job.result()


def test_a_broken_upload_can_be_resumed(emulator: BigQueryEmulator, orders: str) -> None:
    project, dataset, table = orders.split(".")
    reference = {"projectId": project, "datasetId": dataset, "tableId": table}
    config = {"sourceFormat": "NEWLINE_DELIMITED_JSON", "destinationTable": reference}
    host, data = emulator.env()["BIGQUERY_EMULATOR_HOST"], lines(order(1), order(2))
    url = f"{host}/resumable/upload/bigquery/v2/projects/{project}/jobs?uploadType=resumable"
    begun = httpx.post(url, json={"configuration": {"load": config}})
    place, total = begun.headers["location"], len(data)

    def put(part: bytes, content_range: str) -> httpx.Response:
        return httpx.put(place, content=part, headers={"content-range": content_range})

    assert put(data[:10], f"bytes 0-9/{total}").headers["range"] == "bytes=0-9"
    asked = put(b"", f"bytes */{total}")
    assert (asked.status_code, asked.headers["range"]) == (308, "bytes=0-9")
    assert put(data[20:], f"bytes 20-{total - 1}/{total}").status_code == 400
    done = put(data[5:], f"bytes 5-{total - 1}/{total}")
    assert (done.status_code, done.json()["configuration"]["jobType"]) == (200, "LOAD")
    assert put(data, f"bytes 0-{total - 1}/{total}").status_code == 404
