from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound, PreconditionFailed
from google.cloud import bigquery

from localgcp.bigquery.emulator import BigQueryEmulator
from tests.emulators.bigquery.conftest import PROJECT, connect, order

Field = bigquery.SchemaField


def test_a_table_comes_back_as_it_was_made(client: bigquery.Client, orders: str) -> None:
    table = client.get_table(orders)
    assert table.time_partitioning.field == "event_date"
    assert table.time_partitioning.type_ == "DAY"
    assert table.clustering_fields == ["event_id"]
    assert table.labels == {"team": "data"}
    assert table.description == "Orders"
    assert table.schema[0].description == "the publisher's id"
    assert [field.field_type for field in table.schema[1].fields] == ["STRING", "INTEGER", "FLOAT"]
    assert (table.table_type, table.location, table.num_rows) == ("TABLE", "US", 0)


def test_absent_things_are_named_as_bigquery_names_them(
    client: bigquery.Client, dataset: str
) -> None:
    with pytest.raises(NotFound, match=f"Not found: Table {PROJECT}:{dataset}.none"):
        client.get_table(f"{dataset}.none")
    with pytest.raises(NotFound, match=f"Not found: Dataset {PROJECT}:none"):
        client.get_dataset("none")
    client.delete_table(f"{dataset}.none", not_found_ok=True)


def test_a_second_creation_conflicts_unless_exists_ok(
    client: bigquery.Client, orders: str, dataset: str
) -> None:
    with pytest.raises(Conflict, match=f"Already Exists: Table {PROJECT}:{dataset}.orders"):
        client.create_table(bigquery.Table(orders))
    client.create_table(bigquery.Table(orders), exists_ok=True)
    with pytest.raises(Conflict, match=f"Already Exists: Dataset {PROJECT}:{dataset}"):
        client.create_dataset(dataset)


def test_of_many_creations_at_once_one_wins(emulator: BigQueryEmulator, dataset: str) -> None:
    def create(_: int) -> bool:
        with connect(emulator) as client:
            try:
                client.create_table(
                    bigquery.Table(f"{PROJECT}.{dataset}.race", [Field("a", "INT64")])
                )
            except Conflict:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(create, range(8))) == [False] * 7 + [True]


def test_a_schema_grows_and_relaxes(client: bigquery.Client, orders: str) -> None:
    assert client.insert_rows_json(orders, [order(1)]) == []
    table = client.get_table(orders)
    items = table.schema[1].to_api_repr()
    items["fields"].append({"name": "note", "type": "STRING"})
    relaxed = table.schema[3].to_api_repr() | {"mode": "NULLABLE"}
    schema = [*table.schema]
    schema[1], schema[3] = Field.from_api_repr(items), Field.from_api_repr(relaxed)
    table.schema = [*schema, Field("tags", "STRING", "REPEATED")]
    client.update_table(table, ["schema"])
    assert client.insert_rows_json(orders, [order(2, tags=["a"], total=None)]) == []
    rows = list(
        client.query_and_wait(f"SELECT total, tags, items FROM `{orders}` ORDER BY event_id")
    )
    assert [(row.total, row.tags) for row in rows] == [(59.98, []), (None, ["a"])]
    assert rows[0]["items"][0]["note"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda fields: fields[1:], "Field event_id is missing in new schema"),
        (lambda fields: [*fields, Field("x", "STRING", "REQUIRED")], "Cannot add required fields"),
        (
            lambda fields: [Field("event_id", "INT64", "REQUIRED"), *fields[1:]],
            "Field event_id has changed type from STRING to INTEGER",
        ),
        (
            lambda fields: [*fields[:3], Field("total", "FLOAT64", "REPEATED"), *fields[4:]],
            "Field total has changed mode from REQUIRED to REPEATED",
        ),
    ],
)
def test_a_schema_changes_in_no_other_way(
    client: bigquery.Client, orders: str, change: Any, message: str
) -> None:
    table = client.get_table(orders)
    table.schema = change(list(table.schema))
    with pytest.raises(BadRequest, match=message):
        client.update_table(table, ["schema"])
    assert len(client.get_table(orders).schema) == 6


def test_an_update_needs_the_current_etag(client: bigquery.Client, orders: str) -> None:
    first, second = client.get_table(orders), client.get_table(orders)
    first.description = "changed"
    client.update_table(first, ["description"])
    second.description = "late"
    with pytest.raises(PreconditionFailed):
        client.update_table(second, ["description"])


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ({"schema": {"fields": [{"name": "g", "type": "GEOGRAPHY"}]}}, "type GEOGRAPHY of field g"),
        ({"timePartitioning": {"type": "WEEK"}}, "one of HOUR, DAY, MONTH, YEAR"),
        ({"rangePartitioning": {"field": "a"}}, "no such field"),
        ({"schema": {"fields": [{"name": "_PartitionTime", "type": "DATE"}]}}, "begins with one"),
        (
            {"schema": {"fields": [{"name": "a", "type": "INT64", "collation": "x"}]}},
            "collation",
        ),
        ({"nonsense": 1}, "no such property of a table"),
        (
            {
                "schema": {"fields": [{"name": "a", "type": "STRING"}]},
                "timePartitioning": {"type": "DAY", "field": "a"},
            },
            "DAY partitions need a TIMESTAMP or DATETIME or DATE",
        ),
    ],
)
def test_refuses_what_it_would_ignore(
    client: bigquery.Client, dataset: str, resource: dict[str, Any], message: str
) -> None:
    reference = {"projectId": PROJECT, "datasetId": dataset, "tableId": "t"}
    table = bigquery.Table.from_api_repr({"tableReference": reference, **resource})
    with pytest.raises(BadRequest, match=message):
        client.create_table(table)


