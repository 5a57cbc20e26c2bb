from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import bigquery

from tests.emulators.bigquery.conftest import PROJECT, order


def rows_of(client: bigquery.Client, sql: str, **config: Any) -> list[tuple[Any, ...]]:
    job_config = bigquery.QueryJobConfig(**config)
    return [tuple(row) for row in client.query_and_wait(sql, job_config=job_config)]


def test_results_come_in_pages(client: bigquery.Client) -> None:
    result = client.query("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 1000)) x").result(page_size=300)
    assert result.total_rows == 1000
    assert sorted(row.x for row in result) == list(range(1, 1001))


def test_rows_are_listed_in_pages(client: bigquery.Client, orders: str) -> None:
    client.insert_rows_json(orders, [order(n) for n in range(25)])
    assert len(list(client.list_rows(orders, page_size=10))) == 25
    assert [row.event_id for row in client.list_rows(orders, start_index=23)] == ["e23", "e24"]
    address = client.get_table(orders).schema[2]
    (row, *_) = client.list_rows(orders, selected_fields=[address], max_results=1)
    assert dict(row) == {"address": {"city": "Test City"}}


def test_unnamed_columns_and_types(client: bigquery.Client) -> None:
    sql = "SELECT 1, 'a', 2.5, [1], STRUCT(1 AS a) AS s, CURRENT_DATE(), [STRUCT(1 AS p)][0].p"
    result = client.query_and_wait(sql)
    assert [f.name for f in result.schema] == ["f0_", "f1_", "f2_", "f3_", "s", "f4_", "p"]
    kinds = ["INTEGER", "STRING", "FLOAT", "INTEGER", "RECORD", "DATE", "INTEGER"]
    assert [f.field_type for f in result.schema] == kinds


def test_parameters(client: bigquery.Client) -> None:
    moment = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
    scalar, array = bigquery.ScalarQueryParameter, bigquery.ArrayQueryParameter
    struct = bigquery.StructQueryParameter("s", scalar("x", "INT64", 7), scalar("y", "STRING", "z"))
    named = [scalar("n", "INT64", 3), scalar("t", "TIMESTAMP", moment), array("a", "STRING", ["p"])]
    sql = "SELECT @n + 1, @t, ARRAY_LENGTH(@a), @s.x"
    assert rows_of(client, sql, query_parameters=[*named, struct]) == [(4, moment, 1, 7)]
    positional = [scalar(None, "STRING", "a"), scalar(None, "BOOL", True)]
    assert rows_of(client, "SELECT ?, ?", query_parameters=positional) == [("a", True)]
    with pytest.raises(BadRequest, match="Query parameter 'x' not found"):
        rows_of(client, "SELECT @x")


def test_dml_counts_its_rows(client: bigquery.Client, dataset: str) -> None:
    client.query_and_wait(f"CREATE TABLE {dataset}.t (a INT64 NOT NULL, b STRING)")

    def affected(sql: str) -> int | None:
        job = client.query(sql)
        job.result()
        return job.num_dml_affected_rows  # type: ignore[no-any-return]

    assert affected(f"INSERT INTO {dataset}.t (a, b) VALUES (1, 'x'), (2, 'y'), (3, NULL)") == 3
    assert affected(f"INSERT {dataset}.t SELECT a + 10, b FROM {dataset}.t") == 3
    assert affected(f"UPDATE {dataset}.t t SET t.b = 'z' WHERE t.a > 10") == 3
    assert affected(f"DELETE {dataset}.t WHERE a = 13") == 1
    merge = (
        f"MERGE {dataset}.t AS t USING (SELECT 1 AS a UNION ALL SELECT 99) AS s ON t.a = s.a"
        " WHEN MATCHED THEN UPDATE SET b = 'm' WHEN NOT MATCHED THEN INSERT (a, b) VALUES (a, 'n')"
    )
    assert affected(merge) == 2
    got = rows_of(client, f"SELECT a, b FROM {dataset}.t ORDER BY a")
    assert got == [(1, "m"), (2, "y"), (3, None), (11, "z"), (12, "z"), (99, "n")]
    assert client.get_table(f"{dataset}.t").num_rows == 6
    client.query_and_wait(f"TRUNCATE TABLE {dataset}.t")
    assert client.get_table(f"{dataset}.t").num_rows == 0
    with pytest.raises(BadRequest, match="UPDATE must have a WHERE clause"):
        client.query_and_wait(f"UPDATE {dataset}.t SET b = 'z'")


