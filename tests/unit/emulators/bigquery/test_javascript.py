"""Functions in JavaScript: values to it and back, what it throws, and its bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from localgcp.bigquery.catalog.routine import Argument, Routine
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import InvalidQuery, NotFound, QueryFailed, SqlNotSupported
from localgcp.bigquery.googlesql.reference.callbacks import CallFailed
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.googlesql.reference.javascript import JavaScriptFunction
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.service import Service

PROJECT = "test-project"


class Bucket(BaseHTTPRequestHandler):
    """Cloud Storage with one object."""

    def do_GET(self) -> None:
        """The object's code."""
        found = "lib.js" in self.path
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(b"const lib = { twice: (x) => 2 * x };" if found else b"")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    made = Service(None, reference=shared(), storage=lambda: address)
    made.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
    run(made, "CREATE TABLE d.t AS SELECT n, CAST(n AS STRING) AS s FROM UNNEST([1, 2, 3]) AS n")
    yield made
    made.close()
    server.shutdown()
    server.server_close()


def run(service: Service, sql: str) -> Any:
    outcome = service.queries.run(Query(sql, PROJECT, "d"))
    if outcome.rows is None:
        return outcome
    return [[cell["v"] for cell in row["f"]] for row in encode(outcome.fields, outcome.rows, True)]


def js(signature: str, body: str, call: str) -> str:
    """A script with a function f, and a query of one value."""
    return f"CREATE TEMP FUNCTION f{signature} LANGUAGE js AS r'''{body} '''; SELECT {call}"


# By the page's table of types: what a value is in JavaScript, and what comes back.
VALUES = [
    ("(x FLOAT64) RETURNS FLOAT64", "return x / 2", "f(3)", "1.5"),
    ("(x FLOAT64) RETURNS STRING", "return String(x)", "f(CAST('-inf' AS FLOAT64))", "-Infinity"),
    ("(x STRING) RETURNS INT64", "return x.length", "f('é👍')", "3"),
    ("(x STRING) RETURNS INT64", "return '9007199254740993'", "f('')", "9007199254740993"),
    ("(x STRING) RETURNS STRING", "return x + '\\n\\0'", "f('a') = 'a\\n\\000'", "true"),
    ("(x STRING) RETURNS STRING", "return typeof x + x", "f(NULL)", "objectnull"),
    ("(x BOOL) RETURNS BOOL", "return !x", "f(TRUE)", "false"),
    ("(x BYTES) RETURNS STRING", "return x", "f(b'ab')", "YWI="),
    ("(x BYTES) RETURNS BYTES", "return x", "f(b'\\xff') = b'\\xff'", "true"),
    ("(x NUMERIC) RETURNS STRING", "return typeof x + x", "f(5)", "number5"),
    ("(x NUMERIC) RETURNS STRING", "return typeof x + x", "f(1.5)", "string1.5"),
    ("(x BIGNUMERIC) RETURNS NUMERIC", "return x", "f(9007199254740993)", "9007199254740993"),
    (
        "(x DATE) RETURNS STRING",
        "return x.toISOString()",
        "f('1969-12-31')",
        "1969-12-31T00:00:00.000Z",
    ),
    (
        "(x DATE) RETURNS DATE",
        "x.setDate(x.getDate() + 1); return x",
        "f('2024-02-28')",
        "2024-02-29",
    ),
    (
        "(x TIMESTAMP) RETURNS TIMESTAMP",
        "return new Date(x.getTime() + x.microsecond + 1)",
        "f(TIMESTAMP '1969-12-31 23:59:59Z') = TIMESTAMP '1969-12-31 23:59:59.001Z'",
        "true",
    ),
    (
        "(x JSON) RETURNS JSON",
        "x.a.push(null); return x",
        "f(JSON '{\"a\":[1]}')",
        '{"a":[1,null]}',
    ),
    (
        "(x ARRAY<FLOAT64>) RETURNS FLOAT64",
        "return x.reduce((a, b) => a + b)",
        "f([1, 2.5])",
        "3.5",
    ),
    (
        "(x STRUCT<a STRING, b ARRAY<BOOL>>) RETURNS STRUCT<b ARRAY<BOOL>, c STRUCT<a STRING>>",
        "return {b: x.b, c: x, d: 1}",
        "TO_JSON_STRING(f(STRUCT('q', [TRUE, FALSE])))",
        '{"b":[true,false],"c":{"a":"q"}}',
    ),
    (
        "() RETURNS ARRAY<STRUCT<n INT64>>",
        "return [{n: 1}, null, {}]",
        "TO_JSON_STRING(f())",
        '[{"n":1},null,{"n":null}]',
    ),
    ("() RETURNS STRING", "return new Promise((f) => f(Promise.resolve('p')))", "f()", "p"),
    ("() RETURNS STRING", "return undefined", "f()", None),
    (
        "() RETURNS FLOAT64",
        "return Math.random()",
        "COUNT(DISTINCT CAST(f() AS STRING)) FROM d.t",
        "3",
    ),
    (
        "(x STRING) RETURNS STRING",
        "return x + x",
        "STRING_AGG(f(f(s)), '' ORDER BY f(s) DESC) FROM d.t WHERE f(s) != '11'",
        "33332222",
    ),
]


