"""Functions, procedures, temporary tables and transactions, as scripts use them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localgcp.bigquery.catalog.routines import RoutineExists, RoutineNotFound
from localgcp.bigquery.errors import (
    DatasetInUse,
    InvalidQuery,
    QueryFailed,
    SqlNotSupported,
    TableNotFound,
)
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.service import Service

PROJECT = "test-project"


def made(path: Path | None = None) -> Service:
    service = Service(path, reference=shared())
    service.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
    run(service, "CREATE TABLE d.t AS SELECT n, CAST(n AS STRING) AS s FROM UNNEST([1, 2, 3]) AS n")
    return service


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    service = made()
    run(service, "CREATE FUNCTION d.twice(x INT64) RETURNS FLOAT64 AS (x * 2)")
    run(service, "CREATE FUNCTION d.below(k ANY TYPE) AS ((SELECT COUNT(*) FROM d.t WHERE n < k))")
    run(service, "CREATE TABLE FUNCTION d.first(k INT64) AS SELECT n, s FROM d.t WHERE n <= k")
    run(
        service,
        "CREATE PROCEDURE d.count(k INT64, OUT many INT64, INOUT said STRING) BEGIN"
        " IF k < 0 THEN SET many = -1; RETURN; END IF;"
        " SET many = (SELECT COUNT(*) FROM d.t WHERE n <= k); SET said = said || '!'; END",
    )
    yield service
    service.close()


def run(service: Service, sql: str, **more: Any) -> Any:
    outcome = service.queries.run(Query(sql, PROJECT, "d", **more))
    if outcome.rows is None:
        return outcome
    return [[cell["v"] for cell in row["f"]] for row in encode(outcome.fields, outcome.rows, True)]


ANSWERS: list[tuple[str, list[list[Any]]]] = [
    ("CREATE TEMP FUNCTION f(x ANY TYPE) AS (x + 1); SELECT f(1), f(1.5)", [["2", "2.5"]]),
    (
        "CREATE TEMP FUNCTION f(x INT64) AS (x + 1); CREATE TEMP FUNCTION g(x INT64) AS (f(x) * 2);"
        " SELECT g(n) FROM d.t ORDER BY n",
        [["4"], ["6"], ["8"]],
    ),
    ("CREATE TEMP AGGREGATE FUNCTION f(x INT64) AS (SUM(x) * 2); SELECT f(n) FROM d.t", [["12"]]),
    ("SELECT d.twice(n), `test-project.d.twice`(1) FROM d.t WHERE n = 3", [["6.0", "2.0"]]),
    ("SELECT twice(n) FROM t AS twice WHERE n = 3", [["6.0"]]),
    ("SELECT n FROM d.t WHERE d.below(n) = 1", [["2"]]),
    ("SELECT SUM(n) FROM d.first(2) JOIN d.t USING (n)", [["3"]]),
    ("SELECT f.s FROM d.first(1) AS f", [["1"]]),
    ("CREATE TEMP TABLE z AS SELECT 5 AS q; INSERT z VALUES (6); SELECT SUM(q) FROM z", [["11"]]),
    (
        "CREATE TEMP TABLE z (q INT64); CREATE OR REPLACE TEMP TABLE z AS SELECT 'x' AS q;"
        " SELECT q FROM _SESSION.z",
        [["x"]],
    ),
    ("CREATE TEMP TABLE t AS SELECT 7 AS n; DROP TABLE t; SELECT MAX(n) FROM t", [["3"]]),
    (
        "DECLARE k INT64; DECLARE w STRING DEFAULT 'hi'; CALL d.count(2, k, w); SELECT k, w",
        [["2", "hi!"]],
    ),
    (
        "DECLARE k INT64; DECLARE w STRING DEFAULT 'hi'; CALL d.count(-2, k, w); SELECT k, w",
        [["-1", "hi"]],
    ),
    (
        "DECLARE x INT64 DEFAULT 2;"
        " CASE x WHEN 1 THEN SELECT 'one'; WHEN 2 THEN SELECT 'two'; ELSE SELECT 'more'; END CASE",
        [["two"]],
    ),
    ("CASE WHEN FALSE THEN SELECT 1; ELSE SELECT 2; END CASE", [["2"]]),
    ("SELECT 3; CASE WHEN FALSE THEN SELECT 1; END CASE", [["3"]]),
    ("SET @@dataset_id = 'd'; SELECT @@dataset_id, '@@x', @@project_id", [["d", "@@x", PROJECT]]),
    (
        "BEGIN SELECT ERROR('no more'); EXCEPTION WHEN ERROR THEN"
        " SELECT @@error.message, STRPOS(@@error.statement_text, 'ERROR') > 0; END",
        [["no more", "true"]],
    ),
    ("SELECT SESSION_USER()", [["nobody@localgcp.invalid"]]),
    ("SELECT HLL_COUNT.EXTRACT(HLL_COUNT.INIT(s)) FROM d.t", [["3"]]),
    (
        "SELECT HLL_COUNT.MERGE(k) FROM (SELECT HLL_COUNT.INIT(n) AS k FROM d.t GROUP BY s)",
        [["3"]],
    ),
    (
        "SELECT e.value, e.sum FROM UNNEST((SELECT APPROX_TOP_SUM(s, n, 1) FROM d.t)) AS e",
        [["3", "3"]],
    ),
    ("SELECT APPROX_QUANTILES(x, 2)[OFFSET(1)] FROM UNNEST([1, 4, 9, NULL]) AS x", [["4"]]),
]


@pytest.mark.parametrize(("sql", "rows"), ANSWERS)
def test_a_script_and_its_routines(service: Service, sql: str, rows: list[list[Any]]) -> None:
    assert run(service, sql) == rows


WRONG: list[tuple[str, type[Exception], str]] = [
    ("SELECT d.twice('x')", InvalidQuery, r"^No matching signature for function TWICE"),
    ("SELECT d.nope(1)", InvalidQuery, r"^Function not found: d.nope at \[1:8\]"),
    ("CREATE FUNCTION d.bad(x INT64) AS (UPPER(x))", InvalidQuery, r"No matching signature"),
    ("CREATE FUNCTION d.twice(x INT64) AS (x)", RoutineExists, "Already Exists: Routine"),
    ("DROP FUNCTION d.nope", RoutineNotFound, "Not found: Routine test-project:d.nope"),
    ("CREATE TEMP TABLE z AS SELECT 1 AS a", InvalidQuery, "requires a script or session"),
    ("CALL d.nope(1)", InvalidQuery, "Procedure not found: d.nope"),
    ("CALL d.count(1, 2, 3)", InvalidQuery, "is to be a variable"),
    ("COMMIT TRANSACTION", InvalidQuery, "no transaction is in progress"),
    ("BEGIN TRANSACTION; DROP TABLE d.t", SqlNotSupported, "DROP in a transaction"),
    ("SELECT * FROM d.INFORMATION_SCHEMA.ROUTINES", SqlNotSupported, "where there is a routine"),
    ("SET @@time_zone = 'Asia/Tokyo'", SqlNotSupported, "SET of @@time_zone"),
    ("SELECT HLL_COUNT.EXTRACT(b'\\x08\\x70')", QueryFailed, "a sketch that it has not made"),
    ("SELECT HLL_COUNT.INIT(n) OVER () FROM d.t", SqlNotSupported, "not supported by the emulator"),
]


@pytest.mark.parametrize(("sql", "kind", "message"), WRONG)
def test_what_is_wrong_with_them(
    service: Service, sql: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        run(service, sql)


def test_a_transaction_is_whole_or_nothing() -> None:
    service = made()
    count = "SELECT COUNT(*) FROM d.t"
    try:
        assert run(service, f"BEGIN TRANSACTION; INSERT d.t VALUES (4, 'x'); {count}") == [["4"]]
        assert run(service, count) == [["3"]]  # not committed
        run(service, "BEGIN TRANSACTION; DELETE d.t WHERE n = 1; ROLLBACK TRANSACTION")
        assert run(service, count) == [["3"]]
        failing = "BEGIN TRANSACTION; DELETE d.t WHERE TRUE; SELECT ERROR('no'); COMMIT TRANSACTION"
        with pytest.raises(QueryFailed, match="no"):
            run(service, failing)
        assert run(service, count) == [["3"]]
        run(
            service, "BEGIN TRANSACTION; INSERT d.t VALUES (4, 'x'); DELETE d.t WHERE n = 1; COMMIT"
        )
        assert run(service, "SELECT MIN(n), MAX(n) FROM d.t") == [["2", "4"]]
    finally:
        service.close()


def test_a_script_leaves_no_table_behind() -> None:
    service = made()
    try:
        with pytest.raises(QueryFailed):
            run(service, "CREATE TEMP TABLE z AS SELECT 1 AS a; SELECT ERROR('no')")
        with pytest.raises(TableNotFound):
            run(service, "SELECT * FROM z")
        assert [dataset.id for dataset in service.catalog.list_datasets(PROJECT)] == ["d"]
    finally:
        service.close()


def test_routines_are_kept_and_go_with_their_dataset(tmp_path: Path) -> None:
    first = made(tmp_path / "file.duckdb")
    run(
        first,
        "CREATE FUNCTION d.f(x INT64, y STRUCT<a INT64>) AS ((SELECT x + y.a + COUNT(*) FROM d.t))",
    )
    first.close()
    again = Service(tmp_path / "file.duckdb", reference=shared())
    try:
        assert run(again, "SELECT d.f(1, STRUCT(2))") == [["6"]]
        run(again, "DROP TABLE d.t")
        with pytest.raises(DatasetInUse):
            again.catalog.delete_dataset(PROJECT, "d", contents=False)
        again.catalog.delete_dataset(PROJECT, "d", contents=True)
        again.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
        assert again.routines.list_(PROJECT, "d") == []
    finally:
        again.close()


def test_a_wildcard_table_is_all_that_begin_so(service: Service) -> None:
    run(service, "CREATE OR REPLACE TABLE d.ev_1 AS SELECT 1 AS a, 'x' AS b")
    assert run(service, "SELECT COUNT(*) FROM `d.ev_*`") == [["1"]]
    run(service, "CREATE OR REPLACE TABLE d.ev_2 AS SELECT 2 AS a, 'y' AS b, 1.5 AS c")
    assert run(service, "SELECT COUNT(*) FROM `d.ev_*`") == [["2"]]
    assert run(service, "SELECT * FROM `d.ev_*` ORDER BY a") == [
        ["1", "x", None],
        ["2", "y", "1.5"],
    ]
    suffixed = "SELECT a, _TABLE_SUFFIX AS s FROM `test-project.d.ev_*` WHERE _TABLE_SUFFIX > '1'"
    assert run(service, suffixed) == [["2", "2"]]
    assert run(service, "SELECT *, _TABLE_SUFFIX AS s FROM `d.ev_*` WHERE a = 1") == [
        ["1", "x", None, "1"]
    ]
    with pytest.raises(InvalidQuery, match="nope_\\* does not match any table"):
        run(service, "SELECT * FROM `d.nope_*`")


def test_a_sum_that_overflows_is_an_error(service: Service) -> None:
    run(service, "CREATE OR REPLACE TABLE d.big AS SELECT 1e308 AS f UNION ALL SELECT 1e308")
    for sql in ("SELECT SUM(f) FROM d.big", "SELECT SUM(f) OVER () FROM d.big"):
        with pytest.raises(QueryFailed, match="overflow"):
            run(service, sql)
    assert run(service, "SELECT AVG(f) FROM d.big") == [["1e+308"]]
