"""The table of functions says what is so: each example is translated, evaluated or refused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlglot import exp

from localgcp.bigquery.errors import SqlNotSupported
from localgcp.bigquery.googlesql import rules
from localgcp.bigquery.googlesql.functions.table import TABLE, Entry, Way, rendered
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.googlesql.shapes import prepare
from localgcp.bigquery.googlesql.statements import parse
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.service import Service

PAGE = Path(__file__).parents[4] / "docs" / "sql-functions.md"
SKETCHES = """FROM (SELECT HLL_COUNT.INIT(x) AS sketch, KLL_QUANTILES.INIT_INT64(x) AS ints,
  KLL_QUANTILES.INIT_FLOAT64(CAST(x AS FLOAT64)) AS floats FROM UNNEST([1]) AS x)"""
ROWS = "FROM (SELECT 1 AS x, 's' AS s)"
DUCKDBS = (Way.NATIVE, Way.EXPRESSION)
ALONE = {"COLLATE", "CONTAINS_SUBSTR"}  # beside others they are refused
ANSWERED = [each for each in TABLE if each.way is not Way.REFUSED and each.name != "ERROR"]
SCALARS = [each for each in ANSWERED if not each.of_rows]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    reference = shared()
    reference.names("SELECT 1")  # wait for it
    made = Service(None, reference=reference)
    yield made
    made.close()


def run(service: Service, columns: str, example: str = "") -> None:
    source = (SKETCHES if re.search("sketch|ints|floats", example) else ROWS) if example else ""
    grouped = " GROUP BY x" if example.startswith("GROUPING") else ""
    service.queries.run(Query(f"SELECT {columns} {source}{grouped}", "test-project"))


def named(each: Entry) -> str:
    return each.name


def test_the_page_shows_the_table(writing: bool) -> None:
    if writing:
        PAGE.write_text(rendered())
    assert PAGE.read_text() == rendered(), "stale: pytest --write"


def test_each_name_is_told_once() -> None:
    counts = Counter(each.name for each in TABLE)
    assert [name for name, count in counts.items() if count > 1] == []


def translated(example: str) -> Way | None:
    """How the translator does it; None if it does not."""
    tree = parse(f"SELECT {example} AS y FROM t")
    found = tree.expressions[0].this
    while isinstance(found, exp.Window | exp.IgnoreNulls | exp.RespectNulls):
        found = found.this
    try:
        rules.rewrite(prepare(tree))
    except SqlNotSupported:
        return None
    return Way.NATIVE if type(found) in rules.SAME else Way.EXPRESSION


def test_the_translator_has_what_duckdb_is_said_to_do() -> None:
    said = {each.name: each.way if each.way in DUCKDBS else None for each in TABLE}
    assert {each.name: translated(each.example) for each in TABLE} == said


def group(each: Entry) -> str:
    return each.name if each.name in ALONE else each.family


@pytest.mark.parametrize("name", dict.fromkeys(map(group, SCALARS)))
def test_the_functions_of_values_are_answered(service: Service, name: str) -> None:
    examples = [each.example for each in SCALARS if group(each) == name]
    run(service, ", ".join(f"{example} AS c{place}" for place, example in enumerate(examples)))


@pytest.mark.parametrize("function", [f for f in ANSWERED if f.of_rows], ids=named)
def test_a_function_of_rows_is_answered(service: Service, function: Entry) -> None:
    run(service, f"{function.example} AS y", function.example)


@pytest.mark.parametrize("function", [f for f in TABLE if f.way is Way.REFUSED], ids=named)
def test_what_is_refused_is_refused_by_name(service: Service, function: Entry) -> None:
    with pytest.raises(SqlNotSupported, match=r"not supported by the emulator: function "):
        run(service, f"{function.example} AS y", function.example if function.of_rows else "")