def test_ddl_lands_in_the_catalog(client: bigquery.Client, dataset: str) -> None:
    client.query_and_wait(
        f"CREATE TABLE `{PROJECT}.{dataset}.t` ("
        " id STRING NOT NULL OPTIONS(description='the id'),"
        " items ARRAY<STRUCT<price FLOAT64 NOT NULL>>, ts TIMESTAMP)"
        " PARTITION BY TIMESTAMP_TRUNC(ts, HOUR) CLUSTER BY id"
        " OPTIONS(description='things', labels=[('team', 'data')], require_partition_filter=TRUE,"
        " partition_expiration_days=4000)"
    )
    table = client.get_table(f"{dataset}.t")
    assert (table.description, table.labels) == ("things", {"team": "data"})
    assert (table.time_partitioning.type_, table.time_partitioning.field) == ("HOUR", "ts")
    assert table.time_partitioning.expiration_ms == 4000 * 86_400_000
    assert table.require_partition_filter
    assert table.clustering_fields == ["id"]
    assert (table.schema[0].mode, table.schema[0].description) == ("REQUIRED", "the id")
    assert (table.schema[1].mode, table.schema[1].fields[0].mode) == ("REPEATED", "REQUIRED")
    with pytest.raises(Conflict, match="Already Exists: Table"):
        client.query_and_wait(f"CREATE TABLE {dataset}.t (a INT64)")
    client.query_and_wait(f"CREATE TABLE IF NOT EXISTS {dataset}.t (a INT64)")
    client.query_and_wait(f"CREATE OR REPLACE TABLE {dataset}.t AS SELECT 1 AS a, 'x' AS b")
    assert rows_of(client, f"SELECT * FROM {dataset}.t") == [(1, "x")]
    client.query_and_wait(f"CREATE VIEW {dataset}.v AS SELECT a * 2 AS d FROM {dataset}.t")
    client.query_and_wait(f"CREATE OR REPLACE VIEW {dataset}.v AS SELECT a*3 AS d FROM {dataset}.t")
    assert rows_of(client, f"SELECT d FROM {dataset}.v") == [(3,)]
    client.query_and_wait(f"DROP VIEW {dataset}.v")
    client.query_and_wait(f"DROP TABLE {dataset}.t")
    client.query_and_wait(f"DROP TABLE IF EXISTS {dataset}.t")
    with pytest.raises(NotFound):
        client.query_and_wait(f"DROP TABLE {dataset}.t")


def test_a_partition_filter_is_demanded(client: bigquery.Client, orders: str) -> None:
    table = client.get_table(orders)
    table.require_partition_filter = True
    client.update_table(table, ["require_partition_filter"])
    client.insert_rows_json(orders, [order(1)])
    refused = [
        f"SELECT * FROM `{orders}`",
        f"SELECT * FROM `{orders}` WHERE total > 1",
        f"SELECT * FROM `{orders}` WHERE event_date = '2024-01-15' OR total > 1",
        f"DELETE FROM `{orders}` WHERE total > 1",
    ]
    for sql in refused:
        with pytest.raises(BadRequest, match=r"without a filter over column\(s\) 'event_date'"):
            client.query_and_wait(sql)
    accepted = [
        f"SELECT event_id FROM `{orders}` WHERE event_date = '2024-01-15'",
        f"SELECT event_id FROM `{orders}` o WHERE total > 1 AND o.event_date >= '2024-01-01'",
        f"SELECT event_id FROM (SELECT * FROM `{orders}`) WHERE event_date > '2024-01-01'",
    ]
    for sql in accepted:
        assert rows_of(client, sql) == [("e1",)]


def test_a_result_goes_to_a_table(client: bigquery.Client, dataset: str) -> None:
    target = bigquery.TableReference.from_string(f"{PROJECT}.{dataset}.result")

    def run(sql: str, write: str) -> list[tuple[Any, ...]]:
        config = bigquery.QueryJobConfig(destination=target, write_disposition=write)
        client.query(sql, job_config=config).result()
        return rows_of(client, f"SELECT a FROM {dataset}.result ORDER BY a")

    assert run("SELECT 1 AS a", "WRITE_EMPTY") == [(1,)]
    assert run("SELECT 2 AS a", "WRITE_APPEND") == [(1,), (2,)]
    assert run("SELECT 'x' AS a", "WRITE_TRUNCATE") == [("x",)]
    with pytest.raises(Conflict):
        run("SELECT 'x' AS a", "WRITE_EMPTY")


