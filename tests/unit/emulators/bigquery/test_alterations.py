"""Schemas made and dropped, tables altered, by statements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localgcp.bigquery.catalog.dataset import Dataset
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import (
    BigQueryError,
    DatasetExists,
    DatasetInUse,
    DatasetNotFound,
    TableExists,
    TableNotFound,
)
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.jobs.query import Outcome, Query
from localgcp.bigquery.service import Service

PROJECT = "test-project"


class Sql:
    """A service as an emulator has it, and what is in it."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def __call__(self, sql: str, **more: Any) -> Outcome:
        return self.service.queries.run(Query(sql, PROJECT, "d", **more))

    def table(self, id_: str = "t") -> Table:
        return self.service.catalog.table(Name(PROJECT, "d", id_))

    def dataset(self, id_: str) -> Dataset:
        return self.service.catalog.dataset(PROJECT, id_)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        rows = self(sql).rows
        assert rows is not None
        return list(rows.to_pylist())


@pytest.fixture
def sql() -> Iterator[Sql]:
    service = Service(None, clock=lambda: 1_700_000_000.0, reference=shared())
    made = Sql(service)
    made("CREATE SCHEMA d")
    yield made
    service.close()


@pytest.fixture
def t(sql: Sql) -> Sql:
    """With a table of two rows."""
    sql("CREATE TABLE d.t (a INT64 NOT NULL, b STRING, day DATE) PARTITION BY day CLUSTER BY b")
    sql("INSERT INTO d.t VALUES (1, 'x', DATE '2024-01-15'), (2, 'y', NULL)")
    return sql


def test_a_schema_is_a_dataset_with_its_options(sql: Sql) -> None:
    outcome = sql(
        f"CREATE SCHEMA `{PROJECT}`.s OPTIONS(location='EU', description='of s', friendly_name='S',"
        " labels=[('team', 'data')], default_table_expiration_days=1.5,"
        " default_partition_expiration_days=3, max_time_travel_hours=48)"
    )
    assert (outcome.kind, outcome.operation, outcome.schema) == (
        "CREATE_SCHEMA",
        "CREATE",
        (PROJECT, "s"),
    )
    made = sql.dataset("s")
    assert (made.location, made.description, made.friendly_name) == ("EU", "of s", "S")
    assert (made.labels, made.table_expiration_ms) == ({"team": "data"}, 129_600_000)
    assert (made.partition_expiration_ms, made.travel_hours) == (259_200_000, 48)


def test_a_schema_that_is_there_is_kept_if_asked(sql: Sql) -> None:
    assert sql("CREATE SCHEMA IF NOT EXISTS d").operation == "SKIP"
    with pytest.raises(DatasetExists):
        sql("CREATE SCHEMA d")


def test_a_schema_is_dropped_when_it_is_empty_or_with_all_it_holds(t: Sql) -> None:
    with pytest.raises(DatasetInUse):
        t("DROP SCHEMA d")
    assert t("DROP SCHEMA d CASCADE").operation == "DROP"
    with pytest.raises(DatasetNotFound):
        t.dataset("d")
    assert t("DROP SCHEMA IF EXISTS d").operation == "SKIP"
    with pytest.raises(DatasetNotFound):
        t("DROP SCHEMA d")


def test_a_schema_changes_its_options_and_loses_them(sql: Sql) -> None:
    sql("ALTER SCHEMA d SET OPTIONS(description='x', labels=[('a', 'b'), ('c', 'd')])")
    sql("ALTER SCHEMA IF EXISTS d SET OPTIONS(description=NULL, labels=[('c', 'e')])")
    assert (sql.dataset("d").description, sql.dataset("d").labels) == (None, {"c": "e"})
    assert sql("ALTER SCHEMA IF EXISTS none SET OPTIONS(description='x')").operation == "SKIP"
    with pytest.raises(DatasetNotFound):
        sql("ALTER SCHEMA none SET OPTIONS(description='x')")


def test_a_dry_run_changes_nothing(t: Sql) -> None:
    t("CREATE SCHEMA e", dry_run=True)
    t("DROP SCHEMA d CASCADE", dry_run=True)
    t("ALTER TABLE d.t ADD COLUMN c INT64", dry_run=True)
    t("ALTER SCHEMA d SET OPTIONS(description='x')", dry_run=True)
    assert [field.name for field in t.table().fields] == ["a", "b", "day"]
    assert t.dataset("d").description is None
    with pytest.raises(DatasetNotFound):
        t.dataset("e")


