"""What dbt-bigquery asks of a project, in its own order: seed, run, snapshot, docs.

The statements have the form that dbt-bigquery 1.12 gives them, written for a small model of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.service import Service

PROJECT = "test-project"
COMMENT = '/* {"app": "dbt", "dbt_version": "1.11.16", "target_name": "dev"} */\n'
LATER = "expiration_timestamp=TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 12 hour)"


class Dbt:
    """A project's connection."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def __call__(self, sql: str) -> list[dict[str, Any]]:
        rows = self.service.queries.run(Query(COMMENT + sql, PROJECT)).rows
        return [] if rows is None else list(rows.to_pylist())


@pytest.fixture(scope="module")
def dbt() -> Iterator[Dbt]:
    reference = shared()
    reference.names("SELECT 1")  # wait for it
    made = Dbt(Service(None, reference=reference))
    made(f"create schema if not exists `{PROJECT}`.`shop`\n  ")
    made(
        "create or replace table `test-project`.`shop`.`raw` as ("
        "select 1 as id, 'new' as status, date '2024-01-15' as day union all"
        " select 2, 'paid', date '2024-01-16')"
    )
    made(f"alter table `{PROJECT}`.`shop`.`raw` set OPTIONS()")
    yield made
    made.service.close()


def test_a_view_and_a_table_are_replaced(dbt: Dbt) -> None:
    for _ in range(2):
        dbt(
            "create or replace view `test-project`.`shop`.`stg`\n  OPTIONS()\n  as "
            "with source as (select * from `test-project`.`shop`.`raw`)\n"
            "select id as order_id, status, day from source;\n"
        )
        dbt(
            "create or replace table `test-project`.`shop`.`orders`\n    partition by day\n"
            '    cluster by status\n    OPTIONS(\n      description="""one a row"""\n    )\n'
            "    as (\nselect * from `test-project`.`shop`.`stg`\n    );\n"
        )
    assert dbt("select count(*) as n from shop.orders where day = '2024-01-15'") == [{"n": 1}]


@pytest.mark.parametrize(
    "before",
    ["", "\n-- a model (of two rows)\n\n", "# it's one\n(/* ( */ "],
    ids=["", "line", "deep"],
)
def test_a_model_may_begin_with_a_comment(dbt: Dbt, before: str) -> None:
    after = ")" if "(/*" in before else ""
    query = f"({before}select 1 as id, 'a' as tag union all select 2, 'ü'{after}\n\n )"
    dbt(f"create or replace table shop.said OPTIONS() as {query};\n")
    dbt(f"insert into shop.said (id, tag) {query}")
    assert dbt("select count(*) as n, max(tag) as tag from shop.said") == [{"n": 4, "tag": "ü"}]


def test_a_model_grows_by_merge(dbt: Dbt) -> None:
    dbt("create or replace table shop.grown as (select 1 as id, 'old' as status)")
    dbt(
        f"create or replace table shop.grown__dbt_tmp OPTIONS({LATER}) as"
        " (select id, status from shop.raw)"
    )
    dbt(
        "merge into `test-project`.`shop`.`grown` as DBT_INTERNAL_DEST\n"
        "    using (select * from `test-project`.`shop`.`grown__dbt_tmp`) as DBT_INTERNAL_SOURCE\n"
        "    on ((DBT_INTERNAL_SOURCE.id = DBT_INTERNAL_DEST.id))\n"
        "    when matched then update set `id` = DBT_INTERNAL_SOURCE.`id`,"
        "`status` = DBT_INTERNAL_SOURCE.`status`\n"
        "    when not matched then insert (`id`, `status`) values (`id`, `status`)\n"
    )
    dbt("drop table if exists `test-project`.`shop`.`grown__dbt_tmp`")
    assert dbt("select * from shop.grown order by id") == [
        {"id": 1, "status": "new"},
        {"id": 2, "status": "paid"},
    ]


def test_the_catalog_joins_what_is_told_of_tables(dbt: Dbt) -> None:
    schema = "`test-project`.`shop`.INFORMATION_SCHEMA"
    rows = dbt(
        "with shards as (\n"
        "  select tables.table_id as name, tables.type = 1 as is_table, tables.row_count,\n"
        "    JSON_VALUE(told.option_value) as comment\n"
        "  from `test-project`.`shop`.__TABLES__ tables\n"
        f"  left join {schema}.MATERIALIZED_VIEWS views\n"
        "    on views.table_schema = tables.dataset_id and views.table_name = tables.table_id\n"
        f"  left join {schema}.TABLE_OPTIONS told on told.table_name = tables.table_id\n"
        "    and told.option_name = 'description'\n"
        "  where upper(tables.dataset_id) = upper('shop')),\n"
        "columns as (\n"
        "  select columns.table_name as name, paths.field_path, paths.data_type,\n"
        "    columns.is_partitioning_column\n"
        f"  from {schema}.COLUMNS columns join {schema}.COLUMN_FIELD_PATHS paths\n"
        "    on paths.table_name = columns.table_name\n"
        "    and paths.column_name = columns.column_name)\n"
        "select shards.comment, shards.row_count, columns.* from shards\n"
        "join columns using (name) where name = 'orders' order by field_path"
    )
    assert [(row["field_path"], row["data_type"]) for row in rows] == [
        ("day", "DATE"),
        ("order_id", "INT64"),
        ("status", "STRING"),
    ]
    assert {(row["comment"], row["row_count"]) for row in rows} == {("one a row", 2)}
    assert [row["is_partitioning_column"] for row in rows] == ["YES", "NO", "NO"]
