"""The Storage Read API by its official client: both formats, what is selected, and streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import BigQueryReadClient, types

from localgcp.bigquery.emulator import BigQueryEmulator
from tests.emulators.bigquery.conftest import PROJECT, Container
from tests.emulators.bigquery.storage_clients import connected
from tests.surface.bigquery.conftest import deprecated

FORMATS = (types.DataFormat.ARROW, types.DataFormat.AVRO)
LZ4, ZSTD = (
    types.ArrowSerializationOptions.CompressionCodec[name] for name in ("LZ4_FRAME", "ZSTD")
)


@pytest.fixture
def reads(emulator: BigQueryEmulator | Container) -> Iterator[BigQueryReadClient]:
    with connected(emulator) as (client, _):
        yield client


@pytest.fixture
def wide(client: bigquery.Client, dataset: str) -> bigquery.Table:
    """A table with a column of each kind, and a row of NULLs."""
    client.query_and_wait(
        f"""CREATE TABLE {dataset}.wide AS SELECT 'a' AS s, 1 AS i, 0.5 AS f, TRUE AS t,
          b'x' AS b, NUMERIC '1.5' AS n, BIGNUMERIC '2.5' AS big, DATE '2026-11-25' AS d,
          TIME '10:30:00' AS c, DATETIME '2026-11-25 10:30:00' AS dt,
          TIMESTAMP '2026-11-25 10:30:00 UTC' AS ts, JSON '{{"a": 1}}' AS j,
          STRUCT(1 AS x, [1, 2] AS ys) AS r, [STRUCT('p' AS x, 'q' AS y)] AS rs"""
    )
    table = client.get_table(f"{dataset}.wide")
    assert client.insert_rows_json(table, [{}]) == []
    return table


def session_of(
    reads: BigQueryReadClient, table: Any, form: Any, streams: int = 1, **options: Any
) -> types.ReadSession:
    name = f"projects/{table.project}/datasets/{table.dataset_id}/tables/{table.table_id}"
    asked = types.ReadSession(table=name, data_format=form)
    asked.read_options = types.ReadSession.TableReadOptions(**options)
    parent = f"projects/{PROJECT}"
    return reads.create_read_session(parent=parent, read_session=asked, max_stream_count=streams)


def rows_of(reads: BigQueryReadClient, session: types.ReadSession) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for stream in session.streams:
        for row in reads.read_rows(stream.name).rows(session):
            values = {
                name: getattr(value, "as_py", lambda v=value: v)() for name, value in row.items()
            }
            rows.append(values)
    return rows


@pytest.mark.parametrize("form", [types.DataFormat.ARROW, types.DataFormat.AVRO])
@pytest.mark.parametrize(
    ("column", "value"),
    [("INTERVAL", "INTERVAL 1 DAY"), ("RANGE", "[STRUCT(RANGE(DATE '2020-01-01', NULL) AS r)]")],
)
def test_a_type_that_has_no_form_is_refused_by_name(
    reads: BigQueryReadClient,
    client: bigquery.Client,
    dataset: str,
    form: Any,
    column: str,
    value: str,
) -> None:
    client.query_and_wait(f"CREATE OR REPLACE TABLE {dataset}.odd AS SELECT 1 AS n, {value} AS v")
    table = client.get_table(f"{dataset}.odd")
    with pytest.raises(exceptions.MethodNotImplemented, match=f"type {column} in the Storage Read"):
        session_of(reads, table, form)
    assert session_of(reads, table, form, selected_fields=["n"]).name


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_every_type(reads: BigQueryReadClient, wide: bigquery.Table, form: Any) -> None:
    full, empty = rows_of(reads, session_of(reads, wide, form))
    assert full.pop("dt") in ("2026-11-25T10:30:00", datetime(2026, 11, 25, 10, 30))
    assert full["ts"] == datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
    assert (full["n"], full["big"], full["b"]) == (Decimal("1.5"), Decimal("2.5"), b"x")
    assert (json.loads(full["j"]), full["r"]) == ({"a": 1}, {"x": 1, "ys": [1, 2]})
    assert full["rs"] == [{"x": "p", "y": "q"}]
    assert (full["d"].isoformat(), full["c"].isoformat()) == ("2026-11-25", "10:30:00")
    assert (full["s"], full["i"], full["f"], full["t"]) == ("a", 1, 0.5, True)
    assert [name for name, value in empty.items() if value is not None] == ["rs"]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_selected_fields_and_a_restriction(
    reads: BigQueryReadClient, wide: bigquery.Table, form: Any
) -> None:
    options: dict[str, Any] = {
        "selected_fields": ["i", "r.ys", "rs.y"],
        "row_restriction": "i = 1 AND s = 'a'",
    }
    session = session_of(reads, wide, form, **options)
    assert rows_of(reads, session) == [{"i": 1, "r": {"ys": [1, 2]}, "rs": [{"y": "q"}]}]
    assert session.estimated_row_count == 1
    for wrong, kind in (
        ({"selected_fields": ["nope"]}, exceptions.InvalidArgument),
        ({"row_restriction": "nope = 1"}, exceptions.InvalidArgument),
        ({"sample_percentage": 5.0}, exceptions.MethodNotImplemented),
    ):
        with pytest.raises(kind):
            session_of(reads, wide, form, **wrong)


@pytest.mark.parametrize("codec", [LZ4, ZSTD], ids=lambda codec: codec.name)
def test_arrow_s_buffers_are_compressed(
    reads: BigQueryReadClient, client: bigquery.Client, dataset: str, codec: Any
) -> None:
    table = numbers(client, dataset, 5000)
    options: dict[str, Any] = {"arrow_serialization_options": {"buffer_compression": codec}}
    session = session_of(reads, table, types.DataFormat.ARROW, **options)
    (stream,) = session.streams
    message = next(iter(reads.read_rows(stream.name)))
    assert len(message.arrow_record_batch.serialized_record_batch) < 8 * message.row_count
    assert len(rows_of(reads, session)) == 5000


def numbers(client: bigquery.Client, dataset: str, count: int) -> bigquery.Table:
    client.query_and_wait(
        f"CREATE TABLE {dataset}.n AS SELECT x FROM UNNEST(GENERATE_ARRAY(1, {count})) AS x"
    )
    return client.get_table(f"{dataset}.n")


def test_streams_share_the_rows_and_a_session_sees_its_own_time(
    reads: BigQueryReadClient, client: bigquery.Client, dataset: str
) -> None:
    table = numbers(client, dataset, 1000)
    session = session_of(reads, table, types.DataFormat.ARROW, streams=3)
    client.query_and_wait(f"DELETE FROM {dataset}.n WHERE TRUE")
    assert len(session.streams) == 3
    assert sorted(row["x"] for row in rows_of(reads, session)) == list(range(1, 1001))
    first = session.streams[0].name
    rest = reads.read_rows(first, offset=300).rows(session)
    assert len(list(rest)) == 33
    with pytest.raises(exceptions.OutOfRange):
        list(reads.read_rows(first, offset=334))
    with pytest.raises(exceptions.NotFound):
        list(reads.read_rows(first + "x"))
    assert session_of(reads, table, types.DataFormat.ARROW).streams == []
    assert not reads.split_read_stream(request={"name": first}).primary_stream.name


def test_a_snapshot_is_now_or_refused(
    reads: BigQueryReadClient, client: bigquery.Client, dataset: str
) -> None:
    table = numbers(client, dataset, 10)
    name = f"projects/{PROJECT}/datasets/{dataset}/tables/n"

    def ask(when: datetime) -> types.ReadSession:
        asked = types.ReadSession(table=name, data_format=types.DataFormat.AVRO)
        asked.table_modifiers = types.ReadSession.TableModifiers(snapshot_time=when)
        return reads.create_read_session(parent=f"projects/{PROJECT}", read_session=asked)

    assert ask(table.modified + timedelta(seconds=5)).estimated_row_count == 10
    with pytest.raises(exceptions.MethodNotImplemented, match="before its last change"):
        ask(table.modified - timedelta(seconds=5))


@pytest.mark.filterwarnings("ignore:Retrieving Arrow record batches")  # the client's own way
def test_a_data_frame_by_the_storage_api(
    reads: BigQueryReadClient, client: bigquery.Client, wide: bigquery.Table, dataset: str
) -> None:
    with deprecated():
        frame = client.list_rows(wide).to_dataframe(bqstorage_client=reads)
    assert list(frame["s"].fillna("-")) == ["a", "-"]
    table = numbers(client, dataset, 20_000)
    arrow = client.list_rows(table).to_arrow(bqstorage_client=reads)
    # Several streams come in any order.
    assert sorted(arrow.column("x").to_pylist()) == list(range(1, 20_001))
    query = client.query(f"SELECT x FROM {dataset}.n ORDER BY x LIMIT 5")
    with deprecated():
        assert list(query.to_dataframe(bqstorage_client=reads)["x"]) == [1, 2, 3, 4, 5]
    job = client.get_job(query.job_id)
    held = session_of(reads, job.destination, types.DataFormat.AVRO)
    assert [row["x"] for row in rows_of(reads, held)] == [1, 2, 3, 4, 5]
    client.query_and_wait(f"CREATE VIEW {dataset}.v AS SELECT 1 AS n")
    with pytest.raises(exceptions.InvalidArgument, match="it is a view"):
        session_of(reads, client.get_table(f"{dataset}.v"), types.DataFormat.ARROW)
