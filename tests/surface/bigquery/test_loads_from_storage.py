"""Load jobs of objects: every format, wildcards, and what may become of the table's schema."""

from __future__ import annotations

import gzip
import io
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage

from localgcp.testing.cloud import Cloud
from tests.surface.introspect import covers

field = bigquery.SchemaField
NOON = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def bucket(gcp_services: Cloud) -> Iterator[storage.Bucket]:
    gcp_services.need("storage")
    client = storage.Client(gcp_services.project_id, AnonymousCredentials())
    yield client.create_bucket(f"loads-{uuid.uuid4().hex[:12]}")
    client.close()


def put(bucket: storage.Bucket, name: str, data: bytes | str) -> str:
    bucket.blob(name).upload_from_string(data)
    return f"gs://{bucket.name}/{name}"


def load(
    client: bigquery.Client, table: object, uris: str | list[str], **options: Any
) -> bigquery.LoadJob:
    options.setdefault("source_format", "NEWLINE_DELIMITED_JSON")
    config = bigquery.LoadJobConfig(**options)
    job = client.load_table_from_uri(uris, table, job_config=config)
    job.result()
    return job


def rows_of(client: bigquery.Client, table: object) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.list_rows(table)]


@covers(bigquery.Client, "load_table_from_uri")
def test_objects_by_wildcard_and_by_name(
    client: bigquery.Client, dataset: bigquery.DatasetReference, bucket: storage.Bucket
) -> None:
    schema = [field("n", "INTEGER")]
    put(bucket, "w/a-1.json", '{"n": 1}\n')
    put(bucket, "w/a-2.json.gz", gzip.compress(b'{"n": 2}\n') + gzip.compress(b'{"n": 3}\n'))
    put(bucket, "w/deep/a-3.json", '{"n": 4}\n')
    put(bucket, "w/a.csv", "9")
    uris = [f"gs://{bucket.name}/w/a-*", f"gs://{bucket.name}/w/*.json"]
    job = load(client, dataset.table("t"), uris, schema=schema)
    assert (job.source_uris, job.input_files, job.output_rows) == (uris, 4, 5)
    assert [n for (n,) in rows_of(client, dataset.table("t"))] == [1, 2, 3, 1, 4]
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=schema)
    odd = put(bucket, "a b/ü?#.json", '{"n": 5}')
    job = client.load_table_from_uri(odd, dataset.table("u"), job_config=config)
    assert job.result().output_rows == 1
    assert (job.input_files, job.input_file_bytes) == (1, 8)


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("absent.json", "Not found: URI gs://"),
        ("absent-*.json", "Not found: Uris gs://"),
    ],
)
def test_what_is_not_there_is_not_found(
    client: bigquery.Client,
    dataset: bigquery.DatasetReference,
    bucket: storage.Bucket,
    uri: str,
    told: str,
) -> None:
    for named in (f"gs://{bucket.name}/{uri}", f"gs://no-such-bucket-anywhere/{uri}"):
        with pytest.raises(NotFound, match=told):
            load(client, dataset.table("t"), named, autodetect=True)


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("gs://b*/x", "in the object's name alone"),
        ("gs://b/*/x*", "at most one wildcard"),
        ("gs://b", "has both parts"),
        ("https://example.com/x", "only gs:// URIs"),
    ],
)
def test_a_uri_that_is_none_is_told(
    client: bigquery.Client, dataset: bigquery.DatasetReference, uri: str, told: str
) -> None:
    with pytest.raises(BadRequest, match=told):
        load(client, dataset.table("t"), uri, autodetect=True)