def test_a_dry_run_runs_nothing(client: bigquery.Client, orders: str) -> None:
    client.insert_rows_json(orders, [order(1)])
    config = bigquery.QueryJobConfig(dry_run=True)
    job = client.query(f"SELECT event_id FROM `{orders}`", job_config=config)
    assert job.schema[0].name == "event_id"
    assert job.total_bytes_processed > 0
    client.query(f"DELETE FROM `{orders}` WHERE TRUE", job_config=config)
    assert client.get_table(orders).num_rows == 1


def test_jobs_are_listed_and_remembered(client: bigquery.Client) -> None:
    job = client.query("SELECT 1")
    job.result()
    again = client.get_job(job.job_id)
    assert (again.state, again.statement_type) == ("DONE", "SELECT")
    assert job.job_id in [found.job_id for found in client.list_jobs(max_results=50)]
    with pytest.raises(NotFound):
        client.get_job("none")


def test_a_job_outlives_the_table_that_it_read(client: bigquery.Client, dataset: str) -> None:
    client.query_and_wait(f"CREATE TABLE {dataset}.gone AS SELECT 1 AS x")
    job = client.query(f"SELECT x FROM {dataset}.gone")
    job.result()
    client.query_and_wait(f"DROP TABLE {dataset}.gone")
    assert client.get_job(job.job_id).state == "DONE"
    assert job.job_id in [found.job_id for found in client.list_jobs(max_results=50)]


def test_runs_a_script_and_gives_its_last_result(client: bigquery.Client, dataset: str) -> None:
    script = f"""
        DECLARE most INT64 DEFAULT 3;
        CREATE TABLE {dataset}.counted (n INT64);
        WHILE most > 0 DO
          INSERT INTO {dataset}.counted VALUES (most);
          SET most = most - 1;
        END WHILE;
        SELECT n FROM {dataset}.counted ORDER BY n"""
    assert [row.n for row in client.query_and_wait(script)] == [1, 2, 3]


REFUSED = [
    (
        "CREATE TEMP FUNCTION f() RETURNS INT64 LANGUAGE python AS 'return 1'; SELECT f()",
        "a routine in PYTHON",
    ),
    ("SELECT x FROM UNNEST(['a']) AS x ORDER BY x COLLATE 'sv'", "function COLLATE"),
]


@pytest.mark.parametrize(("sql", "what"), REFUSED)
def test_refuses_what_it_cannot_run(client: bigquery.Client, sql: str, what: str) -> None:
    with pytest.raises(BadRequest, match=f"not supported by the emulator: {what}"):
        client.query_and_wait(sql)


WRONG = [
    ("SET threads = 1", "Undeclared variable: threads"),
    ("SELECT * FROM duckdb_settings()", "Table-valued function not found: duckdb_settings"),
    ("SELECT * FROM read_csv('/etc/passwd')", "Table-valued function not found: read_csv"),
    ("PRAGMA database_list", "Syntax error"),
    ("COPY (SELECT 1) TO '/tmp/x'", "Syntax error"),
    ("SELECT\n  nope", r"Unrecognized name: nope at \[2:3\]"),
]


@pytest.mark.parametrize(("sql", "message"), WRONG)
def test_tells_what_is_wrong_as_bigquery_does(
    client: bigquery.Client, sql: str, message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        client.query_and_wait(sql)


@pytest.mark.parametrize("name", ["'/etc/passwd'", "pg_catalog.pg_class", "data.emulator.tables"])
def test_the_files_and_catalogs_beneath_stay_out_of_reach(
    client: bigquery.Client, name: str
) -> None:
    with pytest.raises((BadRequest, NotFound)):
        client.query_and_wait(f"SELECT * FROM {name}")


def test_a_syntax_error_says_where(client: bigquery.Client) -> None:
    with pytest.raises(BadRequest, match=r"Syntax error: .* at \[2:\d+\]") as error:
        client.query_and_wait("SELECT 1\nFROM (SELECT")
    assert error.value.errors[0]["reason"] == "invalidQuery"
