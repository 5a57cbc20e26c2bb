"""COLLATE, by ICU's own order; and what else of the reference wants ICU's data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from localgcp.bigquery.catalog.evolution import evolve
from localgcp.bigquery.catalog.schema import parse_schema, to_resource
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import (
    BadValue,
    BigQueryError,
    InvalidQuery,
    NotSupported,
    SqlNotSupported,
)
from localgcp.bigquery.googlesql.reference import icu
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.service import Service

PROJECT = "test-project"
pytestmark = pytest.mark.skipif(icu.library() is None, reason="no pyicu-wheels for this system")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service(None, reference=shared())
    made.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
    run(made, "CREATE TABLE d.t (k INT64, s STRING COLLATE 'und:ci', b STRING)")
    run(made, "INSERT d.t VALUES (1, 'Straw', 'x'), (2, 'straw', 'X'), (3, 'Apple', 'X')")
    yield made
    made.close()


def run(service: Service, sql: str) -> Any:
    outcome = service.queries.run(Query(sql, PROJECT, "d"))
    if outcome.rows is None:
        return outcome
    return [[cell["v"] for cell in row["f"]] for row in encode(outcome.fields, outcome.rows, True)]


ANSWERS: list[tuple[str, list[list[Any]]]] = [
    ("SELECT COLLATE('Ray', 'und:ci') = 'rAY', 'Ray' = 'rAY'", [["true", "false"]]),
    ("SELECT COLLATE('é', 'und:ci') = 'É', COLLATE('é', 'und:ci') = 'e'", [["true", "false"]]),
    # Control characters count for nothing, and digits come before letters.
    (
        "SELECT COLLATE('a\\u0001b', 'und:ci') = 'AB', COLLATE('Z', 'und:ci') < '1'",
        [["true", "false"]],
    ),
    (
        "SELECT SPLIT(COLLATE('oneXtwoxthree', 'und:ci'), 'x')",
        [[[{"v": "one"}, {"v": "two"}, {"v": "three"}]]],
    ),
    (
        "SELECT STRPOS(COLLATE('abCD', 'und:ci'), 'cd'), COLLATE('abCD', 'und:ci') LIKE 'AB%'",
        [["3", "true"]],
    ),
    ("SELECT COUNT(DISTINCT COLLATE(x, 'und:ci')) FROM UNNEST(['a', 'A', 'b']) AS x", [["2"]]),
    (
        "SELECT x FROM UNNEST(['b', 'C', 'a']) AS x ORDER BY x COLLATE 'und:ci'",
        [["a"], ["b"], ["C"]],
    ),
    (
        "SELECT NORMALIZE('\\uFB01', NFKC), NORMALIZE_AND_CASEFOLD('\\uFB01X', NFKC)",
        [["fi", "fix"]],
    ),
    (
        "SELECT NET.PUBLIC_SUFFIX('http://a.b.co.uk'), NET.REG_DOMAIN('http://a.b.co.uk')",
        [["co.uk", "b.co.uk"]],
    ),
    # Columns of tables.
    ("SELECT k FROM d.t WHERE s = 'STRAW' ORDER BY k", [["1"], ["2"]]),
    ("SELECT k FROM d.t WHERE b = 'X' ORDER BY k", [["2"], ["3"]]),
    ("SELECT COUNT(*) AS n FROM d.t GROUP BY s ORDER BY n", [["1"], ["2"]]),
    ("SELECT UPPER(s), COUNT(*) FROM d.t GROUP BY 1 ORDER BY 1", [["APPLE", "1"], ["STRAW", "2"]]),
    ("WITH x AS (SELECT * FROM d.t) SELECT k FROM x WHERE x.s IN ('apple')", [["3"]]),
]


@pytest.mark.parametrize(("sql", "rows"), ANSWERS)
def test_compares_as_icu_does(service: Service, sql: str, rows: list[list[Any]]) -> None:
    assert run(service, sql) == rows


def test_what_is_made_of_a_column_keeps_its_collation(service: Service) -> None:
    run(service, "CREATE OR REPLACE TABLE d.made AS SELECT LOWER(s) AS s, b FROM d.t")
    run(service, "CREATE OR REPLACE VIEW d.seen AS SELECT s FROM d.made")
    assert run(service, "SELECT COUNT(*) FROM d.seen WHERE s = 'STRAW'") == [["2"]]
    resource = service.catalog.table(service.catalog.list_tables(PROJECT, "d")[0].name).settings()
    assert resource["schema"]["fields"][0]["collation"] == "und:ci"


def test_the_schema_s_views_tell_it_and_no_change_loses_it(service: Service) -> None:
    sql = "SELECT collation_name FROM d.INFORMATION_SCHEMA.COLUMNS WHERE table_name = 't'"
    assert run(service, f"{sql} ORDER BY ordinal_position") == [["NULL"], ["und:ci"], ["NULL"]]
    old = service.catalog.table(Name(PROJECT, "d", "t")).fields
    with pytest.raises(NotSupported, match="another collation"):
        evolve("t", old, tuple(replace(field, collation="") for field in old))


def test_rows_are_changed_by_it(service: Service) -> None:
    run(service, "CREATE OR REPLACE TABLE d.c (s STRING COLLATE 'und:ci', n INT64)")
    run(service, "INSERT d.c (s, n) VALUES ('Ab', 1), ('cd', 2)")
    assert run(service, "UPDATE d.c SET n = 3 WHERE s = 'aB'").affected == {"UPDATE": 1}
    assert run(service, "DELETE FROM d.c WHERE s = 'CD'").affected == {"DELETE": 1}
    assert run(service, "SELECT s, n FROM d.c") == [["Ab", "3"]]


REFUSED: list[tuple[str, type[BigQueryError], str]] = [
    (
        "SELECT x FROM UNNEST(['a']) AS x ORDER BY x COLLATE 'sv'",
        SqlNotSupported,
        "function COLLATE",
    ),
    (
        "SELECT HLL_COUNT.INIT(COLLATE(x, 'und:ci')) FROM UNNEST(['a']) AS x",
        SqlNotSupported,
        "not supported",
    ),
    ("SELECT HLL_COUNT.INIT(s) FROM d.t", SqlNotSupported, "not supported"),
    ("SELECT COLLATE('a', 'und:ci:cs') = 'A'", InvalidQuery, "invalid collation name"),
    ("CREATE TABLE d.x (s STRING COLLATE 'de')", InvalidQuery, "Invalid collation"),
    ("CREATE TABLE d.x (s INT64 COLLATE 'und:ci')", BigQueryError, "COLLATE"),
    ("CREATE TABLE d.x (r STRUCT<s STRING COLLATE 'und:ci'>)", BigQueryError, "a collation within"),
]


@pytest.mark.parametrize(("sql", "kind", "message"), REFUSED)
def test_refuses_by_name(
    service: Service, sql: str, kind: type[BigQueryError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        run(service, sql)


def test_a_schema_of_the_api_says_it_too() -> None:
    given = {"name": "s", "type": "STRING", "collation": "und:ci"}
    fields = parse_schema({"fields": [given]})
    assert to_resource(fields) == [given | {"mode": "NULLABLE"}]
    for wrong in ({"collation": "und:cs"}, {"type": "INTEGER"}):
        with pytest.raises(BadValue, match="collation"):
            parse_schema({"fields": [given | wrong]})