def test_a_table_changes_its_options(t: Sql) -> None:
    t(
        "ALTER TABLE d.t SET OPTIONS(description='''of\nt''', labels=[('x', 'y')],"
        " expiration_timestamp=TIMESTAMP_ADD(TIMESTAMP '2030-01-01', INTERVAL 12 HOUR),"
        " partition_expiration_days=2, require_partition_filter=true)"
    )
    table = t.table()
    assert (table.description, table.labels) == ("of\nt", {"x": "y"})
    assert (table.expiration_ms, table.require_partition_filter) == (1_893_499_200_000, True)
    assert table.partitioning is not None
    assert table.partitioning.expiration_ms == 172_800_000
    t("ALTER TABLE d.t SET OPTIONS(expiration_timestamp=NULL, labels=[('z', '1')])")
    assert (t.table().expiration_ms, t.table().labels) == (None, {"z": "1"})
    assert t.table().description == "of\nt"


def test_a_column_changes_its_description(t: Sql) -> None:
    t("ALTER TABLE d.t ALTER COLUMN IF EXISTS b SET OPTIONS(description='of b')")
    assert [field.description for field in t.table().fields] == ["", "of b", ""]


def test_columns_come_and_go_with_their_values(t: Sql) -> None:
    t(
        "ALTER TABLE d.t ADD COLUMN c ARRAY<STRUCT<x INT64>> OPTIONS(description='of c'),"
        " ADD COLUMN IF NOT EXISTS a STRING, ADD COLUMN n NUMERIC"
    )
    t("UPDATE d.t SET c = [STRUCT(7 AS x)], n = 1.5 WHERE a = 1")
    assert [field.description for field in t.table().fields] == ["", "", "", "of c", ""]
    t("ALTER TABLE d.t DROP COLUMN n, DROP COLUMN IF EXISTS none")
    t("ALTER TABLE d.t RENAME COLUMN a TO id, RENAME COLUMN IF EXISTS none TO some")
    t("ALTER TABLE d.t ALTER COLUMN id DROP NOT NULL, ALTER COLUMN id SET DATA TYPE FLOAT64")
    assert t.rows("SELECT id, c FROM d.t ORDER BY id") == [
        {"id": 1.0, "c": [{"x": 7}]},
        {"id": 2.0, "c": None},
    ]
    t("INSERT INTO d.t (b) VALUES ('no id')")


def test_a_table_takes_another_name_with_its_rows(t: Sql) -> None:
    t("CREATE TABLE d.other (a INT64)")
    with pytest.raises(TableExists):
        t("ALTER TABLE d.t RENAME TO other")
    t("ALTER TABLE d.t RENAME TO u")
    assert t.rows("SELECT SUM(a) AS total FROM d.u") == [{"total": 3}]
    assert t.table("u").clustering == ("b",)
    with pytest.raises(TableNotFound):
        t.table("t")


def test_of_a_list_of_changes_all_are_made_or_none(t: Sql) -> None:
    with pytest.raises(BigQueryError, match="Column not found: none"):
        t("ALTER TABLE d.t ADD COLUMN c INT64, DROP COLUMN none")
    assert [field.name for field in t.table().fields] == ["a", "b", "day"]
    assert t.rows("SELECT * FROM d.t WHERE a = 2") == [{"a": 2, "b": "y", "day": None}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("ADD COLUMN b INT64", "Column already exists: b"),
        ("ADD COLUMN c INT64 NOT NULL", "Cannot add required fields"),
        ("DROP COLUMN day", "Cannot drop partitioning column day"),
        ("RENAME COLUMN b TO c", "Cannot rename clustering column b"),
        ("RENAME COLUMN a TO B", "Column already exists: B"),
        ("ALTER COLUMN b SET DATA TYPE INT64", "requires that STRING of column b"),
        ("ALTER COLUMN b SET DEFAULT 'x'", "not supported by the emulator: ALTER"),
        ("SET OPTIONS(kms_key_name='k')", "not supported by the emulator: option kms_key_name"),
        ("ALTER COLUMN none SET OPTIONS(description='x')", "Column not found: none"),
    ],
)
def test_what_cannot_change_is_told(t: Sql, change: str, message: str) -> None:
    with pytest.raises(BigQueryError, match=message):
        t(f"ALTER TABLE d.t {change}")


def test_a_view_changes_its_options_alone(t: Sql) -> None:
    t("CREATE VIEW d.v AS SELECT a FROM d.t")
    t("ALTER VIEW d.v SET OPTIONS(description='of v')")
    assert t.table("v").description == "of v"
    for statement in (
        "ALTER TABLE d.v SET OPTIONS(description='x')",
        "ALTER VIEW d.t SET OPTIONS(description='x')",
    ):
        with pytest.raises(BigQueryError, match="cannot change it"):
            t(statement)


def test_a_table_is_made_with_an_expiration_that_is_reckoned(sql: Sql) -> None:
    sql(
        "CREATE OR REPLACE TABLE d.x OPTIONS(expiration_timestamp=TIMESTAMP_ADD("
        "TIMESTAMP '2030-01-01', INTERVAL 12 HOUR)) AS (SELECT 1 AS a)"
    )
    assert sql.table("x").expiration_ms == 1_893_499_200_000
