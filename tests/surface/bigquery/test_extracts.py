"""Extract jobs: every format, what each makes of every type, shards, and what is refused."""

from __future__ import annotations

import gzip
import io
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pyarrow.parquet as pq
import pytest
from google.api_core.exceptions import BadRequest, GoogleAPICallError, NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage

from localgcp.testing.cloud import Cloud
from tests.surface.bigquery.conftest import Refused
from tests.surface.introspect import covers

ALL_TYPES = """CREATE TABLE {table} AS SELECT 'a,"b"' AS s, 1 AS i, 0.5 AS f, TRUE AS t, b'x' AS b,
  NUMERIC '1.50' AS n, DATE '2026-11-25' AS d, TIME '10:30:00' AS c,
  DATETIME '2026-11-25 10:30:00' AS dt, TIMESTAMP '2026-11-25 10:30:00.5 UTC' AS ts,
  CAST(NULL AS STRING) AS gone"""


@pytest.fixture(scope="module")
def bucket(gcp_services: Cloud) -> Iterator[storage.Bucket]:
    gcp_services.need("storage")
    client = storage.Client(gcp_services.project_id, AnonymousCredentials())
    yield client.create_bucket(f"extracts-{uuid.uuid4().hex[:12]}")
    client.close()


def extract(
    client: bigquery.Client, table: object, bucket: storage.Bucket, name: str, **options: Any
) -> bytes:
    config = bigquery.ExtractJobConfig(**options)
    client.extract_table(table, f"gs://{bucket.name}/{name}", job_config=config).result()
    data: bytes = bucket.blob(name).download_as_bytes()
    return data


@covers(bigquery.Client, "extract_table")
@covers(bigquery.ExtractJob, "source", "destination_uris", "destination_uri_file_counts")
@covers(bigquery.ExtractJob, "compression", "destination_format", "field_delimiter")
@covers(bigquery.ExtractJob, "print_header", "from_api_repr", "configuration", "to_api_repr")
def test_a_table_is_extracted(
    client: bigquery.Client, people: bigquery.Table, bucket: storage.Bucket
) -> None:
    config = bigquery.ExtractJobConfig(compression="GZIP", destination_format="CSV")
    config.field_delimiter, config.print_header = ";", False
    uri = f"gs://{bucket.name}/people.csv.gz"
    job = client.extract_table(people, uri, job_config=config)
    assert job.result().state == "DONE"
    assert (job.source, job.destination_uris) == (people.reference, [uri])
    assert (job.compression, job.destination_format) == ("GZIP", "CSV")
    assert (job.field_delimiter, job.print_header) == (";", False)
    assert job.destination_uri_file_counts == [1]
    assert job.configuration.compression == "GZIP"
    again = bigquery.ExtractJob.from_api_repr(job.to_api_repr(), client)
    assert again.destination_uris == job.destination_uris
    assert job._properties["statistics"]["extract"]["inputBytes"] == "31"
    data = bucket.blob("people.csv.gz").download_as_bytes(raw_download=True)
    assert gzip.decompress(data) == b"Ada;36\nBob;41\nCyd;\n"


def test_a_type_that_avro_has_not_is_refused_by_name(
    client: bigquery.Client, dataset: bigquery.DatasetReference, bucket: storage.Bucket
) -> None:
    table = dataset.table("odd")
    client.query_and_wait(f"CREATE TABLE {table} AS SELECT INTERVAL 1 DAY AS v")
    with pytest.raises(GoogleAPICallError, match="column v of type INTERVAL in an Avro file"):
        extract(client, table, bucket, "odd.avro", destination_format="AVRO")


def test_every_type_in_text(
    client: bigquery.Client, dataset: bigquery.DatasetReference, bucket: storage.Bucket
) -> None:
    table = dataset.table("t")
    client.query_and_wait(ALL_TYPES.format(table=f"{dataset.dataset_id}.t"))
    lines = extract(client, table, bucket, "all.csv").decode().splitlines()
    assert lines == [
        "s,i,f,t,b,n,d,c,dt,ts,gone",
        '"a,""b""",1,0.5,true,eA==,1.5,2026-11-25,10:30:00,2026-11-25T10:30:00,'
        "2026-11-25 10:30:00.500000 UTC,",
    ]
    kind = {"destination_format": "NEWLINE_DELIMITED_JSON"}
    assert json.loads(extract(client, table, bucket, "all.json", **kind)) == {
        **{"s": 'a,"b"', "i": "1", "f": 0.5, "t": True, "b": "eA==", "n": "1.5"},
        **{"d": "2026-11-25", "c": "10:30:00", "dt": "2026-11-25T10:30:00"},
        "ts": "2026-11-25 10:30:00.500000 UTC",
    }


