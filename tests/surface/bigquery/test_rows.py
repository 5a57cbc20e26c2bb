"""Rows: every way to read the same ones, RowIterator and Row."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery
from google.cloud.bigquery import dbapi
from google.cloud.bigquery.table import RowIterator

from tests.surface.bigquery.conftest import deprecated
from tests.surface.introspect import covers

Rows = list[tuple[Any, ...]]

# One column a type, with the edges of each. Row 0 has no NULL, row 1 nothing but, where it may.
EDGES = {
    "s": ("STRING", r"'line\nnext, é 😀'", "''", "NULL"),
    "b": ("BYTES", "FROM_BASE64('AP8=')", "b''", "NULL"),
    "i": ("INT64", "9223372036854775807", "-9223372036854775807 - 1", "NULL"),
    "f": ("FLOAT64", "0.1", "CAST('inf' AS FLOAT64)", "NULL"),
    "nan": ("FLOAT64", "CAST('nan' AS FLOAT64)", "-0.0", "NULL"),
    "t": ("BOOL", "TRUE", "FALSE", "NULL"),
    "n": (
        "NUMERIC",
        "NUMERIC '99999999999999999999999999999.999999999'",
        "NUMERIC '-0.000000001'",
        "NULL",
    ),
    "big": ("BIGNUMERIC", "BIGNUMERIC '1234567890123456789.0000000000000000001'", "0", "NULL"),
    "ts": (
        "TIMESTAMP",
        "TIMESTAMP '9999-12-31 23:59:59.999999+00'",
        "TIMESTAMP '0001-01-01 00:00:00+00'",
        "NULL",
    ),
    "d": ("DATE", "DATE '9999-12-31'", "DATE '0001-01-01'", "NULL"),
    "tm": ("TIME", "TIME '23:59:59.999999'", "TIME '00:00:00'", "NULL"),
    "dt": (
        "DATETIME",
        "DATETIME '2026-11-25 10:30:00.123456'",
        "DATETIME '0001-01-01 00:00:00'",
        "NULL",
    ),
    "js": ("JSON", """JSON '{"a": [1, null, "x"]}'""", "JSON 'null'", "NULL"),
    "arr": ("ARRAY<INT64>", "[1, 2]", "[]", "NULL"),
    "st": (
        "STRUCT<x INT64, y STRUCT<z STRING>>",
        "STRUCT(1 AS x, STRUCT('q' AS z) AS y)",
        "STRUCT(NULL AS x, NULL AS y)",
        "NULL",
    ),
    "nest": (
        "ARRAY<STRUCT<k STRING, vs ARRAY<FLOAT64>>>",
        "[STRUCT('a' AS k, [0.5, 1e300] AS vs), STRUCT('b', ARRAY<FLOAT64>[])]",
        "[]",
        "NULL",
    ),
}


@pytest.fixture(scope="module")
def table(client: bigquery.Client, session_bigquery_dataset: str) -> str:
    """A table of all types: full, at the other edge, NULL. `place` tells the order."""
    name = f"{session_bigquery_dataset}.edges"
    columns = ", ".join(f"{column} {kind}" for column, (kind, *_) in EDGES.items())
    client.query_and_wait(f"CREATE TABLE `{name}` (place INT64, {columns})")
    for place in range(3):
        values = ", ".join(given[place + 1] for given in EDGES.values())
        client.query_and_wait(f"INSERT INTO `{name}` VALUES ({place}, {values})")
    return name


def sql(table: str) -> str:
    return f"SELECT * FROM `{table}` ORDER BY place"


def arrow(found: Any) -> Rows:
    return [tuple(row.values()) for row in found.to_pylist()]


def cursor(client: bigquery.Client, table: str) -> Rows:
    made = dbapi.Connection(client).cursor()
    made.execute(sql(table))
    return [tuple(row.values()) for row in made.fetchall()]


def pages(found: RowIterator) -> Rows:
    return [tuple(row) for page in found.pages for row in page]


WAYS: dict[str, Callable[[bigquery.Client, str], Iterable[Any]]] = {
    "result": lambda c, t: c.query(sql(t)).result(),
    "iteration of the job": lambda c, t: c.query(sql(t)),
    "jobs.query": lambda c, t: c.query(sql(t), api_method="QUERY").result(),
    "pages": lambda c, t: pages(c.query(sql(t)).result(page_size=2)),
    "max_results": lambda c, t: c.query(sql(t)).result(max_results=3),
    "start_index": lambda c, t: [
        *c.query(sql(t)).result(max_results=1),
        *c.query(sql(t)).result(start_index=1),
    ],
    "get_job": lambda c, t: c.get_job(c.query(sql(t)).job_id).result(),
    "query_and_wait": lambda c, t: c.query_and_wait(sql(t)),
    "query_and_wait by pages": lambda c, t: c.query_and_wait(sql(t), page_size=1),
    "list_rows of the table": lambda c, t: c.list_rows(t),
    "list_rows by pages": lambda c, t: pages(c.list_rows(t, page_size=1)),
    "list_rows from an index": lambda c, t: [
        *c.list_rows(t, max_results=2),
        *c.list_rows(t, start_index=2),
    ],
    "list_rows of the result": lambda c, t: c.list_rows(_finished(c, t).destination),
    "to_arrow of the job": lambda c, t: arrow(c.query(sql(t)).to_arrow()),
    "to_arrow of the result": lambda c, t: arrow(c.get_job(c.query(sql(t)).job_id).to_arrow()),
    "to_arrow of jobs.query": lambda c, t: arrow(c.query(sql(t), api_method="QUERY").to_arrow()),
    "to_arrow of the table": lambda c, t: arrow(
        c.list_rows(t).to_arrow(create_bqstorage_client=False)
    ),
    "to_arrow of query_and_wait": lambda c, t: arrow(c.query_and_wait(sql(t)).to_arrow()),
    "to_arrow_iterable": lambda c, t: [
        row
        for batch in c.query(sql(t)).result(page_size=1).to_arrow_iterable()
        for row in arrow(batch)
    ],
    "cursor": cursor,
}


def _finished(client: bigquery.Client, table: str) -> bigquery.QueryJob:
    job = client.query(sql(table))
    job.result()
    return job


def plain(value: Any) -> Any:
    """What compares: NaN as a text, JSON and STRUCT as what they hold."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


