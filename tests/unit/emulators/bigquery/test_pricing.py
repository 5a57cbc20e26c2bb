"""The bytes of a query: of the columns that it names, in the partitions that its filter leaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.service import Service

PROJECT = "test-project"
DAYS = "UNNEST(GENERATE_DATE_ARRAY('2024-01-01', '2024-01-10')) AS day"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Ten days of ten rows; `n` takes 8 bytes, `day` 8, `s` 5."""
    made = Service(None, reference=shared())
    run(made, "CREATE SCHEMA d")
    columns = "day, n, 'abc' AS s"
    rows = f"SELECT {columns} FROM {DAYS}, UNNEST(GENERATE_ARRAY(1, 10)) AS n"
    run(made, f"CREATE TABLE d.days PARTITION BY day AS {rows}")
    by = "RANGE_BUCKET(n, GENERATE_ARRAY(0, 100, 5))"
    run(made, f"CREATE TABLE d.ranges PARTITION BY {by} AS {rows}")
    run(made, "CREATE TABLE d.ingested (n INT64) PARTITION BY _PARTITIONDATE")
    run(made, "INSERT INTO d.ingested (n) VALUES (1), (2)")
    run(made, "CREATE VIEW d.seen AS SELECT n FROM d.days")
    yield made
    made.close()


def run(service: Service, sql: str, dry_run: bool = False) -> int:
    outcome = service.queries.run(Query(sql, PROJECT, "d", dry_run=dry_run))
    return service.bytes_read(outcome)


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("sql", "size"),
    [
        ("SELECT * FROM d.days", 100 * 21),
        ("SELECT n FROM d.days", 100 * 8),
        ("SELECT n FROM d.days WHERE s = 'x'", 100 * 13),
        ("SELECT COUNT(*) FROM d.days", 0),
        ("SELECT n FROM d.days WHERE day = '2024-01-03'", 10 * 16),
        ("SELECT n FROM d.days WHERE day = '2024-01-03' AND s = 'x'", 10 * 21),
        ("SELECT n FROM d.days WHERE day BETWEEN '2024-01-03' AND '2024-01-05'", 30 * 16),
        ("SELECT n FROM d.days AS t WHERE t.day IN ('2024-01-03', '2024-01-09')", 20 * 16),
        ("SELECT n FROM d.days WHERE day > '2024-01-08' OR day < '2024-01-02'", 30 * 16),
        ("SELECT n FROM d.days WHERE day > '2024-01-08' OR n = 1", 100 * 16),
        ("SELECT n FROM d.days WHERE day >= DATE_SUB('2024-01-10', INTERVAL 1 DAY)", 20 * 16),
        ("SELECT n FROM d.days WHERE day = (SELECT MAX(day) FROM d.days)", 100 * 16),
        ("SELECT n FROM d.days WHERE day > '2030-01-01'", 0),
        ("SELECT a.n FROM d.days a JOIN d.days b USING (n) WHERE a.day = '2024-01-03'", 100 * 16),
        ("SELECT s FROM d.ranges WHERE n = 3", 40 * 13),
        ("SELECT s FROM d.ranges WHERE n BETWEEN 3 AND 5", 90 * 13),
        ("SELECT n FROM d.ingested WHERE _PARTITIONDATE = '2024-01-01'", 0),
        ("SELECT n FROM d.ingested WHERE _PARTITIONTIME > '2024-01-01'", 16),
    ],
)
def test_what_a_query_reads(service: Service, sql: str, size: int, dry_run: bool) -> None:
    assert run(service, sql, dry_run) == size


def test_a_change_is_counted(service: Service) -> None:
    sql = "SELECT n FROM d.days WHERE day = '2024-01-10'"
    before = run(service, sql)
    run(service, "INSERT INTO d.days (day, n) VALUES ('2024-01-10', 11)")
    assert run(service, sql) == before + 16
    run(service, "DELETE FROM d.days WHERE n = 11")
    assert run(service, sql) == before


def test_duckdb_counts_what_arrow_counts(service: Service) -> None:
    run(
        service,
        "CREATE OR REPLACE TABLE d.kinds AS"
        " SELECT 'é' AS s, b'ab' AS b, 1 AS i, 1.5 AS f, TRUE AS t,"
        " NUMERIC '1' AS n, BIGNUMERIC '1' AS w, DATE '2024-01-01' AS d, TIME '10:11:12' AS c,"
        " TIMESTAMP '2024-01-01' AS ts, DATETIME '2024-01-01' AS l, JSON '{\"a\": 1}' AS j,"
        " ['a', 'bc'] AS a, STRUCT('x' AS x, [1, 2] AS y) AS r,"
        " [STRUCT('x' AS x, [STRUCT(TRUE AS z)] AS y), (NULL, [])] AS rs, CAST(NULL AS STRING) AS e"
        " UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
        " NULL, NULL, NULL, NULL",
    )
    table = service.catalog.table(Name(PROJECT, "d", "kinds"))
    names = [field.name for field in table.fields]
    parts = [service.sizes.part(table, frozenset({name})) for name in names]
    assert sum(parts) == service.sizes.bytes(table)
    assert dict(zip(names, parts, strict=True))["rs"] == 3 + 1
