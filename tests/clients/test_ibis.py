"""ibis' BigQuery backend: expressions compiled, run and fetched."""

from __future__ import annotations

import ibis
import pytest
from ibis import _


@pytest.fixture
def backend(bigquery_dataset: str) -> ibis.BaseBackend:
    project, dataset = bigquery_dataset.split(".")
    made = ibis.bigquery.connect(project_id=project, dataset_id=dataset)
    made.raw_sql(
        f"CREATE TABLE {dataset}.sales AS SELECT * FROM UNNEST([STRUCT(DATE '2024-01-15' AS day,"
        " 'north' AS shop, 2.5 AS price), ('2024-01-15', 'south', 4.0),"
        " ('2024-02-01', 'north', 1.5)])"
    )
    return made


def test_tables_are_made_listed_and_dropped(backend: ibis.BaseBackend) -> None:
    backend.create_view("north", backend.table("sales").filter(_.shop == "north"))
    assert sorted(backend.list_tables()) == ["north", "sales"]
    assert backend.table("north").count().execute() == 2
    backend.insert("sales", backend.table("sales").filter(_.shop == "south"))
    assert backend.table("sales").count().execute() == 4
    backend.raw_sql(f"DROP VIEW {backend.current_database}.north")  # its own names no view
    assert backend.list_tables() == ["sales"]


def test_rows_are_grouped_ranked_and_pivoted(backend: ibis.BaseBackend) -> None:
    sales = backend.table("sales")
    months = (
        sales.group_by(sales.day.truncate("M").name("month"))
        .agg(total=_.price.sum(), shops=_.shop.nunique())
        .order_by("month")
    )
    assert months.execute()[["total", "shops"]].values.tolist() == [[6.5, 2], [1.5, 1]]
    ranked = sales.mutate(
        place=ibis.row_number().over(group_by="shop", order_by=ibis.desc("price"))
    ).filter(_.place == 0)
    assert sorted(ranked.execute()["price"]) == [2.5, 4.0]
    wide = sales.pivot_wider(names_from="shop", values_from="price", values_agg="sum")
    assert wide.order_by("day").execute()["north"].tolist() == [2.5, 1.5]


def test_rows_come_as_arrow_and_join_others(backend: ibis.BaseBackend) -> None:
    backend.create_table("cities", schema=ibis.schema({"shop": "string", "city": "string"}))
    backend.raw_sql(f"INSERT {backend.current_database}.cities VALUES ('north', 'Oslo')")
    joined = backend.table("sales").join(backend.table("cities"), "shop").select("city", "price")
    assert joined.order_by("price").to_pyarrow().to_pydict() == {
        "city": ["Oslo", "Oslo"],
        "price": [1.5, 2.5],
    }


def test_nested_values_are_unnested(backend: ibis.BaseBackend) -> None:
    made = backend.sql("SELECT 'a' AS id, [STRUCT(1 AS n, 'x' AS tag), (2, 'y')] AS items")
    flat = made.select("id", item=_["items"].unnest())
    frame = flat.select("id", n=_.item.n, tag=_.item.tag).order_by("n").execute()
    assert frame.values.tolist() == [["a", 1, "x"], ["a", 2, "y"]]
