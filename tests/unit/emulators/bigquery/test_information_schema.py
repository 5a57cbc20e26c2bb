"""INFORMATION_SCHEMA of datasets, regions and the project, and __TABLES__."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from localgcp.bigquery.errors import BigQueryError, DatasetNotFound
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.service import Service

PROJECT = "test-project"
NOW = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
SCHEMA = "d.INFORMATION_SCHEMA"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service(None, clock=NOW.timestamp, reference=shared())
    run(made, "CREATE SCHEMA d OPTIONS(description='of d', labels=[('a', 'b')])")
    run(made, "CREATE SCHEMA e OPTIONS(location='EU', default_table_expiration_days=2)")
    run(
        made,
        "CREATE TABLE d.t (a INT64 NOT NULL, r ARRAY<STRUCT<x STRING OPTIONS(description='of x')>>,"
        " day DATE) PARTITION BY day CLUSTER BY a OPTIONS(description='say \"t\"',"
        " labels=[('k', 'v')], partition_expiration_days=3650000, require_partition_filter=true,"
        " expiration_timestamp=TIMESTAMP '2030-01-02 03:04:05.678')",
    )
    run(made, "INSERT INTO d.t (a, day) VALUES (1, DATE '2024-01-15'), (2, NULL)")
    run(made, "CREATE VIEW d.v AS SELECT 1 AS one")
    yield made
    made.close()


def run(service: Service, sql: str, dataset: str | None = None) -> list[dict[str, Any]]:
    rows = service.queries.run(Query(sql, PROJECT, dataset)).rows
    return [] if rows is None else list(rows.to_pylist())


def test_options_of_a_table_are_literals(service: Service) -> None:
    rows = run(service, f"SELECT * FROM {SCHEMA}.TABLE_OPTIONS WHERE table_name = 't'")
    assert {(row["option_name"], row["option_type"], row["option_value"]) for row in rows} == {
        ("description", "STRING", r'"say \"t\""'),
        ("labels", "ARRAY<STRUCT<STRING, STRING>>", '[STRUCT("k", "v")]'),
        ("expiration_timestamp", "TIMESTAMP", 'TIMESTAMP "2030-01-02T03:04:05.678Z"'),
        ("partition_expiration_days", "FLOAT64", "3650000.0"),
        ("require_partition_filter", "BOOL", "true"),
    }


def test_the_summary_counts_rows_and_bytes(service: Service) -> None:
    columns = "table_id, row_count, size_bytes, type, creation_time"
    when = int(NOW.timestamp() * 1000)
    for path in ("d.__TABLES__", f"`{PROJECT}.d.__TABLES__`", f"`{PROJECT}`.`d`.__TABLES__"):
        rows = run(service, f"SELECT {columns} FROM {path} ORDER BY table_id")
        assert [tuple(row.values()) for row in rows] == [
            ("t", 2, 24, 1, when),
            ("v", 0, 0, 2, when),
        ]


def test_members_of_records_have_paths_of_their_own(service: Service) -> None:
    rows = run(
        service,
        "SELECT column_name, field_path, data_type, description"
        f" FROM {SCHEMA}.COLUMN_FIELD_PATHS WHERE table_name = 't'",
    )
    assert [tuple(row.values()) for row in rows] == [
        ("a", "a", "INT64", None),
        ("r", "r", "ARRAY<STRUCT<x STRING>>", None),
        ("r", "r.x", "STRING", "of x"),
        ("day", "day", "DATE", None),
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("INFORMATION_SCHEMA.SCHEMATA", ["d"]),
        ("`region-us`.INFORMATION_SCHEMA.SCHEMATA", ["d"]),
        (f"`{PROJECT}`.`region-eu`.INFORMATION_SCHEMA.SCHEMATA", ["e"]),
    ],
)
def test_schemata_are_those_of_a_region(service: Service, path: str, expected: list[str]) -> None:
    rows = run(service, f"SELECT schema_name FROM {path}", "d")
    assert [row["schema_name"] for row in rows] == expected


def test_a_region_shows_the_tables_of_all_its_datasets(service: Service) -> None:
    rows = run(service, "SELECT table_name FROM `region-US`.INFORMATION_SCHEMA.TABLES ORDER BY 1")
    assert [row["table_name"] for row in rows] == ["t", "v"]
    (row,) = run(service, "SELECT * FROM `region-us`.INFORMATION_SCHEMA.TABLE_STORAGE")
    assert (row["table_name"], row["total_rows"], row["total_partitions"]) == ("t", 2, 2)
    assert (row["total_logical_bytes"], row["deleted"]) == (24, False)
    assert row["total_physical_bytes"] is None


def test_options_of_schemata(service: Service) -> None:
    rows = run(service, "SELECT * FROM `region-eu`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS")
    assert [(row["schema_name"], row["option_value"]) for row in rows] == [("e", "2.0")]
    rows = run(service, "SELECT option_name, option_value FROM INFORMATION_SCHEMA.SCHEMATA_OPTIONS")
    assert rows[0] == {"option_name": "description", "option_value": '"of d"'}


@pytest.mark.parametrize(
    "view",
    [
        *("MATERIALIZED_VIEWS", "ROUTINES", "PARAMETERS", "ROUTINE_OPTIONS", "TABLE_SNAPSHOTS"),
        *("TABLE_CONSTRAINTS", "KEY_COLUMN_USAGE"),
    ],
)
def test_what_can_not_be_made_is_not_there(service: Service, view: str) -> None:
    assert run(service, f"SELECT * FROM {SCHEMA}.{view}") == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("d.INFORMATION_SCHEMA.SCHEMATA", "SCHEMATA is not of a dataset: d"),
        ("`region-us`.INFORMATION_SCHEMA.PARTITIONS", "must be qualified with a dataset"),
        ("INFORMATION_SCHEMA.TABLES", "must be qualified with a dataset"),
        ("d.INFORMATION_SCHEMA.SEARCH_INDEXES", "not supported by the emulator: INFORMATION_"),
    ],
)
def test_a_view_of_something_else_is_refused(service: Service, path: str, message: str) -> None:
    with pytest.raises(BigQueryError, match=message):
        run(service, f"SELECT * FROM {path}")


def test_a_dataset_that_is_not_there_is_told(service: Service) -> None:
    with pytest.raises(DatasetNotFound):
        run(service, "SELECT * FROM none.INFORMATION_SCHEMA.TABLES")


def test_jobs_are_rows(service: Service) -> None:
    query = Query("SELECT COUNT(*) AS n FROM d.v", PROJECT)
    job = service.jobs.submit(query, {"query": {}, "labels": {"a": "b"}}, "US", "mine")
    bad = service.jobs.submit(Query("SELECT none", PROJECT), {"query": {}}, "US", "bad")
    assert job.done.wait(30)
    assert bad.done.wait(30)
    rows = {
        row["job_id"]: row
        for row in run(service, "SELECT * FROM `region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT")
    }
    row = rows["mine"]
    assert (row["state"], row["statement_type"], row["job_type"]) == ("DONE", "SELECT", "QUERY")
    assert row["query"] == "SELECT COUNT(*) AS n FROM d.v"
    assert row["labels"] == [{"key": "a", "value": "b"}]
    assert row["creation_time"] == NOW
    assert "none" in rows["bad"]["error_result"]["message"]