def test_avro_and_parquet(
    client: bigquery.Client, dataset: bigquery.DatasetReference, bucket: storage.Bucket
) -> None:
    table = dataset.table("t")
    client.query_and_wait(ALL_TYPES.format(table=f"{dataset.dataset_id}.t"))
    (row,) = client.list_rows(table)
    logical = {"destination_format": "AVRO", "use_avro_logical_types": True}
    for codec in ("SNAPPY", "DEFLATE", "NONE"):
        data = extract(client, table, bucket, "all.avro", compression=codec, **logical)
        (record,) = list(fastavro.reader(io.BytesIO(data)))
        assert record == dict(row) | {"dt": "2026-11-25T10:30:00"}
    plain: Any = fastavro.reader(
        io.BytesIO(extract(client, table, bucket, "all.avro", destination_format="AVRO"))
    )
    types = {each["name"]: each["type"][1] for each in plain.writer_schema["fields"]}
    assert types["d"] == {"type": "string", "sqlType": "DATE"}
    assert next(plain)["d"] == "2026-11-25"
    for codec in ("SNAPPY", "GZIP", "ZSTD", "NONE"):
        parquet = {"destination_format": "PARQUET", "compression": codec}
        data = extract(client, table, bucket, "all.parquet", **parquet)
        assert pq.read_table(io.BytesIO(data)).to_pylist() == [dict(row)]


def test_nested_rows_come_back_by_a_load(
    client: bigquery.Client, dataset: bigquery.DatasetReference, bucket: storage.Bucket
) -> None:
    field = bigquery.SchemaField
    inner = [field("x", "NUMERIC", "REQUIRED"), field("at", "TIMESTAMP"), field("j", "JSON")]
    schema = [field("id", "INTEGER", "REQUIRED"), field("r", "RECORD", "REPEATED", fields=inner)]
    table = client.create_table(bigquery.Table(dataset.table("nested"), schema=schema))
    items = [{"x": "1.5", "at": "2026-11-25T10:30:00Z", "j": '{"a":[1]}'}, {"x": "2"}]
    assert client.insert_rows_json(table, [{"id": 1, "r": items}, {"id": 2}]) == []
    rows = [tuple(row) for row in client.list_rows(table)]
    assert rows[0][1][0]["at"] == datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
    assert rows[0][1][0]["x"] == Decimal("1.5")
    options = bigquery.ParquetOptions()
    options.enable_list_inference = True
    for kind in ("NEWLINE_DELIMITED_JSON", "AVRO", "PARQUET"):
        extract(client, table, bucket, f"nested.{kind}", destination_format=kind)
        more: dict[str, Any] = {"use_avro_logical_types": True} if kind == "AVRO" else {}
        more |= {"parquet_options": options} if kind == "PARQUET" else {}
        config = bigquery.LoadJobConfig(source_format=kind, schema=schema, **more)
        again = dataset.table(f"again_{kind.lower()}")
        uri = f"gs://{bucket.name}/nested.{kind}"
        client.load_table_from_uri(uri, again, job_config=config).result()
        assert [tuple(row) for row in client.list_rows(again)] == rows
    with pytest.raises(BadRequest, match=r"on a nested schema\. Field: r"):
        extract(client, table, bucket, "nested.csv")


def test_a_wildcard_shards_and_a_result_is_extracted(
    client: bigquery.Client, people: bigquery.Table, bucket: storage.Bucket
) -> None:
    uris = [f"gs://{bucket.name}/{name}-*.csv" for name in ("one", "two")]
    job = client.extract_table(people, uris)
    assert job.result().destination_uri_file_counts == [1, 1]
    texts = [bucket.blob(f"{name}-000000000000.csv").download_as_text() for name in ("one", "two")]
    assert texts == ["name,age\nAda,36\nBob,41\nCyd,\n", "name,age\n"]
    query = client.query(f"SELECT name FROM {people.dataset_id}.people ORDER BY name DESC LIMIT 1")
    query.result()
    assert extract(client, query.destination, bucket, "result.csv") == b"name\nCyd\n"


def test_what_cannot_be_extracted_is_told(
    client: bigquery.Client,
    people: bigquery.Table,
    bucket: storage.Bucket,
    dataset: bigquery.DatasetReference,
    refused: Refused,
) -> None:
    with pytest.raises(NotFound, match="Not found: Table"):
        extract(client, dataset.table("absent"), bucket, "x")
    with pytest.raises(BadRequest, match=r"extract\.compression"):
        extract(client, people, bucket, "x", compression="DEFLATE")
    with pytest.raises(NotFound, match="Not found: URI gs://no-such-bucket-anywhere"):
        client.extract_table(people, "gs://no-such-bucket-anywhere/x").result()
    with pytest.raises(BadRequest, match="of several, each has a wildcard"):
        client.extract_table(people, ["gs://b/x", "gs://b/y*"])
    with refused("extract of the decorated table people@-1"):
        client.extract_table(f"{people.reference}@-1", "gs://b/x")
    model = bigquery.ModelReference.from_string("p.d.m")
    with refused("sourceModel of a extract"):
        client.extract_table(model, "gs://b/x", source_type="Model")
