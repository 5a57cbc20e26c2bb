"""GoogleSQL expressions with the answers that BigQuery gives, by its function reference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from localgcp.bigquery.errors import BigQueryError, InvalidQuery
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.service import Service


def at(*parts: Any) -> datetime:
    return datetime(*parts).replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service(None)
    yield made
    made.close()


def value_of(service: Service, expression: str) -> Any:
    outcome = service.queries.run(Query(f"SELECT {expression} AS v", "test-project"))
    assert outcome.rows is not None
    (value,) = outcome.rows.column(0).to_pylist()
    return value


TS = "TIMESTAMP '2024-01-15 10:30:45.123456+00'"

CASES: list[tuple[str, Any]] = [
    # numbers
    ("1 + 1", 2),
    ("2147483647 + 1", 2147483648),
    ("7 / 2", 3.5),
    ("DIV(7, 2)", 3),
    ("DIV(-7, 2)", -3),
    ("MOD(-7, 3)", -1),
    ("3.7", 3.7),
    ("TRUNC(3.7)", 3.0),
    ("TRUNC(-3.7)", -3.0),
    ("TRUNC(2.567, 1)", 2.5),
    ("ROUND(2.5)", 3.0),
    ("ROUND(-2.5)", -3.0),
    ("ROUND(123.456, 2)", 123.46),
    ("ROUND(5)", 5.0),
    ("CEIL(2.1)", 3.0),
    ("FLOOR(-2.1)", -3.0),
    ("ABS(-3)", 3),
    ("SIGN(-2.5)", -1.0),
    ("POW(2, 10)", 1024.0),
    ("SQRT(16)", 4.0),
    ("GREATEST(1, 3, 2)", 3),
    ("GREATEST(1, NULL)", None),
    ("LEAST(1, NULL)", None),
    ("SAFE_DIVIDE(1, 0)", None),
    ("SAFE_DIVIDE(6, 4)", 1.5),
    ("IEEE_DIVIDE(1, 0)", float("inf")),
    ("0x1F", 31),
    ("1e3", 1000.0),
    ("CAST(2.5 AS INT64)", 3),
    ("CAST(-2.5 AS INT64)", -3),
    ("CAST('12' AS INT64)", 12),
    ("CAST(9007199254740993 AS INT64)", 9007199254740993),
    ("CAST(TRUE AS INT64)", 1),
    ("SAFE_CAST('12x' AS INT64)", None),
    ("SAFE_CAST('1.5' AS INT64)", None),
    ("CAST('1.5' AS FLOAT64)", 1.5),
    ("CAST('1.5' AS NUMERIC)", Decimal("1.5")),
    ("NUMERIC '1.1' + NUMERIC '2.2'", Decimal("3.3")),
    ("CAST('true' AS BOOL)", True),
    ("SAFE_CAST('yes' AS BOOL)", None),
    ("CAST(1.5 AS STRING)", "1.5"),
    ("CAST(TRUE AS STRING)", "true"),
    ("IS_NAN(CAST('nan' AS FLOAT64))", True),
    # text
    ("CONCAT('a', 'b', 'c')", "abc"),
    ("CONCAT('a', NULL)", None),
    ("'a' || 'b'", "ab"),
    ("UPPER('abc')", "ABC"),
    ("LENGTH('héllo')", 5),
    ("BYTE_LENGTH('é')", 2),
    ("SUBSTR('apple', 2)", "pple"),
    ("SUBSTR('apple', 0, 2)", "ap"),
    ("SUBSTR('apple', -2)", "le"),
    ("SUBSTR('apple', -3, 2)", "pl"),
    ("TRIM('  x ')", "x"),
    ("LTRIM('xxa', 'x')", "a"),
    ("REPLACE('aXb', 'X', '-')", "a-b"),
    ("STARTS_WITH('bar', 'b')", True),
    ("ENDS_WITH('bar', 'r')", True),
    ("STRPOS('foo@bar', '@')", 4),
    ("STRPOS('foo', 'z')", 0),
    ("SPLIT('a,b,c')", ["a", "b", "c"]),
    ("SPLIT('', ',')", [""]),
    ("REVERSE('abc')", "cba"),
    ("REPEAT('ab', 2)", "abab"),
    ("LPAD('7', 3, '0')", "007"),
    ("RPAD('a', 3)", "a  "),
    ("LEFT('abc', 2)", "ab"),
    ("REGEXP_CONTAINS('foo@bar.com', r'@[a-z]+\\.com')", True),
    ("REGEXP_EXTRACT('foo@bar', r'@(.*)')", "bar"),
    ("REGEXP_EXTRACT('foo', r'z')", None),
    ("REGEXP_REPLACE('a1b2', r'[0-9]', '#')", "a#b#"),
    ("REGEXP_EXTRACT_ALL('a1b2', r'[0-9]')", ["1", "2"]),
    ("TO_HEX(MD5('a'))", "0cc175b9c0f1b6a831c399e269772661"),
    ("TO_BASE64(b'ab')", "YWI="),
    ("FROM_BASE64('YWI=')", b"ab"),
    # conditions
    ("IF(1 > 2, 'a', 'b')", "b"),
    ("IFNULL(NULL, 3)", 3),
    ("NULLIF(1, 1)", None),
    ("COALESCE(NULL, NULL, 'x')", "x"),
    ("CASE WHEN FALSE THEN 1 ELSE 2 END", 2),
    ("2 BETWEEN 1 AND 3", True),
    ("'x' IN ('x', 'y')", True),
    ("2 IN UNNEST([1, 2])", True),
    ("NULL IS NULL", True),
    ("1 IS DISTINCT FROM NULL", True),
    # dates and times
    ("DATE '2024-01-15'", date(2024, 1, 15)),
    ("DATE(2024, 2, 29)", date(2024, 2, 29)),
    (f"DATE({TS})", date(2024, 1, 15)),
    ("DATE(TIMESTAMP '2024-01-15 23:30:00+00', 'Asia/Tokyo')", date(2024, 1, 16)),
    ("TIMESTAMP('2024-01-15')", at(2024, 1, 15)),
    ("TIMESTAMP('2024-01-15 10:00:00 UTC')", at(2024, 1, 15, 10)),
    ("TIMESTAMP('2024-01-15T10:00:00+02:00')", at(2024, 1, 15, 8)),
    ("TIMESTAMP(DATE '2024-01-15')", at(2024, 1, 15)),
    ("DATETIME(TIMESTAMP '2024-01-15 10:00:00+00')", datetime(2024, 1, 15, 10)),
    ("TIME(10, 20, 30)", time(10, 20, 30)),
    (f"TIMESTAMP_TRUNC({TS}, HOUR)", at(2024, 1, 15, 10)),
    (f"TIMESTAMP_TRUNC({TS}, DAY)", at(2024, 1, 15)),
    (f"TIMESTAMP_TRUNC({TS}, WEEK)", at(2024, 1, 14)),
    ("DATE_TRUNC(DATE '2024-01-17', MONTH)", date(2024, 1, 1)),
    ("DATE_TRUNC(DATE '2024-01-17', WEEK)", date(2024, 1, 14)),
    ("DATE_TRUNC(DATE '2024-01-17', WEEK(MONDAY))", date(2024, 1, 15)),
    ("DATE_TRUNC(DATE '2024-01-14', WEEK(MONDAY))", date(2024, 1, 8)),
    ("DATE_TRUNC(DATE '2024-01-17', ISOWEEK)", date(2024, 1, 15)),
    ("DATE_TRUNC(DATE '2024-05-17', QUARTER)", date(2024, 4, 1)),
    # whole units, not boundaries
    (
        "TIMESTAMP_DIFF(TIMESTAMP '2024-01-01 01:00:00+00',"
        " TIMESTAMP '2024-01-01 00:00:01+00', HOUR)",
        0,
    ),
    (
        "TIMESTAMP_DIFF(TIMESTAMP '2018-08-14 00:00:00+00',"
        " TIMESTAMP '2018-10-14 00:00:00+00', DAY)",
        -61,
    ),
    ("DATE_DIFF(DATE '2010-07-07', DATE '2008-12-25', DAY)", 559),
    ("DATE_DIFF(DATE '2017-10-15', DATE '2017-10-14', WEEK)", 1),
    ("DATE_DIFF(DATE '2017-10-17', DATE '2017-10-12', WEEK)", 1),
    ("DATE_DIFF(DATE '2017-12-18', DATE '2017-12-17', WEEK(MONDAY))", 1),
    ("DATE_DIFF(DATE '2024-03-01', DATE '2024-01-31', MONTH)", 2),
    ("DATETIME_DIFF(DATETIME '2024-01-02 00:00:00', DATETIME '2024-01-01 23:59:59', DAY)", 1),
    (
        "TIMESTAMP_ADD(TIMESTAMP '2024-01-15 10:00:00+00', INTERVAL 10 MINUTE)",
        at(2024, 1, 15, 10, 10),
    ),
    ("TIMESTAMP_SUB(TIMESTAMP '2024-01-15 10:00:00+00', INTERVAL 1 DAY)", at(2024, 1, 14, 10)),
    ("DATE_ADD(DATE '2024-01-31', INTERVAL 1 MONTH)", date(2024, 2, 29)),
    ("DATE_SUB('2024-01-15', INTERVAL 2 WEEK)", date(2024, 1, 1)),
    ("DATE_ADD(DATE '2024-01-31', INTERVAL 1 + 1 DAY)", date(2024, 2, 2)),
    (f"EXTRACT(YEAR FROM {TS})", 2024),
    (f"EXTRACT(HOUR FROM {TS})", 10),
    (f"EXTRACT(MILLISECOND FROM {TS})", 123),
    (f"EXTRACT(MICROSECOND FROM {TS})", 123456),
    (f"EXTRACT(DATE FROM {TS})", date(2024, 1, 15)),
    (f"EXTRACT(HOUR FROM {TS} AT TIME ZONE 'Asia/Tokyo')", 19),
    ("EXTRACT(DAYOFWEEK FROM DATE '2024-01-14')", 1),
    ("EXTRACT(WEEK FROM DATE '2024-01-14')", 2),
    ("EXTRACT(ISOWEEK FROM DATE '2024-01-14')", 2),
    ("EXTRACT(QUARTER FROM DATE '2024-05-01')", 2),
    (f"FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%E*SZ', {TS})", "2024-01-15T10:30:45.123456Z"),
    ("FORMAT_TIMESTAMP('%H:%M:%E*S', TIMESTAMP '2024-01-15 10:00:07+00')", "10:00:07"),
    (f"FORMAT_TIMESTAMP('%E3S', {TS})", "45.123"),
    (f"FORMAT_TIMESTAMP('%F %T %Z', {TS})", "2024-01-15 10:30:45 UTC"),
    (f"FORMAT_TIMESTAMP('%H', {TS}, 'Asia/Tokyo')", "19"),
    ("FORMAT_DATE('%b %e, %Y', DATE '2024-01-05')", "Jan  5, 2024"),
    ("FORMAT_DATE('%Q', DATE '2024-05-05')", "2"),
    ("PARSE_TIMESTAMP('%Y-%m-%d %H:%M:%S', '2024-01-15 10:30:00')", at(2024, 1, 15, 10, 30)),
    (
        "PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%E*SZ', '2024-01-15T10:30:00.5Z')",
        at(2024, 1, 15, 10, 30, 0, 500000),
    ),
    ("PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%E*SZ', '2024-01-15T10:30:00Z')", at(2024, 1, 15, 10, 30)),
    ("PARSE_DATE('%Y%m%d', '20240115')", date(2024, 1, 15)),
    ("SAFE.PARSE_DATE('%Y%m%d', 'x')", None),
    ("UNIX_SECONDS(TIMESTAMP '2024-01-15 10:00:00+00')", 1705312800),
    ("UNIX_SECONDS(TIMESTAMP '1969-12-31 23:59:59.5+00')", -1),
    (f"UNIX_MILLIS({TS})", 1705314645123),
    (f"UNIX_MICROS({TS})", 1705314645123456),
    ("TIMESTAMP_SECONDS(1705312800)", at(2024, 1, 15, 10)),
    ("TIMESTAMP_MILLIS(1705312800123)", at(2024, 1, 15, 10, 0, 0, 123000)),
    ("TIMESTAMP_MICROS(-1)", at(1969, 12, 31, 23, 59, 59, 999999)),
    ("CAST(TIMESTAMP '2024-01-15 10:00:00.5+00' AS STRING)", "2024-01-15 10:00:00.500+00"),
    ("CAST(DATE '2024-01-15' AS STRING)", "2024-01-15"),
    ("CAST('2024-01-15' AS DATE)", date(2024, 1, 15)),
    ("STRING(TIMESTAMP '2024-01-15 10:00:00+00')", "2024-01-15 10:00:00+00"),
    ("LAST_DAY(DATE '2024-02-10')", date(2024, 2, 29)),
    ("DATE '2024-01-15' < DATE '2024-01-16'", True),
    # arrays and structs
    ("[1, 2][OFFSET(1)]", 2),
    ("[1, 2][ORDINAL(1)]", 1),
    ("[1, 2][0]", 1),
    ("[1, 2][SAFE_OFFSET(5)]", None),
    ("[1, 2][SAFE_ORDINAL(0)]", None),
    ("ARRAY_LENGTH([1, 2, 3])", 3),
    ("ARRAY_TO_STRING(['a', 'b'], '-')", "a-b"),
    ("ARRAY_CONCAT([1], [2, 3])", [1, 2, 3]),
    ("ARRAY_REVERSE([1, 2])", [2, 1]),
    ("GENERATE_ARRAY(1, 5, 2)", [1, 3, 5]),
    ("GENERATE_DATE_ARRAY('2024-01-01', '2024-01-03')", [date(2024, 1, d) for d in (1, 2, 3)]),
    ("STRUCT(1 AS a, 'x' AS b)", {"a": 1, "b": "x"}),
    ("STRUCT(1 AS a, 'x' AS b).b", "x"),
    ("STRUCT<a INT64, b STRING>(1, 'x')", {"a": 1, "b": "x"}),
    ("[STRUCT(1 AS a)][OFFSET(0)].a", 1),
    ("ARRAY(SELECT x * 2 FROM UNNEST([1, 2]) AS x ORDER BY x)", [2, 4]),
    ("ARRAY(SELECT AS STRUCT 1 AS a)", [{"a": 1}]),
    ("(SELECT SUM(x + o) FROM UNNEST([10, 20]) AS x WITH OFFSET AS o)", 31),
    ("(SELECT offset FROM UNNEST(['a', 'b']) AS x WITH OFFSET WHERE x = 'b')", 1),
    ("EXISTS(SELECT 1 FROM UNNEST([1]) AS x WHERE x = 2)", False),
    # JSON
    ("JSON_VALUE('{\"a\": {\"b\": 1}}', '$.a.b')", "1"),
    ("JSON_VALUE('{\"a\": {\"b\": 1}}', '$.a')", None),
    ("JSON_QUERY('{\"a\": {\"b\": 1}}', '$.a')", '{"b":1}'),
    ("JSON_VALUE(JSON '{\"a\": [1, 2]}', '$.a[1]')", "2"),
    ("TO_JSON_STRING(STRUCT(1 AS a, 'x' AS b))", '{"a":1,"b":"x"}'),
    # aggregates
    ("(SELECT COUNTIF(x > 1) FROM UNNEST([1, 2, 3]) AS x)", 2),
    ("(SELECT SUM(x) FROM UNNEST([1, 2, 3]) AS x)", 6),
    ("(SELECT AVG(x) FROM UNNEST([1, 2]) AS x)", 1.5),
    ("(SELECT AVG(x) OVER () FROM UNNEST([1, 2]) AS x LIMIT 1)", 1.5),
    ("(SELECT AVG(SUM(x)) OVER () FROM UNNEST([1, 2]) AS x)", 3.0),
    ("(SELECT ROUND(AVG(x), 1) FROM UNNEST([1.25, 2.0]) AS x)", 1.6),
    ("(SELECT MAX(x) FROM UNNEST([1, NULL, 3]) AS x)", 3),
    ("(SELECT COUNT(DISTINCT x) FROM UNNEST([1, 1, 2]) AS x)", 2),
    ("(SELECT APPROX_COUNT_DISTINCT(x) FROM UNNEST([1, 1, 2]) AS x)", 2),
    ("(SELECT APPROX_QUANTILES(x, 2) FROM UNNEST([1, 2, 3]) AS x)", [1, 2, 3]),
    ("(SELECT APPROX_QUANTILES(x, 4)[OFFSET(2)] FROM UNNEST([1, 2, 3, 4, 5]) AS x)", 3),
    ("(SELECT ARRAY_AGG(x ORDER BY x DESC LIMIT 2) FROM UNNEST([1, 2, 3]) AS x)", [3, 2]),
    ("(SELECT ARRAY_AGG(x IGNORE NULLS ORDER BY x) FROM UNNEST([2, NULL, 1]) AS x)", [1, 2]),
    ("(SELECT STRING_AGG(x, '-' ORDER BY x) FROM UNNEST(['b', 'a']) AS x)", "a-b"),
    ("(SELECT STRING_AGG(x) FROM UNNEST(['a', 'b']) AS x)", "a,b"),
    ("(SELECT LOGICAL_AND(x > 0) FROM UNNEST([1, 2]) AS x)", True),
    ("(SELECT ANY_VALUE(x HAVING MAX x) FROM UNNEST([1, 5]) AS x)", 5),
    ("(SELECT MAX_BY(s.x, s.y) FROM UNNEST([STRUCT('a' AS x, 1 AS y)]) AS s)", "a"),
    (f"FORMAT_TIMESTAMP('%c', {TS})", "Mon Jan 15 10:30:45 2024"),
    # nulls sort first, ascending
    ("ARRAY(SELECT IFNULL(x, 0) FROM UNNEST([2, NULL, 1]) AS x ORDER BY x)", [0, 1, 2]),
]


@pytest.mark.parametrize(("expression", "expected"), CASES, ids=[case[0] for case in CASES])
def test_answers_as_bigquery_does(service: Service, expression: str, expected: Any) -> None:
    assert value_of(service, expression) == expected


REFUSED = [
    "FORMAT('%d', 1)",
    "FARM_FINGERPRINT('a')",
    "TIMESTAMP_TRUNC(CURRENT_TIMESTAMP(), DAY, 'Asia/Tokyo')",
    "FORMAT_TIMESTAMP('%G %J', CURRENT_TIMESTAMP())",
    "NUMERIC '1' / NUMERIC '3'",
    "(SELECT AVG(x) FROM UNNEST([NUMERIC '1']) AS x)",
    "(SELECT AVG(x) OVER () FROM UNNEST([NUMERIC '1']) AS x)",
    "(SELECT AVG(x) OVER (PARTITION BY x ORDER BY x) FROM UNNEST([NUMERIC '1']) AS x)",
    "CAST(1 AS STRING FORMAT '999')",
    "APPROX_TOP_COUNT(1, 2)",
    "SESSION_USER()",
    "duckdb_settings()",
    "current_setting('threads')",
    "getenv('HOME')",
    "read_text('/etc/passwd')",
    "NET.HOST('http://x')",
    "ST_GEOGPOINT(1, 2)",
    "PERCENTILE_CONT(1, 0.5) OVER ()",
]


@pytest.mark.parametrize("expression", REFUSED)
def test_refuses_what_it_cannot_translate(service: Service, expression: str) -> None:
    with pytest.raises(InvalidQuery, match="not supported by the emulator: "):
        value_of(service, expression)


FAILING = [
    ("1 / 0", "division by zero: 1 / 0"),
    ("[1][OFFSET(3)]", "Array index 3 is out of bounds"),
    ("CAST('12x' AS INT64)", "Bad int64 value: 12x"),
    ("9223372036854775807 + 1", "[Oo]verflow"),
    ("SUM(x) FROM UNNEST([9223372036854775807, 1]) AS x --", "int64 overflow"),
    ("nope", r"Unrecognized name: nope at \[1:8\]"),
    ("(1", "Syntax error: .* at "),
    ("rowid", "Unrecognized name: rowid"),
]


@pytest.mark.parametrize(("expression", "message"), FAILING)
def test_fails_in_bigquerys_words(service: Service, expression: str, message: str) -> None:
    with pytest.raises(BigQueryError, match=message):
        value_of(service, expression)