def test_a_bad_row_is_told_with_its_object(
    client: bigquery.Client, dataset: bigquery.DatasetReference, bucket: storage.Bucket
) -> None:
    schema = [field("n", "INTEGER")]
    put(bucket, "bad/1.json", '{"n": 1}\n{"n": "x"}\n')
    last = put(bucket, "bad/2.json", '{"n": "y"}\n{"n": 2}\n')
    every = f"gs://{bucket.name}/bad/*"
    with pytest.raises(BadRequest, match="too many errors"):
        load(client, dataset.table("t"), every, schema=schema, max_bad_records=1)
    with pytest.raises(NotFound):
        client.get_table(dataset.table("t"))
    job = load(client, dataset.table("t"), every, schema=schema, max_bad_records=2)
    assert [error["location"] for error in job.errors] == [f"gs://{bucket.name}/bad/1.json", last]
    assert f"(bad value): y File: {last}" in job.errors[1]["message"]
    assert rows_of(client, dataset.table("t")) == [(1,), (2,)]


def test_csv_objects_with_a_header_each(
    client: bigquery.Client, dataset: bigquery.DatasetReference, bucket: storage.Bucket
) -> None:
    put(bucket, "csv/1.csv", "name,age\nAda,36\n")
    put(bucket, "csv/2.csv", "name,age\nBob,41\n")
    csv, both = {"source_format": "CSV", "autodetect": True}, f"gs://{bucket.name}/csv/*"
    load(client, dataset.table("t"), both, **csv)
    assert rows_of(client, dataset.table("t")) == [("Ada", 36), ("Bob", 41)]
    turned = put(bucket, "turned.csv", "age,name\n50,Cyd\n")
    load(client, dataset.table("t"), turned, **csv)  # by the names of its first line
    assert rows_of(client, dataset.table("t"))[-1] == ("Cyd", 50)
    with pytest.raises(BadRequest, match=r"Cannot add fields \(field: town\)"):
        load(client, dataset.table("t"), put(bucket, "o.csv", "town,age\nRome,1\n"), **csv)
    latin = put(bucket, "latin.csv", "Zoë,1\n".encode("latin-1"))
    load(client, dataset.table("t"), latin, source_format="CSV", encoding="ISO-8859-1")
    assert rows_of(client, dataset.table("t"))[-1] == ("Zoë", 1)


AVRO = {
    "type": "record",
    "name": "order",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "long", "doc": "of the shop"},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "state", "type": {"type": "enum", "name": "state", "symbols": ["NEW", "OLD"]}},
        {"name": "was", "type": ["null", "state"]},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "sizes", "type": {"type": "map", "values": "int"}},
        {"name": "key", "type": {"type": "fixed", "name": "key", "size": 2}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "clock", "type": {"type": "long", "logicalType": "time-micros"}},
        {"name": "here", "type": {"type": "string", "logicalType": "datetime"}},
        {
            "name": "price",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2},
        },
        {
            "name": "item",
            "type": {
                "type": "record",
                "name": "item",
                "fields": [{"name": "weight", "type": ["null", "double"]}],
            },
        },
        {"name": "more", "type": {"type": "array", "items": "item"}},
    ],
}
ORDER = {
    **{"id": 1, "note": None, "state": "NEW", "was": "OLD", "tags": ["a", "b"], "key": b"\x00\x01"},
    **{"sizes": {"x": 1}, "day": NOON.date(), "at": NOON, "clock": NOON.time()},
    **{"here": "2026-11-25T12:00:00", "price": Decimal("9.99"), "item": {"weight": 0.5}},
    "more": [{"weight": None}],
}


def avro(schema: dict[str, Any], *rows: dict[str, Any], codec: str = "deflate") -> bytes:
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(schema), rows, codec)
    return file.getvalue()