def test_calls(service: Service) -> None:
    functions, calls = [], []
    for place, (signature, body, call, _) in enumerate(VALUES):
        functions.append(f"CREATE TEMP FUNCTION f{place}{signature} LANGUAGE js AS r'''{body} ''';")
        named = re.sub(r"\bf\(", f"f{place}(", call)
        calls.append(f"(SELECT {named})")
    expected = [value for *_, value in VALUES]
    assert run(service, "".join(functions) + f"SELECT {', '.join(calls)}") == [expected]


FAILURES = [
    (
        "STRING",
        "\n  return x.y.z",
        r"TypeError: .* of undefined at UDF\$1\(STRING\) line 2, columns 10-11",
    ),
    ("STRING", "throw new Error('no good')", "no good at UDF"),
    ("STRING", "return (", r"SyntaxError: .* at UDF\$1\(STRING\) line"),
    ("INTEGER", "return 'x'", 'Failed to coerce output value "x" to type INT64'),
    ("STRING", "return new Promise(() => 1)", "never settled"),
    ("STRING", "let s = 'a'; while (true) s += s;", "InternalError"),
    ("BOOLEAN", "return 1", "not supported by the emulator: a value of number"),
    ("INTEGER", "return 0.5", "not supported by the emulator: the number 0.5"),
]


@pytest.mark.parametrize(("returns", "body", "why"), FAILURES)
def test_says_what_it_threw(returns: str, body: str, why: str) -> None:
    argument = Argument("x", Field("x", "STRING"))
    routine = Routine("SCALAR", ("f",), (argument,), Field("", returns), body, "JS")
    function = JavaScriptFunction(routine)
    for _ in range(2):  # and can be called again
        with pytest.raises(CallFailed, match=why):
            function('{"a0": "text"}')


def test_an_error_is_that_of_the_statement(service: Service) -> None:
    with pytest.raises(QueryFailed, match=r"^no good at UDF\$1\(STRING\) line 1, columns"):
        run(service, js("(x STRING) RETURNS STRING", "throw new Error('no good')", "f(s) FROM d.t"))


def test_microseconds_that_a_date_has_not_are_refused(service: Service) -> None:
    call = "f(TIMESTAMP '2020-01-01 00:00:00.000001Z')"
    for body in ("return x", "return new Date(x.microsecond)"):
        with pytest.raises(QueryFailed, match="not supported by the emulator: the microsecond"):
            run(service, js("(x TIMESTAMP) RETURNS TIMESTAMP", body, call))


REFUSED = [
    ("FUNCTION f(x INT64) RETURNS STRING LANGUAGE js AS '1'", "type INT64 as argument x"),
    ("FUNCTION f(x ARRAY<TIME>) RETURNS STRING LANGUAGE js AS '1'", "type ARRAY<TIME> as arg"),
    ("FUNCTION f() RETURNS DATETIME LANGUAGE js AS '1'", "type DATETIME as value"),
    ("AGGREGATE FUNCTION f(x STRING) RETURNS STRING LANGUAGE js AS '1'", "an aggregate function"),
    ("FUNCTION f() RETURNS STRING LANGUAGE js OPTIONS (library='/a') AS '1'", "only gs:// URIs"),
]


@pytest.mark.parametrize(("text", "what"), REFUSED)
def test_refuses_what_the_page_does_not_say(service: Service, text: str, what: str) -> None:
    with pytest.raises(SqlNotSupported, match=f"not supported by the emulator: .*{what}"):
        run(service, f"CREATE TEMP {text}; SELECT 1")
    with pytest.raises(InvalidQuery, match="ANY TYPE of x"):
        run(service, js("(x ANY TYPE) RETURNS STRING", "1", "1"))


def test_a_library_is_read_when_it_is_called(service: Service) -> None:
    create = "CREATE OR REPLACE FUNCTION d.lib(x FLOAT64) RETURNS FLOAT64 LANGUAGE js"
    run(service, f"{create} OPTIONS (library=['gs://b/lib.js']) AS 'return lib.twice(x)'")
    assert run(service, "SELECT SUM(d.lib(n)) FROM d.t") == [["12.0"]]
    run(service, f"{create} OPTIONS (library='gs://b/none.js') AS 'return lib.twice(x)'")
    with pytest.raises(NotFound, match=r"Not found: URI gs://b/none\.js"):
        run(service, "SELECT d.lib(1)")


def test_changes_rows_by_it(service: Service) -> None:
    run(service, "CREATE TABLE d.u AS SELECT 'a' AS s UNION ALL SELECT 'b'")
    run(service, "CREATE FUNCTION d.up(x STRING) RETURNS STRING LANGUAGE js AS 'return x + x'")
    run(service, "UPDATE d.u SET s = d.up(s) WHERE d.up(s) = 'aa'")
    assert run(service, "SELECT s FROM d.u ORDER BY s") == [["aa"], ["b"]]