@pytest.mark.parametrize("way", [way for way in WAYS if way != "query_and_wait"])
def test_all_ways_give_the_same_rows(client: bigquery.Client, table: str, way: str) -> None:
    wanted = [tuple(row) for row in client.query_and_wait(sql(table))]
    assert [row[0] for row in wanted] == [0, 1, 2]
    got = [tuple(row) for row in WAYS[way](client, table)]
    for name, *columns in zip(
        ["place", *EDGES], zip(*got, strict=True), zip(*wanted, strict=True), strict=True
    ):
        found, expected = ([plain(value) for value in column] for column in columns)
        if name == "js" and way.startswith("to_arrow"):
            found = [text and json.loads(text) for text in found]  # Arrow has a JSON's text
        assert found == expected, name


@covers(RowIterator, "to_dataframe", "to_dataframe_iterable")
@covers(bigquery.QueryJob, "to_dataframe")
def test_a_data_frame_has_the_same_rows(client: bigquery.Client, table: str) -> None:
    wanted = [tuple(row) for row in client.query_and_wait(sql(table))]
    with deprecated():
        job = client.query(sql(table)).to_dataframe()
        waited = client.query_and_wait(sql(table)).to_dataframe()
        listed = client.list_rows(table).to_dataframe(create_bqstorage_client=False)
        pieces = list(client.query_and_wait(sql(table), page_size=1).to_dataframe_iterable())
    for frame in (job, waited, listed):
        assert list(frame.columns) == ["place", *EDGES]
        assert list(frame.i) == [wanted[0][3], wanted[1][3], pd_na(frame)]
        assert [str(value) for value in frame.n[:2]] == [str(row[7]) for row in wanted[:2]]
        assert [value.isoformat() for value in frame.dt[:1]] == [wanted[0][12].isoformat()]
    assert [piece.place.item() for piece in pieces] == [0, 1, 2]


def pd_na(frame: Any) -> Any:
    """pandas' own NULL."""
    import pandas as pd

    assert frame.i[2] is pd.NA
    return frame.i[2]


@covers(bigquery.Client, "list_rows", "query_and_wait", "query")
@covers(RowIterator, "schema", "total_rows", "pages", "project", "location", "job_id", "query")
@covers(RowIterator, "created", "started", "ended", "total_bytes_processed", "slot_millis")
@covers(RowIterator, "num_dml_affected_rows", "query_id", "to_arrow", "to_arrow_iterable")
@covers(bigquery.QueryJob, "to_arrow")
def test_what_an_iterator_knows(client: bigquery.Client, people: bigquery.Table) -> None:
    sql = f"SELECT name, age FROM `{people.reference}`"
    job = client.query(sql)
    for found in (job.result(), client.query_and_wait(sql)):
        assert [column.name for column in found.schema] == ["name", "age"]
        assert (found.total_rows, found.project, found.location) == (3, client.project, "US")
        assert client.get_job(found.job_id).query == found.query == sql
        assert found.total_bytes_processed == people.num_bytes
        assert (found.slot_millis, found.query_id, found.num_dml_affected_rows) == (None,) * 3
    assert job.created <= job.started <= job.ended
    assert (job.result().created, job.result().ended) == (job.created, job.ended)
    assert job.result().started == job.started
    paged = client.get_job(job.job_id).result(page_size=2)
    assert [len(list(page)) for page in paged.pages] == [2, 1]
    assert job.to_arrow().num_rows == 3
    assert job.result(max_results=2).to_arrow().num_rows == 2
    batches = client.get_job(job.job_id).result(page_size=2).to_arrow_iterable()
    assert [batch.num_rows for batch in batches] == [2, 1]
    fields = people.schema[1:]
    (first, *_) = client.list_rows(people, selected_fields=fields, page_size=2)
    assert dict(first) == {"age": 36}
    update = client.query_and_wait(f"UPDATE `{people.reference}` SET age = 1 WHERE TRUE")
    assert (update.num_dml_affected_rows, list(update)) == (3, [])


