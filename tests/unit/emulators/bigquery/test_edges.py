"""NULL, NaN, empty and overflow where DuckDB differs: BigQuery's answer, or a refusal."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from localgcp.bigquery.errors import BigQueryError, SqlNotSupported
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.service import Service

NAN, INF = "CAST('nan' AS FLOAT64)", "CAST('inf' AS FLOAT64)"
FLOATS = f"[1.0, {NAN}, CAST(NULL AS FLOAT64), CAST('-inf' AS FLOAT64), {INF}]"
NULLS = "CAST(NULL AS ARRAY<INT64>)"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service(None)
    yield made
    made.close()


def rows_of(service: Service, sql: str) -> list[Any]:
    """Rows of one column as values, NaN as text so that it equals itself."""
    outcome = service.queries.run(Query(sql, "test-project"))
    assert outcome.rows is not None
    return [_told(*row.values()) for row in outcome.rows.to_pylist()]


def _told(*values: Any) -> Any:
    told = ["nan" if isinstance(v, float) and math.isnan(v) else v for v in values]
    return told[0] if len(told) == 1 else tuple(told)


ASCENDING = [None, "nan", -math.inf, 1.0, math.inf]

ORDERS: list[tuple[str, list[Any]]] = [
    (f"SELECT x FROM UNNEST({FLOATS}) AS x ORDER BY x", ASCENDING),
    (f"SELECT x FROM UNNEST({FLOATS}) AS x ORDER BY x DESC", ASCENDING[::-1]),
    (f"SELECT x FROM UNNEST({FLOATS}) AS x ORDER BY x NULLS LAST", [*ASCENDING[1:], None]),
    (f"SELECT x AS y FROM UNNEST({FLOATS}) AS x ORDER BY y", ASCENDING),
    (f"SELECT x AS y FROM UNNEST({FLOATS}) AS x ORDER BY 1", ASCENDING),
    (f"SELECT * FROM UNNEST({FLOATS}) AS x ORDER BY 1", ASCENDING),
    (f"SELECT DISTINCT x FROM UNNEST({FLOATS}) AS x ORDER BY x", ASCENDING),
    (f"SELECT x FROM UNNEST({FLOATS}) AS x GROUP BY ALL ORDER BY x", ASCENDING),
    (f"SELECT x FROM UNNEST({FLOATS}) AS x ORDER BY x LIMIT 2", ASCENDING[:2]),
    (
        f"SELECT x FROM UNNEST({FLOATS}) AS x UNION ALL SELECT 2.0 ORDER BY x LIMIT 2 OFFSET 1",
        ["nan", -math.inf],
    ),
    (
        f"SELECT x FROM UNNEST({FLOATS}) AS x UNION ALL SELECT 0.5 ORDER BY 1 DESC LIMIT 1",
        [math.inf],
    ),
    ("SELECT -x AS x FROM UNNEST([1, 2, 3]) AS x ORDER BY x", [-3, -2, -1]),
    (f"SELECT RANK() OVER (ORDER BY x) FROM UNNEST({FLOATS}) AS x ORDER BY x", [1, 2, 3, 4, 5]),
    (
        f"SELECT FIRST_VALUE(x) OVER (ORDER BY x NULLS LAST) FROM UNNEST({FLOATS}) AS x LIMIT 1",
        ["nan"],
    ),
    (
        f"SELECT ROW_NUMBER() OVER w FROM UNNEST({FLOATS}) AS x WINDOW w AS (ORDER BY x DESC)"
        " ORDER BY x",
        [5, 4, 3, 2, 1],
    ),
    (
        f"SELECT ARRAY_AGG(x IGNORE NULLS ORDER BY x)[OFFSET(1)] FROM UNNEST({FLOATS}) AS x",
        [-math.inf],
    ),
    (
        "SELECT SUM(x) OVER (ORDER BY x RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)"
        " FROM UNNEST([1, 2, 4]) AS x ORDER BY x",
        [1, 3, 4],
    ),
]


@pytest.mark.parametrize(("sql", "expected"), ORDERS, ids=[sql for sql, _ in ORDERS])
def test_nan_comes_right_after_null(service: Service, sql: str, expected: list[Any]) -> None:
    assert rows_of(service, sql) == expected


VALUES: list[tuple[str, Any]] = [
    # NaN is equal to nothing, less and greater than nothing
    (f"{NAN} = {NAN}", False),
    (f"{NAN} != {NAN}", True),
    (f"{NAN} > 1", False),
    (f"{NAN} >= {NAN}", False),
    (f"1 < {NAN}", False),
    (f"1 <= {NAN}", False),
    (f"{NAN} IN UNNEST([{NAN}])", False),
    (f"LEAST(1.0, {NAN})", "nan"),
    (f"GREATEST(1.0, {NAN})", "nan"),
    (f"(SELECT MIN(x) FROM UNNEST({FLOATS}) AS x)", "nan"),
    (f"(SELECT MAX(x) FROM UNNEST({FLOATS}) AS x)", "nan"),
    ("(SELECT MIN(x) FROM UNNEST(['b', 'a']) AS x)", "a"),
    (f"(SELECT COUNT(*) FROM (SELECT x FROM UNNEST([{NAN}, {NAN}]) AS x GROUP BY x))", 1),
    # nothing, NULL and arrays of NULL
    ("(SELECT COUNTIF(x > 2) FROM UNNEST(CAST([] AS ARRAY<INT64>)) AS x)", 0),
    ("(SELECT COUNTIF(x) FROM UNNEST([TRUE, NULL, FALSE]) AS x)", 1),
    ("(SELECT COUNTIF(x > 1) OVER () FROM UNNEST([1]) AS x)", 0),
    (f"1 IN UNNEST({NULLS})", False),
    (f"1 NOT IN UNNEST({NULLS})", True),
    (f"NULL IN UNNEST({NULLS})", False),
    ("NULL IN UNNEST([1])", None),
    ("1 IN UNNEST([2, NULL])", None),
    ("1 IN UNNEST([1, NULL])", True),
    ("1 IN UNNEST([2])", False),
    ("TO_JSON_STRING(CAST(NULL AS STRING))", "null"),
    ("TO_JSON_STRING([1, NULL])", "[1,null]"),
    ("STRING(JSON '\"a\"')", "a"),
    ("(SELECT CORR(1.0, x) FROM UNNEST([2.0]) AS x)", None),
    ("SAFE_DIVIDE(1e300, 1e-300)", None),
    ("SAFE_DIVIDE(1, 3.0) > 0.3", True),
    ("1.5 * 2", 3.0),
    ("2 * 3", 6),
    (f"{INF} * 2", math.inf),
    ("REPEAT('ab', 3)", "ababab"),
    ("LEFT('abc', 2)", "ab"),
    ("RPAD('a', 3, 'xy')", "axy"),
    ("[1] IS DISTINCT FROM [1]", False),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES, ids=[e for e, _ in VALUES])
def test_answers_as_bigquery_does(service: Service, expression: str, expected: Any) -> None:
    assert rows_of(service, f"SELECT {expression} AS v") == [expected]


REFUSED = [
    "SELECT SHA512('a')",
    "SELECT STRUCT(1 AS a) = STRUCT(1 AS b)",
    "SELECT (1, NULL) = (1, NULL)",
    "SELECT STRUCT(1 AS a) IS NOT DISTINCT FROM STRUCT(1 AS a)",
    "SELECT (1, 2) IN UNNEST([(1, 2)])",
    "SELECT STRUCT(1 AS a) AS s UNION ALL SELECT STRUCT(2 AS b)",
    "SELECT [STRUCT(1 AS a), STRUCT(2 AS b)]",
    "FROM (SELECT 1 AS x) |> INTERSECT DISTINCT (SELECT 1)",
    "SELECT STRING_AGG(x) OVER () FROM UNNEST([b'a']) AS x",
    "SELECT STRING_AGG(x) FROM UNNEST([b'a']) AS x",
    "SELECT TO_JSON_STRING(TIMESTAMP '2024-01-01 00:00:00+00')",
    "SELECT TO_JSON_STRING(STRUCT(b'a' AS b))",
    f"SELECT TO_JSON_STRING({NAN})",
    "SELECT TO_JSON_STRING(9007199254740993)",
    "SELECT TO_JSON_STRING([1], TRUE)",
    r"SELECT b'\xE2\x82\xAC'",
    "SELECT BIGNUMERIC '0.12345678901234567890'",
    "SELECT 1 AS a FROM UNNEST([1, 2]) GROUP BY ALL",
    f"SELECT STDDEV_POP(x) FROM UNNEST([{NAN}]) AS x",
    "SELECT STDDEV(x) FROM UNNEST([1e200, 2e200]) AS x",
    f"SELECT MIN(x) OVER () FROM UNNEST({FLOATS}) AS x",
    f"SELECT APPROX_QUANTILES(x, 2) FROM UNNEST({FLOATS}) AS x",
    f"SELECT MAX_BY(1, x) FROM UNNEST({FLOATS}) AS x",
    f"SELECT SUM(1) OVER (ORDER BY x RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)"
    f" FROM UNNEST({FLOATS}) AS x",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_refuses_what_would_be_wrong(service: Service, sql: str) -> None:
    with pytest.raises(SqlNotSupported, match="not supported by the emulator: "):
        rows_of(service, sql)


FAILING = [
    ("[1, NULL, 2] = [1, NULL, 2]", "arrays"),
    ("(SELECT x = x FROM (SELECT [1] AS x))", "Comparison is not defined"),
    ("(SELECT STRING_AGG(x, NULL) FROM UNNEST(['a']) AS x)", "non-NULL literal"),
    ("1e300 * 1e300", "double overflow"),
    ("1e300 / 1e-300", "double overflow"),
    ("STRING(JSON '1')", "not a string"),
    ("SUBSTR('abc', 1, -1)", "cannot be negative"),
    ("RPAD('abc', -1)", "cannot be negative"),
    ("REPEAT('a', -1)", "cannot be negative"),
    ("GENERATE_DATE_ARRAY('2024-01-01', '2024-01-02', INTERVAL 0 DAY)", "step cannot be 0"),
    ("GENERATE_ARRAY(1, 2, 0)", "step cannot be 0"),
    ("1 FROM (SELECT [1] AS x) ORDER BY x --", "Ordering by expressions of type"),
]


@pytest.mark.parametrize(("expression", "message"), FAILING)
def test_fails_as_bigquery_does(service: Service, expression: str, message: str) -> None:
    with pytest.raises(BigQueryError, match=message):
        rows_of(service, f"SELECT {expression}")


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT x FROM UNNEST([-9223372036854775808, 1]) AS x ORDER BY x LIMIT 1", -(2**63)),
        ("SELECT -9223372036854775808 + 1", -(2**63) + 1),
        ("SELECT -NUMERIC '9223372036854775808'", -(2**63)),
        ("SELECT -CAST('9223372036854775808' AS FLOAT64)", -(2.0**63)),
    ],
)
def test_the_least_int64_can_be_written(service: Service, sql: str, value: float) -> None:
    assert rows_of(service, sql) == [value]


# Each of these was found by asking GoogleSQL's own reference evaluator the same.
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (r"'a%b' LIKE 'a\\%b'", True),
        (r"'axb' LIKE 'a\\%b'", False),
        ("ARRAY_CONCAT([1], CAST(NULL AS ARRAY<INT64>))", None),
        ("SPLIT('abc', CAST(NULL AS STRING))", None),
        (f"CASE {NAN} WHEN {NAN} THEN 1 ELSE 2 END", 2),
        ("CASE 3 WHEN 3 THEN 1 ELSE 2 END", 1),
        (f"{NAN} IN ({NAN}, 1.0)", False),
        (f"{NAN} NOT IN ({NAN}, 1.0)", True),
        (f"NULLIF({NAN}, {NAN})", "nan"),
        ("NULLIF(1, 1)", None),
        (f"SIGN({NAN})", "nan"),
        ("SIGN(-2.5)", -1.0),
        ("CAST(CEIL(NUMERIC '1.000000001') AS STRING)", "2"),
        ("CAST(ROUND(NUMERIC '1.23456', 4) AS STRING)", "1.2346"),
        ("DATE_DIFF(DATE '2021-01-03', DATE '2024-02-29', ISOWEEK)", -165),
        ("""JSON_QUERY('{"a": null}', '$.a')""", None),
        ("""JSON_VALUE('{"a": 2.5}', '$.a')""", "2.5"),
        ("LAST_DAY(DATE '2024-02-01', MONTH) = DATE '2024-02-29'", True),
        ("1e308 + 1.0 > 1e307", True),
        (f"{INF} + 1.0", math.inf),
    ],
)
def test_answers_as_the_reference_does(service: Service, expression: str, expected: Any) -> None:
    assert rows_of(service, f"SELECT {expression} AS v") == [expected]


@pytest.mark.parametrize(
    "expression",
    [
        "ARRAY_TO_STRING(['a', NULL], ',', 'n')",
        "EXP(NUMERIC '-2.5')",
        "LN(NUMERIC '1.5')",
        """JSON_QUERY('{"a": 2.50}', '$')""",
        """JSON_VALUE('{"a": 2.50}', '$.a')""",
        "LAST_DAY(DATE '2024-02-01', ISOWEEK)",
        "REGEXP_EXTRACT('ab', r'(x)?a')",
        "REGEXP_EXTRACT('ab', r'(x)|a')",
        "REGEXP_EXTRACT_ALL('abc', r'x*')",
        "LPAD('abc', 2, '')",
    ],
)
def test_refuses_what_the_reference_answers_otherwise(service: Service, expression: str) -> None:
    with pytest.raises(BigQueryError, match="not supported by the emulator"):
        rows_of(service, f"SELECT {expression} AS v")


@pytest.mark.parametrize(
    "expression",
    [
        "1e308 + 1e308",
        "-1e308 - 1e308",
        "EXP(1e300)",
        "LN(0)",
        "LN(-1)",
        "LOG(8.0, 1.0)",
        "SQRT(-1)",
        "POW(0.0, -1)",
        "CAST(2.5 AS BOOL)",
        "CAST('1_0' AS FLOAT64)",
        "CAST('1_0' AS NUMERIC)",
    ],
)
def test_fails_where_the_reference_does(service: Service, expression: str) -> None:
    with pytest.raises(BigQueryError):
        rows_of(service, f"SELECT {expression} AS v")