def test_an_avro_file_with_its_logical_types(
    client: bigquery.Client, dataset: bigquery.DatasetReference, bucket: storage.Bucket
) -> None:
    uri = put(bucket, "orders.avro", avro(AVRO, ORDER))
    table = dataset.table("t")
    load(client, table, uri, source_format="AVRO", use_avro_logical_types=True)
    made = {column.name: column for column in client.get_table(table).schema}
    assert {name: (each.field_type, each.mode) for name, each in made.items()} == {
        "id": ("INTEGER", "REQUIRED"),
        "note": ("STRING", "NULLABLE"),
        "state": ("STRING", "REQUIRED"),
        "was": ("STRING", "NULLABLE"),
        "tags": ("STRING", "REPEATED"),
        "sizes": ("RECORD", "REPEATED"),
        "key": ("BYTES", "REQUIRED"),
        "day": ("DATE", "REQUIRED"),
        "at": ("TIMESTAMP", "REQUIRED"),
        "clock": ("TIME", "REQUIRED"),
        "here": ("DATETIME", "REQUIRED"),
        "price": ("NUMERIC", "REQUIRED"),
        "item": ("RECORD", "REQUIRED"),
        "more": ("RECORD", "REPEATED"),
    }
    assert made["id"].description == "of the shop"
    (row,) = client.list_rows(table)
    assert dict(row) == ORDER | {
        "sizes": [{"key": "x", "value": 1}],
        "here": datetime(2026, 11, 25, 12),
    }
    load(client, table, uri, source_format="AVRO", use_avro_logical_types=True)
    assert client.get_table(table).num_rows == 2


def test_an_avro_file_without_its_logical_types(
    client: bigquery.Client, dataset: bigquery.DatasetReference, bucket: storage.Bucket
) -> None:
    uri = put(bucket, "raw.avro", avro(AVRO, ORDER, codec="null"))
    table = dataset.table("t")
    load(client, table, uri, source_format="AVRO", decimal_target_types=["STRING"])
    (row,) = client.list_rows(table)
    assert (row.day, row.at) == ((NOON.date() - date(1970, 1, 1)).days, 1795608000123456)
    assert (row.here, row.price) == ("2026-11-25T12:00:00", "9.99")
    both: list[Any] = ["int", "string"]
    odd = {"type": "record", "name": "r", "fields": [{"name": "u", "type": both}]}
    with pytest.raises(BadRequest, match="not supported by the emulator: the union u of 2 types"):
        load(client, table, put(bucket, "u.avro", avro(odd, {"u": 1})), source_format="AVRO")
    with pytest.raises(BadRequest, match="Error while reading data"):
        load(client, table, put(bucket, "no.avro", b"Obj\x01no"), source_format="AVRO")


def test_orc_and_parquet_objects(
    client: bigquery.Client, dataset: bigquery.DatasetReference, bucket: storage.Bucket
) -> None:
    columns = {
        "s": pa.array(["x", None]),
        "n": pa.array([1, None], pa.int32()),
        "at": pa.array([datetime(2026, 11, 25, 12), None], pa.timestamp("ns")),
        "d": pa.array([date(2026, 11, 25), None]),
        "price": pa.array([Decimal("1.25"), None], pa.decimal128(10, 2)),
        "r": pa.array([{"x": 1.5, "ys": ["a"]}, None]),
    }
    for kind, moment in (("ORC", "TIMESTAMP"), ("PARQUET", "DATETIME")):
        file = io.BytesIO()
        if kind == "ORC":
            pyarrow.orc.write_table(pa.table(columns), file)
        else:
            pq.write_table(pa.table(columns), file, compression="snappy")
        uri, table = put(bucket, f"rows.{kind}", file.getvalue()), dataset.table(kind)
        options = bigquery.ParquetOptions()
        options.enable_list_inference = True
        more = {"parquet_options": options} if kind == "PARQUET" else {}
        load(client, table, uri, source_format=kind, **more)
        kinds = [column.field_type for column in client.get_table(table).schema]
        assert kinds == ["STRING", "INTEGER", moment, "DATE", "NUMERIC", "RECORD"]
        first, second = rows_of(client, table)
        noon = NOON.replace(microsecond=0, tzinfo=UTC if kind == "ORC" else None)
        assert first == ("x", 1, noon, date(2026, 11, 25), Decimal("1.25"), {"x": 1.5, "ys": ["a"]})
        assert second[:5] == (None,) * 5


