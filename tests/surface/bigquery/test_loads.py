"""Load jobs: every way to bring a file, rows or a data frame, and LoadJob's properties."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from tests.surface.bigquery.conftest import Refused, deprecated
from tests.surface.introspect import covers

field = bigquery.SchemaField
PEOPLE = b'name,age\nAda,36\n"Bob, Jr",41\nCyd,\n'


def load(client: bigquery.Client, table: object, data: bytes, **options: Any) -> bigquery.LoadJob:
    config = bigquery.LoadJobConfig(**options)
    job = client.load_table_from_file(io.BytesIO(data), table, job_config=config)
    job.result()
    return job


def rows_of(client: bigquery.Client, table: object) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.list_rows(table)]


@covers(bigquery.LoadJob, "source_format", "skip_leading_rows", "autodetect", "schema")
@covers(bigquery.LoadJob, "destination", "create_disposition", "write_disposition", "encoding")
@covers(bigquery.LoadJob, "output_rows", "output_bytes", "input_files", "input_file_bytes")
@covers(bigquery.LoadJob, "destination_table_description", "destination_table_friendly_name")
@covers(bigquery.LoadJob, "configuration", "to_api_repr")
@covers(bigquery.LoadJob, "time_partitioning", "clustering_fields", "source_uris", "from_api_repr")
def test_a_csv_file_by_its_schema(
    client: bigquery.Client, dataset: bigquery.DatasetReference
) -> None:
    table = dataset.table("people")
    data = b'name,age,day\nAda,36,2026-11-25\n"Bob, Jr",41,\nCyd,,2026-11-24\n'
    job = load(
        client,
        table,
        data,
        source_format="CSV",
        skip_leading_rows=1,
        schema=[field("name", "STRING"), field("age", "INTEGER"), field("day", "DATE")],
        create_disposition="CREATE_IF_NEEDED",
        write_disposition="WRITE_EMPTY",
        encoding="UTF-8",
        destination_table_description="of people",
        destination_table_friendly_name="People",
        time_partitioning=bigquery.TimePartitioning(field="day"),
        clustering_fields=["name"],
    )
    assert (job.source_format, job.skip_leading_rows, job.autodetect) == ("CSV", 1, None)
    assert [column.name for column in job.schema] == ["name", "age", "day"]
    assert job.destination == table
    assert (job.create_disposition, job.write_disposition) == ("CREATE_IF_NEEDED", "WRITE_EMPTY")
    assert (job.encoding, job.source_uris) == ("UTF-8", None)
    assert (job.output_rows, job.input_files, job.input_file_bytes) == (3, 1, len(data))
    assert job.output_bytes > 0
    assert job.destination_table_description == "of people"
    assert job.destination_table_friendly_name == "People"
    assert (job.time_partitioning.field, job.clustering_fields) == ("day", ["name"])
    assert job.configuration.source_format == "CSV"
    assert bigquery.LoadJob.from_api_repr(job.to_api_repr(), client).destination == table
    made = client.get_table(table)
    assert (made.description, made.friendly_name) == ("of people", "People")
    assert rows_of(client, table) == [
        ("Ada", 36, date(2026, 11, 25)),
        ("Bob, Jr", 41, None),
        ("Cyd", None, date(2026, 11, 24)),
    ]


@covers(bigquery.LoadJob, "field_delimiter", "quote_character", "null_marker")
@covers(bigquery.LoadJob, "allow_jagged_rows", "allow_quoted_newlines", "max_bad_records")
@covers(bigquery.LoadJob, "ignore_unknown_values")
def test_how_a_csv_file_is_written(
    client: bigquery.Client, dataset: bigquery.DatasetReference
) -> None:
    schema = [field("a", "STRING"), field("b", "BOOLEAN"), field("c", "TIMESTAMP")]
    moment = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
    data = (
        b"'it''s'|yes|2026-11-25 10:30:00 UTC|more\n"
        b"'two\nlines'|0\n"
        b"\n"
        b"-|-|-\n"
        b"''|maybe|\n"
        b"'never closed|true|\n"
    )
    job = load(
        client,
        dataset.table("t"),
        data,
        schema=schema,
        field_delimiter="|",
        quote_character="'",
        null_marker="-",
        allow_jagged_rows=True,
        allow_quoted_newlines=True,
        ignore_unknown_values=True,
        max_bad_records=2,
    )
    assert (job.field_delimiter, job.quote_character, job.null_marker) == ("|", "'", "-")
    assert (job.allow_jagged_rows, job.allow_quoted_newlines) == (True, True)
    assert (job.ignore_unknown_values, job.max_bad_records) == (True, 2)
    assert [error["message"].partition("record ")[2][:1] for error in job.errors] == ["4", "5"]
    assert rows_of(client, dataset.table("t")) == [
        ("it's", True, moment),
        ("two\nlines", False, None),
        (None, None, None),
    ]


@covers(bigquery.Client, "load_table_from_file")
@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"a\n", "1 values for 2 columns"),
        (b"a,1,x\n", "Too many values"),
        (b'"a\nb",1\n', "allowQuotedNewlines"),
        (b'"a"b,1\n', "closing quote"),
        (b"a,1_000\n", "Cannot convert value to integer"),
        (b"\xff,1\n", "not UTF-8, at byte 0"),
    ],
)
def test_what_is_wrong_in_a_csv_file_is_told(
    client: bigquery.Client, dataset: bigquery.DatasetReference, data: bytes, told: str
) -> None:
    schema = [field("a", "STRING"), field("n", "INTEGER")]
    config = bigquery.LoadJobConfig(schema=schema)
    job = client.load_table_from_file(io.BytesIO(data), dataset.table("t"), job_config=config)
    with pytest.raises(BadRequest):
        job.result()
    assert any(told in error["message"] for error in job.errors)


def test_an_empty_cell_is_null_and_a_quoted_one_an_empty_text(
    client: bigquery.Client, dataset: bigquery.DatasetReference
) -> None:
    schema = [field("a", "STRING"), field("n", "INTEGER")]
    load(client, dataset.table("t"), b',1\n"",\n', schema=schema)
    assert rows_of(client, dataset.table("t")) == [(None, 1), ("", None)]


def test_a_csv_schema_is_detected_where_it_is_beyond_doubt(
    client: bigquery.Client, dataset: bigquery.DatasetReference, refused: Refused
) -> None:
    load(client, dataset.table("t"), PEOPLE, autodetect=True, skip_leading_rows=1)
    assert rows_of(client, dataset.table("t")) == [("Ada", 36), ("Bob, Jr", 41), ("Cyd", None)]
    load(client, dataset.table("u"), b"1,x,2026-11-25\n2.5,y,\n", autodetect=True)
    kinds = [
        (column.name, column.field_type) for column in client.get_table(dataset.table("u")).schema
    ]
    assert kinds == [
        ("double_field_0", "FLOAT"),
        ("string_field_1", "STRING"),
        ("date_field_2", "DATE"),
    ]
    with refused("autodetect of text '10:30'"):
        load(client, dataset.table("v"), b"a\n10:30\n", autodetect=True)


def test_a_gzip_file_is_unpacked(
    client: bigquery.Client, dataset: bigquery.DatasetReference
) -> None:
    packed = gzip.compress(PEOPLE)
    load(client, dataset.table("t"), packed, autodetect=True, skip_leading_rows=1)
    assert len(rows_of(client, dataset.table("t"))) == 3
    with pytest.raises(BadRequest, match="cut off"):
        load(client, dataset.table("t"), packed[:-5], autodetect=True)


@covers(bigquery.Client, "load_table_from_json")
def test_rows_as_json(client: bigquery.Client, dataset: bigquery.DatasetReference) -> None:
    rows = [{"name": "Ada", "tags": ["a", "b"]}, {"name": "Bob", "tags": []}]
    job = client.load_table_from_json(rows, dataset.table("t"))
    assert job.result().output_rows == 2
    assert [dict(row) for row in client.list_rows(dataset.table("t"))] == rows


@covers(bigquery.Client, "load_table_from_dataframe", "insert_rows_from_dataframe")
def test_a_data_frame(client: bigquery.Client, dataset: bigquery.DatasetReference) -> None:
    table = dataset.table("t")
    frame = pd.DataFrame(
        {
            "name": ["Ada", None],
            "age": pd.array([36, None], dtype="Int64"),
            "at": pd.to_datetime(["2026-11-25T10:30:00.123456Z", None]),
            "tags": [["a", "b"], []],
            "price": [Decimal("1.5"), None],
        }
    )
    schema = [field("price", "NUMERIC"), field("tags", "STRING", "REPEATED")]
    config = bigquery.LoadJobConfig(schema=schema)
    with deprecated():
        job = client.load_table_from_dataframe(frame, table, job_config=config)
    assert job.result().output_rows == 2
    kinds = {column.name: column.field_type for column in client.get_table(table).schema}
    assert kinds == {
        "name": "STRING",
        "age": "INTEGER",
        "at": "TIMESTAMP",
        "tags": "STRING",
        "price": "NUMERIC",
    }
    moment = datetime(2026, 11, 25, 10, 30, 0, 123456, tzinfo=UTC)
    rows = [("Ada", 36, moment, ["a", "b"], Decimal("1.5")), (None, None, None, [], None)]
    assert rows_of(client, table) == rows
    with deprecated():
        assert client.insert_rows_from_dataframe(client.get_table(table), frame[["name"]]) == [[]]
    assert client.get_table(table).num_rows == 4
    with deprecated():
        client.load_table_from_dataframe(frame, table, job_config=config).result()
    assert client.get_table(table).num_rows == 6


def test_a_parquet_file_brings_its_schema(
    client: bigquery.Client, dataset: bigquery.DatasetReference, refused: Refused
) -> None:
    columns = {
        "s": pa.array(["x", None]),
        "b": pa.array([b"\x00", None]),
        "i": pa.array([1, None], pa.int32()),
        "f": pa.array([0.5, float("nan")], pa.float32()),
        "t": pa.array([True, None]),
        "d": pa.array([date(2026, 11, 25), None]),
        "c": pa.array([time(10, 30), None]),
        "at": pa.array([datetime(2026, 11, 25, tzinfo=UTC), None], pa.timestamp("ms", "UTC")),
        "dt": pa.array([datetime(2026, 11, 25), None]),
        "n": pa.array([Decimal("1.25"), None], pa.decimal128(10, 2)),
        "big": pa.array([Decimal("1.25"), None], pa.decimal128(38, 12)),
        "r": pa.array([{"x": 1, "ys": ["a"]}, None]),
    }
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    with refused("the list ys of a Parquet file without enableListInference"):
        load(client, dataset.table("t"), file.getvalue(), source_format="PARQUET")
    options = bigquery.ParquetOptions()
    options.enable_list_inference = True
    decimals = ["NUMERIC", "BIGNUMERIC"]
    settings = {"source_format": "PARQUET", "parquet_options": options}
    settings["decimal_target_types"] = decimals
    load(client, dataset.table("t"), file.getvalue(), **settings)
    made = client.get_table(dataset.table("t"))
    assert [column.field_type for column in made.schema] == [
        *("STRING", "BYTES", "INTEGER", "FLOAT", "BOOLEAN", "DATE", "TIME", "TIMESTAMP"),
        *("DATETIME", "NUMERIC", "BIGNUMERIC", "RECORD"),
    ]
    first, second = rows_of(client, made)
    assert first[-1] == {"x": 1, "ys": ["a"]}
    assert first[4:8] == (True, date(2026, 11, 25), time(10, 30), columns["at"][0].as_py())
    assert second[0] is None
    other = io.BytesIO()
    pq.write_table(pa.table({"s": pa.array([1])}), other)
    with pytest.raises(BadRequest, match="has changed type from NULLABLE STRING"):
        load(client, made, other.getvalue(), **settings)
    with pytest.raises(BadRequest, match="Parquet"):
        load(client, made, b"PAR1 not at all", **settings)


@covers(bigquery.LoadJob, "destination_encryption_configuration")
@covers(bigquery.LoadJob, "connection_properties", "create_session")
@covers(bigquery.LoadJob, "reference_file_schema_uri", "source_column_match", "null_markers")
@covers(bigquery.LoadJob, "date_format", "datetime_format", "time_format", "timestamp_format")
@covers(bigquery.LoadJob, "time_zone", "use_avro_logical_types")
def test_what_it_cannot_load_is_refused_by_name(
    client: bigquery.Client, dataset: bigquery.DatasetReference, refused: Refused
) -> None:
    given: dict[str, Any] = {
        "destination_encryption_configuration": bigquery.EncryptionConfiguration("projects/p/k"),
        "connection_properties": [bigquery.ConnectionProperty("session_id", "s")],
        "create_session": True,
        "reference_file_schema_uri": "gs://bucket/schema",
        "source_column_match": "NAME",
        "null_markers": ["-"],
        "date_format": "YYYY",
        "datetime_format": "YYYY",
        "time_format": "HH24",
        "timestamp_format": "YYYY",
        "time_zone": "Asia/Tokyo",
    }
    for name, value in given.items():
        head, *rest = name.split("_")
        with refused(f"{head}{''.join(word.title() for word in rest)} of a load"):
            load(client, dataset.table("t"), PEOPLE, autodetect=True, **{name: value})
    config = bigquery.LoadJobConfig(**given)
    job = bigquery.LoadJob("j", None, dataset.table("t"), client, config)
    assert all(getattr(job, name) for name in given)
    assert job.use_avro_logical_types is None


@covers(bigquery.Client, "schema_to_json", "schema_from_json")
def test_a_schema_goes_to_a_file_and_back(client: bigquery.Client, tmp_path: Path) -> None:
    schema = [field("a", "STRING", "REQUIRED"), field("r", "RECORD", fields=[field("b", "DATE")])]
    client.schema_to_json(schema, str(tmp_path / "schema.json"))
    assert client.schema_from_json(str(tmp_path / "schema.json")) == schema
