"""Tables by ingestion time and by ranges of an integer, and their decorators."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery

from tests.surface.introspect import covers

SCHEMA = [bigquery.SchemaField("n", "INTEGER"), bigquery.SchemaField("s", "STRING")]
TODAY = datetime.now(UTC).date()


def day(ago: int) -> str:
    return f"{TODAY - timedelta(days=ago):%Y%m%d}"


@pytest.fixture
def ingested(client: bigquery.Client, dataset: bigquery.DatasetReference) -> bigquery.Table:
    table = bigquery.Table(dataset.table("ingested"), schema=SCHEMA)
    table.time_partitioning = bigquery.TimePartitioning()
    return client.create_table(table)


@pytest.fixture
def ranged(client: bigquery.Client, dataset: bigquery.DatasetReference) -> bigquery.Table:
    table = bigquery.Table(dataset.table("ranged"), schema=SCHEMA)
    bounds = bigquery.PartitionRange(start=0, end=100, interval=10)
    table.range_partitioning = bigquery.RangePartitioning(bounds, field="n")
    return client.create_table(table)


def numbers(client: bigquery.Client, sql: str) -> list[Any]:
    return [row[0] for row in client.query_and_wait(sql)]


def at(table: bigquery.Table, id_: str) -> str:
    return f"{table.reference}${id_}"


@covers(bigquery.LoadJob, "range_partitioning")
def test_rows_are_in_the_partition_of_their_coming(
    client: bigquery.Client, ingested: bigquery.Table
) -> None:
    assert (ingested.time_partitioning.type_, ingested.time_partitioning.field) == ("DAY", None)
    name = f"`{ingested.reference}`"
    assert client.insert_rows_json(ingested, [{"n": 1}]) == []
    client.query_and_wait(f"INSERT INTO {name} (n) VALUES (2)")
    client.load_table_from_json([{"n": 3}], ingested.reference).result()
    loaded = bigquery.LoadJobConfig(
        range_partitioning=bigquery.RangePartitioning(bigquery.PartitionRange(0, 9, 3), field="n")
    )
    load = client.load_table_from_json(
        [{"n": 4}], f"{ingested.reference}_loaded", job_config=loaded
    )
    load.result()
    assert load.range_partitioning.field == "n"
    assert client.list_partitions(load.destination) == ["3"]
    assert client.list_partitions(ingested) == [day(0)]
    (row,) = client.query_and_wait(f"SELECT * FROM {name} WHERE n = 1")
    assert tuple(row.keys()) == ("n", "s")
    where = f"_PARTITIONTIME = TIMESTAMP('{TODAY}') AND _PARTITIONDATE = '{TODAY}'"
    assert numbers(client, f"SELECT COUNT(*) FROM {name} WHERE {where}") == [3]
    assert numbers(client, f"SELECT DISTINCT _PARTITIONDATE AS d FROM {name}") == [TODAY]
    both = f"SELECT *, _PARTITIONTIME AS pt FROM {name} ORDER BY n"
    assert [(r.n, r.pt.date()) for r in client.query_and_wait(both)] == [
        (n, TODAY) for n in (1, 2, 3)
    ]
    client.query_and_wait(f"DELETE FROM {name} WHERE _PARTITIONTIME < TIMESTAMP('{TODAY}')")
    assert client.get_table(ingested).num_rows == 3


def test_a_decorator_names_the_partition(client: bigquery.Client, ingested: bigquery.Table) -> None:
    assert client.insert_rows_json(at(ingested, day(1)), [{"n": 1}]) == []
    lines = io.BytesIO(b'{"n": 2}\n{"n": 3}\n')
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON")
    client.load_table_from_file(lines, at(ingested, day(2)), job_config=config).result()
    asked = bigquery.QueryJobConfig(destination=at(ingested, day(3)))
    client.query("SELECT 4 AS n, 'x' AS s", job_config=asked).result()
    assert client.list_partitions(ingested) == [day(3), day(2), day(1)]
    rows = client.list_rows(f"{ingested.reference}${day(2)}", selected_fields=SCHEMA)
    assert [row.n for row in rows] == [2, 3]
    asked.write_disposition = "WRITE_TRUNCATE"
    client.query("SELECT 5 AS n, 'y' AS s", job_config=asked).result()
    name = f"`{ingested.reference}`"
    assert numbers(client, f"SELECT n FROM {name} ORDER BY n") == [1, 2, 3, 5]
    client.copy_table(at(ingested, day(2)), at(ingested, day(4))).result()
    by_day = f"SELECT COUNT(*) FROM {name} GROUP BY _PARTITIONDATE ORDER BY _PARTITIONDATE"
    assert numbers(client, by_day) == [2, 1, 2, 1]
    client.delete_table(at(ingested, day(2)))
    assert client.list_partitions(ingested) == [day(4), day(3), day(1)]
    copy = f"{ingested.reference}_copy"
    client.copy_table(ingested, copy).result()  # each row stays where it was
    assert client.list_partitions(copy) == [day(4), day(3), day(1)]


@pytest.mark.parametrize(
    ("decorator", "said"),
    [
        ("20240231", "no id of a DAY partition"),
        ("2024", "no id of a DAY partition"),
        ("20200101", "outside the allowed bounds"),
    ],
)
def test_what_takes_no_rows(
    client: bigquery.Client, ingested: bigquery.Table, decorator: str, said: str
) -> None:
    with pytest.raises(BadRequest, match=said):
        client.insert_rows_json(at(ingested, decorator), [{"n": 1}])
    assert client.get_table(ingested).num_rows == 0


@covers(bigquery.Table, "range_partitioning")
def test_ranges_of_an_integer(client: bigquery.Client, ranged: bigquery.Table) -> None:
    assert (ranged.range_partitioning.field, ranged.range_partitioning.range_.interval) == ("n", 10)
    rows = [{"n": n} for n in (0, 9, 10, 99, 100, -1, None)]
    assert client.insert_rows_json(ranged, rows) == []
    parts = (
        "SELECT partition_id, total_rows FROM "
        f"`{ranged.project}.{ranged.dataset_id}.INFORMATION_SCHEMA.PARTITIONS` ORDER BY 1"
    )
    assert [tuple(row) for row in client.query_and_wait(parts)] == [
        *(("0", 2), ("10", 1), ("90", 1), ("__NULL__", 1), ("__UNPARTITIONED__", 2)),
    ]
    (error,) = client.insert_rows_json(at(ranged, "20"), [{"n": 5}])
    assert "different partitions" in error["errors"][0]["message"]
    assert client.insert_rows_json(at(ranged, "20"), [{"n": 25}]) == []
    asked = bigquery.QueryJobConfig(destination=at(ranged, "0"), write_disposition="WRITE_TRUNCATE")
    client.query("SELECT 3 AS n, 'x' AS s", job_config=asked).result()
    with pytest.raises(BadRequest, match="different partitions"):
        client.query("SELECT 30 AS n, 'x' AS s", job_config=asked).result()
    assert [row.n for row in client.list_rows(at(ranged, "0"), selected_fields=SCHEMA)] == [3]
    assert client.get_table(ranged).num_rows == 7
    with pytest.raises(BadRequest, match="begins there"):
        list(client.list_rows(at(ranged, "5"), selected_fields=SCHEMA))


def test_partitions_by_sql(client: bigquery.Client, dataset: bigquery.DatasetReference) -> None:
    name = f"`{dataset.project}.{dataset.dataset_id}.made`"
    by = "RANGE_BUCKET(n, GENERATE_ARRAY(-10, 10, 5))"
    client.query_and_wait(f"CREATE TABLE {name} (n INT64) PARTITION BY {by}")
    made = client.get_table(dataset.table("made")).range_partitioning
    assert (made.range_.start, made.range_.end, made.range_.interval) == (-10, 10, 5)
    for by, unit in (
        ("_PARTITIONDATE", "DAY"),
        ("DATE(_PARTITIONTIME)", "DAY"),
        ("TIMESTAMP_TRUNC(_PARTITIONTIME, HOUR)", "HOUR"),
        ("DATE_TRUNC(_PARTITIONTIME, MONTH)", "MONTH"),
    ):
        client.query_and_wait(f"CREATE OR REPLACE TABLE {name} (n INT64) PARTITION BY {by}")
        timed = client.get_table(dataset.table("made")).time_partitioning
        assert (timed.type_, timed.field) == (unit, None)
    client.query_and_wait(
        f"CREATE OR REPLACE TABLE {name} (n INT64) PARTITION BY _PARTITIONDATE"
        " OPTIONS (require_partition_filter = TRUE)"
    )
    with pytest.raises(BadRequest, match="_PARTITIONTIME' that can be used for partition elim"):
        client.query_and_wait(f"SELECT n FROM {name}")
    assert numbers(client, f"SELECT n FROM {name} WHERE _PARTITIONDATE > '2024-01-01'") == []
    with pytest.raises(BadRequest, match="cannot be used with the AS query_statement clause"):
        client.query_and_wait(
            f"CREATE TABLE {dataset.dataset_id}.two PARTITION BY _PARTITIONDATE AS SELECT 1 AS n"
        )


@covers(bigquery.QueryJob, "time_partitioning", "range_partitioning", "clustering_fields")
@covers(bigquery.QueryJob, "schema_update_options")
def test_a_result_has_the_layout_that_is_asked(
    client: bigquery.Client, dataset: bigquery.DatasetReference
) -> None:
    target = dataset.table("target")
    config = bigquery.QueryJobConfig(
        destination=target,
        time_partitioning=bigquery.TimePartitioning(field="d"),
        clustering_fields=["n"],
    )
    job = client.query("SELECT DATE '2024-01-15' AS d, 1 AS n", job_config=config)
    job.result()
    assert (job.time_partitioning.field, job.clustering_fields) == ("d", ["n"])
    assert (job.range_partitioning, job.schema_update_options) == (None, None)
    made = client.get_table(target)
    assert (made.time_partitioning.field, made.clustering_fields) == ("d", ["n"])
    config.write_disposition = "WRITE_APPEND"
    config.schema_update_options = ["ALLOW_FIELD_ADDITION"]
    client.query("SELECT DATE '2024-01-16' AS d, 2 AS n, 'x' AS s", job_config=config).result()
    assert [tuple(row) for row in client.list_rows(target)][1][2] == "x"
    config.clustering_fields = ["d"]
    with pytest.raises(BadRequest, match="laid out otherwise"):
        client.query("SELECT DATE '2024-01-16' AS d, 2 AS n", job_config=config).result()
    config.destination = dataset.table("nowhere")
    config.schema_update_options, config.create_disposition = None, "CREATE_NEVER"
    with pytest.raises(NotFound):
        client.query("SELECT DATE '2024-01-16' AS d, 2 AS n", job_config=config).result()