@covers(bigquery.LoadJob, "schema_update_options")
def test_a_load_adds_columns_and_relaxes_them(
    client: bigquery.Client, people: bigquery.Table, bucket: storage.Bucket
) -> None:
    more = put(bucket, "more.json", '{"name": "Dan", "town": "Rome", "tags": ["x"]}')
    with pytest.raises(BadRequest, match="no such field: town"):
        load(client, people, more, autodetect=True)
    job = load(
        client, people, more, autodetect=True, schema_update_options=["ALLOW_FIELD_ADDITION"]
    )
    assert job.schema_update_options == ["ALLOW_FIELD_ADDITION"]
    now = client.get_table(people)
    assert [(c.name, c.mode) for c in now.schema] == [
        *(("name", "REQUIRED"), ("age", "NULLABLE"), ("town", "NULLABLE"), ("tags", "REPEATED"))
    ]
    assert rows_of(client, people.reference)[-1] == ("Dan", None, "Rome", ["x"])
    given = [field("age", "INTEGER"), field("town", "STRING")]
    nameless = put(bucket, "nameless.csv", "7,Oslo\n")
    with pytest.raises(BadRequest, match="Field name is missing in new schema"):
        load(client, people, nameless, source_format="CSV", schema=given)
    relaxing = {"schema": given, "schema_update_options": ["ALLOW_FIELD_RELAXATION"]}
    load(client, people, nameless, source_format="CSV", **relaxing)
    assert client.get_table(people).schema[0].mode == "NULLABLE"
    assert rows_of(client, people.reference)[-1] == (None, 7, "Oslo", [])
    with pytest.raises(BadRequest, match="only be specified with WRITE_APPEND"):
        load(client, people, nameless, **relaxing, write_disposition="WRITE_TRUNCATE")
    with pytest.raises(BadRequest, match="has changed type from INTEGER to STRING"):
        load(client, people, nameless, schema=[field("name", "STRING"), field("age", "STRING")])


def test_columns_are_added_inside_of_records_and_by_an_avro_file(
    client: bigquery.Client, dataset: bigquery.DatasetReference, bucket: storage.Bucket
) -> None:
    table = dataset.table("t")
    load(client, table, put(bucket, "1.json", '{"r": {"a": 1}}'), autodetect=True)
    added = {"schema_update_options": ["ALLOW_FIELD_ADDITION"]}
    inner = [field("b", "STRING"), field("a", "INTEGER")]
    given = [field("r", "RECORD", fields=inner)]
    load(client, table, put(bucket, "2.json", '{"r": {"b": "x"}}'), schema=given, **added)
    record = {"type": "record", "name": "q", "fields": [{"name": "a", "type": "long"}]}
    other = {"type": "record", "name": "o", "fields": [{"name": "r", "type": record}]}
    other["fields"].append({"name": "z", "type": "boolean"})  # type: ignore[attr-defined]
    uri = put(bucket, "3.avro", avro(other, {"r": {"a": 3}, "z": True}))
    load(client, table, uri, source_format="AVRO", **added)
    assert rows_of(client, table) == [
        ({"a": 1, "b": None}, None),
        ({"a": None, "b": "x"}, None),
        ({"a": 3, "b": None}, True),
    ]


def test_a_partition_from_objects(
    client: bigquery.Client, dataset: bigquery.DatasetReference, bucket: storage.Bucket
) -> None:
    schema = [field("day", "DATE"), field("at", "TIME")]
    uri = put(bucket, "day.json", '{"day": "2024-01-01", "at": "10:30:00"}')
    parted = {"time_partitioning": bigquery.TimePartitioning(field="day"), "schema": schema}
    for _ in range(2):
        load(
            client,
            dataset.table("t$20240101"),
            uri,
            write_disposition="WRITE_TRUNCATE",
            clustering_fields=["day"],
            **parted,
        )
    assert rows_of(client, dataset.table("t")) == [(date(2024, 1, 1), time(10, 30))]
    assert client.list_partitions(dataset.table("t")) == ["20240101"]