@covers(RowIterator, "to_geodataframe")
@covers(bigquery.QueryJob, "to_geodataframe")
def test_a_geo_data_frame_needs_a_type_that_is_refused(
    client: bigquery.Client, people: bigquery.Table
) -> None:
    """GEOGRAPHY is refused, so no answer ever has the column that geopandas would take."""
    job = client.query(f"SELECT name FROM `{people.reference}`")
    for found in (job, job.result()):
        with deprecated(), pytest.raises((TypeError, ValueError), match=r"GEOGRAPHY|geopandas"):
            found.to_geodataframe(create_bqstorage_client=False)
    with pytest.raises(BadRequest, match="not supported by the emulator"):
        client.query_and_wait("SELECT ST_GEOGPOINT(1, 2) AS g")


def test_what_the_client_would_ask_google_for(
    client: bigquery.Client, people: bigquery.Table
) -> None:
    """The Storage Read API is not served, and no variable turns its client.

    Of a result that has come whole by REST it asks nobody; for a table, or for a result by pages,
    say `create_bqstorage_client=False`.
    """
    sql = f"SELECT name FROM `{people.reference}`"
    at_home = (
        client.query(sql).result(),
        client.query(sql, api_method="QUERY").result(),
        client.get_job(client.query(sql).job_id).result(),
        client.query(f"{sql} WHERE FALSE").result(),
        client.query(sql).result(max_results=2),
        client.query_and_wait(sql),
        client.list_rows(people, max_results=2),
    )
    for found in at_home:
        assert not found._should_use_bqstorage(None, True)
    from_google = (
        client.list_rows(people),
        client.query(sql).result(page_size=2),
        client.query(sql).result(start_index=1),
    )
    for found in from_google:
        assert found._should_use_bqstorage(None, True)
        assert not found._should_use_bqstorage(None, False)


@pytest.mark.parametrize("rows", [0, 1, 1000, 200_000])
def test_a_result_of_any_length_comes_whole(client: bigquery.Client, rows: int) -> None:
    sql = f"SELECT n FROM UNNEST(GENERATE_ARRAY(1, 200000)) AS n WHERE n <= {rows} ORDER BY n"
    for found in (client.query(sql).result(), client.query_and_wait(sql)):
        assert not found._should_use_bqstorage(None, True)
        assert found.to_arrow()["n"].to_pylist() == list(range(1, rows + 1))
    rest = client.query(sql).result(start_index=rows // 2, max_results=3)
    assert [row.n for row in rest] == list(range(rows // 2 + 1, min(rows // 2 + 3, rows) + 1))


def test_a_job_that_has_given_its_rows_gives_them_again_whatever_the_index(
    client: bigquery.Client, people: bigquery.Table
) -> None:
    """The client keeps what it has got of a job; one got anew has nothing to keep to."""
    job = client.query(f"SELECT name FROM `{people.reference}` ORDER BY name")
    assert [row.name for row in job.result()] == ["Ada", "Bob", "Cyd"]
    assert [row.name for row in job.result(start_index=1)] == ["Ada", "Bob", "Cyd"]
    again = client.get_job(job.job_id)
    assert [row.name for row in again.result(start_index=1)] == ["Bob", "Cyd"]


@covers(bigquery.Row, "get", "items", "keys", "values")
def test_a_row(client: bigquery.Client, people: bigquery.Table) -> None:
    row, *_ = client.list_rows(people)
    assert list(row.keys()) == ["name", "age"]
    assert list(row.values()) == ["Ada", 36]
    assert dict(row.items()) == {"name": "Ada", "age": 36}
    assert (row.get("name"), row.get("none", 7), row.age, row["age"], row[1]) == (
        "Ada",
        7,
        36,
        36,
        36,
    )


@covers(bigquery.Client, "insert_rows", "insert_rows_json")
def test_rows_go_in(client: bigquery.Client, people: bigquery.Table) -> None:
    assert client.insert_rows(people, [("Eve", 1), ("Fay", None)]) == []
    assert client.insert_rows(people, [{"name": "Gil"}], row_ids=["g"]) == []
    assert client.insert_rows_json(people, [{"name": "Gil"}], row_ids=["g"]) == []  # a repeat
    (error,) = client.insert_rows_json(people, [{"name": "Hal", "age": "old"}])
    assert (error["index"], error["errors"][0]["location"]) == (0, "age")
    assert client.get_table(people).num_rows == 6
