"""SEARCH, TEXT_ANALYZE, BAG_OF_WORDS, sketches and BASE32: the pages' examples, and refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from localgcp.bigquery.errors import QueryFailed, SqlNotSupported
from localgcp.bigquery.googlesql.reference.callbacks import CallFailed
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.googlesql.reference.text_analysis import FUNCTIONS
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.service import Service

PIE = "I like pie, you like-pie, they like 2 PIEs."  # Text analysis, the examples


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service(None, reference=shared())
    yield made
    made.close()


def run(service: Service, sql: str) -> Any:
    outcome = service.queries.run(Query(sql, "test-project"))
    return [[cell["v"] for cell in row["f"]] for row in encode(outcome.fields, outcome.rows, True)]


ANSWERS = [
    (
        f"TO_JSON_STRING([ARRAY_TO_STRING(TEXT_ANALYZE('{PIE}'), ' '),"
        f" ARRAY_TO_STRING(TEXT_ANALYZE('{PIE}', analyzer=>'PATTERN_ANALYZER'), ' '),"
        f" ARRAY_TO_STRING(TEXT_ANALYZE('{PIE}', analyzer=>'NO_OP_ANALYZER'), ' ')])",
        json.dumps(
            [
                "i like pie you like pie they like 2 pies",
                "like pie you like pie they like pies",
                PIE,
            ]
        ).replace('", "', '","'),
    ),
    (
        "TO_JSON_STRING(BAG_OF_WORDS(['I', 'like', 'pie', 'pie', 'pie', NULL]))",
        '[{"term":null,"count":1},{"term":"I","count":1},{"term":"like","count":1},'
        '{"term":"pie","count":3}]',
    ),
    ("SEARCH(STRUCT('foo' AS a, 1 AS b), 'foo')", "true"),
    ("SEARCH(CAST(NULL AS STRING), 'bar')", "false"),
    ("SEARCH('Hello World', 'hello', analyzer=>'NO_OP_ANALYZER')", "false"),
    ("TO_BASE32(b'abcde\\xff')", "MFRGGZDF74======"),
    ("FROM_BASE32('MFRGGZDF74======') = b'abcde\\xff'", "true"),
    ("SAFE.FROM_BASE32('1')", None),
    ("'a' LIKE ALL UNNEST(CAST(NULL AS ARRAY<STRING>))", "true"),
    ("(SELECT HLL_COUNT.INIT(x) FROM UNNEST([CAST(NULL AS INT64)]) AS x)", None),
    (
        "(SELECT HLL_COUNT.MERGE(s) FROM (SELECT HLL_COUNT.INIT(x, 12) AS s FROM UNNEST([1, 2]) x"
        " UNION ALL SELECT HLL_COUNT.INIT(x) FROM UNNEST([2, 3]) AS x"
        " UNION ALL SELECT CAST(NULL AS BYTES)))",
        "3",
    ),
    (
        "(SELECT KLL_QUANTILES.MERGE_POINT_FLOAT64(s, 0.5) + KLL_QUANTILES.EXTRACT_POINT_FLOAT64("
        "KLL_QUANTILES.MERGE_PARTIAL(s), 1) FROM (SELECT KLL_QUANTILES.INIT_FLOAT64(x) AS s"
        " FROM UNNEST([1.0, 2.5, 7]) AS x"
        " UNION ALL SELECT CAST(NULL AS BYTES)))",
        "9.5",
    ),
    (
        "(SELECT TO_JSON_STRING(KLL_QUANTILES.MERGE_INT64(s, 2))"
        " FROM (SELECT KLL_QUANTILES.INIT_INT64(x) AS s FROM UNNEST([3, 1, NULL, 2]) AS x))",
        "[1,2,3]",
    ),
    ("(SELECT KLL_QUANTILES.MERGE_POINT_INT64(NULL, 0.5) FROM UNNEST([1]))", None),
]


def test_answers(service: Service) -> None:
    calls = ", ".join(call for call, _ in ANSWERS)
    assert run(service, f"SELECT {calls}") == [[expected for _, expected in ANSWERS]]


def search(
    data: Any, query: str | None, kind: str = "STRING", analyzer: str = "LOG_ANALYZER"
) -> Any:
    asked = {"type": kind, "data": data, "query": query, "analyzer": analyzer}
    return FUNCTIONS["search"](json.dumps(asked | {"json_scope": "", "analyzer_options": ""}))


def test_search_finds_tokens() -> None:
    assert search("Hello World", "world") == "true"
    assert search("foobarexample", "foobar") == "false"
    assert search("94.60.64.181 seen", "94.60.64.181") == "true"
    assert search(["alpha", "beta gamma"], "gamma", "ARRAY<STRING>") == "true"
    nested = "STRUCT<a STRING, b STRUCT<c DATE, d ARRAY<STRING>>>"
    assert search({"a": "x", "b": {"c": "2020-01-01", "d": ["y"]}}, "y", nested) == "true"
    assert search({"a": "x", "b": {"c": "2020-01-01", "d": ["y"]}}, "2020", nested) == "false"


@pytest.mark.parametrize(
    ("data", "query", "why"),
    [
        ("a b", "b.a", "not supported by the emulator: SEARCH for what is there"),
        ("a", "`a`", "not supported by the emulator: a search_query with backticks"),
        ("a", "a OR b", "not supported by the emulator: a search_query with the words"),
        ("a", ". ,", "no tokens"),
        ("a", None, "must not be NULL"),
    ],
)
def test_search_says_what_it_does_not_look_for(data: str, query: str | None, why: str) -> None:
    with pytest.raises(CallFailed, match=why):
        search(data, query)


def test_a_function_of_ones_own_goes_first(service: Service) -> None:
    own = "CREATE TEMP FUNCTION Search(x INT64) AS (x + 1); SELECT search(1)"
    assert run(service, own) == [["2"]]


def test_refuses_sketches_of_others_and_windows(service: Service) -> None:
    with pytest.raises(QueryFailed, match="not supported by the emulator: a sketch"):
        run(service, "SELECT KLL_QUANTILES.MERGE_INT64(s, 2) FROM UNNEST([b'x']) AS s")
    with pytest.raises(SqlNotSupported, match="function INIT"):
        run(service, "SELECT HLL_COUNT.INIT(x) OVER () FROM UNNEST([1]) AS x")