def test_every_type_makes_the_way_there_and_back(client: bigquery.Client, dataset: str) -> None:
    kinds = {
        "s": ("STRING", "é"),
        "b": ("BYTES", "YWI="),
        "i": ("INT64", "-9223372036854775808"),
        "f": ("FLOAT64", 1.5),
        "n": ("NUMERIC", "12345678901234567890123456789.123456789"),
        "g": ("BIGNUMERIC", "1.0000000000000000001"),
        "o": ("BOOL", True),
        "t": ("TIMESTAMP", "2024-01-15 10:30:00.5 UTC"),
        "d": ("DATE", "2024-01-15"),
        "m": ("TIME", "10:30:00.5"),
        "w": ("DATETIME", "2024-01-15T10:30:00"),
        "j": ("JSON", '{"a": [1]}'),
    }
    table = f"{PROJECT}.{dataset}.kinds"
    client.create_table(bigquery.Table(table, [Field(k, kind) for k, (kind, _) in kinds.items()]))
    assert client.insert_rows_json(table, [{k: value for k, (_, value) in kinds.items()}]) == []
    assert client.insert_rows_json(table, [{}]) == []
    stored, empty = client.list_rows(table)
    assert (stored.s, stored.b, stored.i, stored.f) == ("é", b"ab", -(2**63), 1.5)
    assert str(stored.n) == "12345678901234567890123456789.123456789"
    assert str(stored.g) == "1.0000000000000000001"
    assert (stored.o, stored.j) == (True, {"a": [1]})
    assert stored.t.isoformat() == "2024-01-15T10:30:00.500000+00:00"
    assert (str(stored.d), str(stored.m)) == ("2024-01-15", "10:30:00.500000")
    assert stored.w.isoformat() == "2024-01-15T10:30:00"
    assert set(empty.values()) == {None}


def test_partitions_are_listed(client: bigquery.Client, orders: str, dataset: str) -> None:
    client.insert_rows_json(orders, [order(1), order(2, event_date="2024-02-01")])
    assert client.list_partitions(orders) == ["20240115", "20240201"]
    query = f"SELECT partition_id, total_rows FROM {dataset}.INFORMATION_SCHEMA.PARTITIONS"
    rows = [tuple(row) for row in client.query_and_wait(f"{query} ORDER BY partition_id")]
    assert rows == [("20240115", 1), ("20240201", 1)]


def test_information_schema_shows_tables_columns_and_views(
    client: bigquery.Client, orders: str, dataset: str
) -> None:
    view = bigquery.Table(f"{PROJECT}.{dataset}.newest")
    view.view_query = f"SELECT event_id FROM `{orders}`"
    client.create_table(view)
    schema = f"`{PROJECT}.{dataset}.INFORMATION_SCHEMA"
    rows = client.query_and_wait(f"SELECT table_name, table_type FROM {schema}.TABLES` ORDER BY 1")
    assert [tuple(row) for row in rows] == [("newest", "VIEW"), ("orders", "BASE TABLE")]
    rows = client.query_and_wait(
        f"SELECT data_type, is_partitioning_column FROM {schema}.COLUMNS`"
        " WHERE table_name = 'orders' AND column_name IN ('items', 'event_date') ORDER BY 1"
    )
    items = "ARRAY<STRUCT<product_id STRING, quantity INT64, price FLOAT64>>"
    assert [tuple(row) for row in rows] == [(items, "NO"), ("DATE", "YES")]
    (row,) = client.query_and_wait(f"SELECT view_definition FROM {schema}.VIEWS`")
    assert row.view_definition == view.view_query


def test_a_view_is_queried_and_typed(client: bigquery.Client, orders: str, dataset: str) -> None:
    view = bigquery.Table(f"{PROJECT}.{dataset}.orders_deduplicated")
    view.view_query = (
        f"SELECT * FROM `{orders}` QUALIFY ROW_NUMBER() OVER"
        " (PARTITION BY event_id ORDER BY processed DESC) = 1"
    )
    client.create_table(view)
    later = order(1, processed="2024-01-15T11:00:00Z", total=1.0)
    client.insert_rows_json(orders, [order(1), later, order(2)])
    rows = client.query_and_wait(
        f"SELECT event_id, total FROM {dataset}.orders_deduplicated ORDER BY event_id"
    )
    assert [tuple(row) for row in rows] == [("e1", 1.0), ("e2", 59.98)]
    made = client.get_table(view)
    assert (made.table_type, len(made.schema)) == ("VIEW", 6)


def test_lists_datasets_and_tables(client: bigquery.Client, orders: str, dataset: str) -> None:
    assert dataset in [item.dataset_id for item in client.list_datasets()]
    assert [item.table_id for item in client.list_tables(dataset)] == ["orders"]
    with pytest.raises(BadRequest, match="is still in use"):
        client.delete_dataset(dataset)
    client.delete_dataset(dataset, delete_contents=True)
    with pytest.raises(NotFound):
        client.get_table(orders)
