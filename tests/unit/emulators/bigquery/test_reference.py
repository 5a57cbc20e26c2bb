"""What the reference evaluator answers, and how it fails: one worker for all of these."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localgcp import environment
from localgcp.bigquery.errors import (
    InvalidQuery,
    QueryCancelled,
    QueryFailed,
    SqlNotSupported,
    TableNotFound,
)
from localgcp.bigquery.googlesql.reference.client import Limits, Reference, shared
from localgcp.bigquery.jobs.query import Interruptible, Query
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.service import Service

PROJECT = "test-project"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    reference = shared()
    reference.names("SELECT 1")  # wait for it
    made = Service(None, reference=reference)
    made.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
    run(made, "CREATE TABLE d.t (a INT64, s STRING, n BIGNUMERIC, r ARRAY<STRUCT<x INT64>>)")
    run(made, "INSERT INTO d.t VALUES (1, 'x', 1.5, [STRUCT(1 AS x)]), (2, NULL, NULL, [])")
    run(made, "CREATE VIEW d.v AS SELECT a + 1 AS b FROM d.t")
    yield made
    made.close()


def run(service: Service, sql: str, **more: Any) -> Any:
    outcome = service.queries.run(Query(sql, PROJECT, "d", **more))
    if outcome.rows is None:
        return outcome
    return [[cell["v"] for cell in row["f"]] for row in encode(outcome.fields, outcome.rows, True)]


ANSWERS: list[tuple[str, list[list[Any]]]] = [
    ("SELECT INTERVAL -3661 SECOND", [["0-0 0 -1:1:1"]]),
    ("SELECT INTERVAL '1-2 3 4:5:6.5' YEAR TO SECOND", [["1-2 3 4:5:6.500"]]),
    ("SELECT RANGE(DATE '2020-01-01', NULL)", [["[2020-01-01, UNBOUNDED)"]]),
    ("SELECT RANGE(NULL, TIMESTAMP '1970-01-01 00:00:01')", [["[UNBOUNDED, 1000000)"]]),
    ("SELECT a FROM `test-project.d.t` AS t |> WHERE a > 1", [["2"]]),
    ("FROM d.t |> AGGREGATE SUM(a) AS total", [["3"]]),
    ("SELECT FORMAT('%t', t) FROM d.t WHERE a = 2", [["(2, NULL, NULL, [])"]]),
    (
        "WITH t AS (SELECT * FROM d.t) SELECT FORMAT('%T', t.r) FROM t WHERE a = 1",
        [["[STRUCT(1)]"]],
    ),
    ("SELECT INTERVAL b DAY FROM d.v ORDER BY b", [["0-0 2 0:0:0"], ["0-0 3 0:0:0"]]),
    ("SELECT FORMAT('%t', n) FROM d.t WHERE a = 1", [["1.5"]]),
    ("SELECT BIGNUMERIC '1e-38' + 0 * MOD(a, 1) FROM d.t LIMIT 1", [["0." + "0" * 37 + "1"]]),
    ("SELECT AS STRUCT 1 AS a, 'x' AS b", [["1", "x"]]),
    (
        "SELECT FORMAT_TIMESTAMP('%c', TIMESTAMP '2024-01-02 03:04:05')",
        [["Tue Jan  2 03:04:05 2024"]],
    ),
]


@pytest.mark.parametrize(("sql", "rows"), ANSWERS)
def test_what_has_no_translation_is_evaluated(
    service: Service, sql: str, rows: list[list[Any]]
) -> None:
    assert run(service, sql) == rows


WRONG: list[tuple[str, type[Exception], str]] = [
    ("SELECT nope FROM d.t", InvalidQuery, r"^Unrecognized name: nope at \[1:8\]$"),
    ("SELECT t.a, nope FROM `d.t`", InvalidQuery, r"nope at \[1:13\]$"),
    ("SELECT `d.t`.a, nope FROM `test-project.d.t` WHERE x", InvalidQuery, r"name: x at \[1:52\]$"),
    ("SELECT a FROM d.nope", TableNotFound, r"Not found: Table test-project:d.nope"),
    ("SELECT CAST(1 AS INT32)", InvalidQuery, r"Type not found: INT32"),
    ("SELECT [1] = [1]", InvalidQuery, r"Equality is not defined"),
    ("SELECT 1 AS x, 2 AS X", InvalidQuery, "Duplicate column names"),
    ("SELECT ERROR('no'), INTERVAL 1 DAY", QueryFailed, "^no$"),
    ("SELECT ML.PREDICT(1)", SqlNotSupported, "not supported by the emulator: function ML.PREDICT"),
]


@pytest.mark.parametrize(("sql", "kind", "message"), WRONG)
def test_what_is_wrong_is_told_as_bigquery_tells_it(
    service: Service, sql: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        run(service, sql)


# A failed CHECK within.
ENDS_IT = "CREATE TEMP FUNCTION abs(x INT64) AS (x + 100); SELECT abs(1)"


def test_after_an_abort_within_it_goes_on(service: Service) -> None:
    with pytest.raises(SqlNotSupported):
        run(service, ENDS_IT)
    assert run(service, "SELECT INTERVAL 1 DAY") == [["0-0 1 0:0:0"]]


def test_a_job_can_be_cancelled(service: Service) -> None:
    endless = "SELECT COUNT(*), MAX(INTERVAL 1 DAY) FROM " + ", ".join(
        ["UNNEST(GENERATE_ARRAY(1, 1000)) AS x"]
        + [f"UNNEST(GENERATE_ARRAY(1, 1000)) x{i}" for i in "ab"]
    )

    def at_once(work: Interruptible) -> None:
        if type(work).__name__ == "Stop":
            work.interrupt()

    with pytest.raises(QueryCancelled):
        service.queries.run(Query(endless, PROJECT), at_once)


def test_a_table_too_large_is_refused() -> None:
    small = Reference(environment.cache_folder(), Limits(rows=1))
    service = Service(None, reference=small)
    service.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
    try:
        run(service, "CREATE TABLE d.t AS SELECT 1 AS a UNION ALL SELECT 2")
        with pytest.raises(SqlNotSupported, match="of more than 1 rows"):
            run(service, "SELECT FORMAT('%t', t) FROM d.t")
        assert run(service, "SELECT COUNT(*) FROM d.t") == [["2"]]
    finally:
        service.close()
        small.close()


def test_the_machine_code_is_private(service: Service) -> None:
    del service  # it has the file made
    found = list(environment.cache_folder().glob("zetasql-*.cwasm"))
    assert found
    assert all(path.stat().st_mode & 0o077 == 0 for path in found)
    assert all(path.stat().st_uid == os.getuid() for path in found)


def test_the_cache_folder_is_the_user_s() -> None:
    assert environment.cache_folder({"HOME": "/h"}) == Path("/h/.cache/localgcp")
    assert environment.cache_folder({"XDG_CACHE_HOME": "/x"}) == Path("/x/localgcp")
    assert environment.cache_folder({"LOCALGCP_CACHE": "/c", "HOME": "/h"}) == Path("/c")


CHANGES: list[tuple[str, int]] = [
    ("INSERT INTO d.c (a, i) VALUES (2, INTERVAL 1 DAY), (1 + 2, DEFAULT)", 2),
    ("INSERT INTO d.c (a, s) SELECT 4, (5, STRUCT('x'))", 1),
    ("UPDATE d.c SET s.n = 6, c.s.z.t = FORMAT('%d', a) WHERE s IS NOT NULL", 2),
    ("UPDATE d.c AS x SET a = y.v FROM UNNEST([STRUCT(2 AS k, 20 AS v)]) AS y WHERE x.a = y.k", 1),
    ("DELETE FROM d.c WHERE FORMAT('%d', a) = '3'", 1),
    (
        "MERGE d.c AS t USING (SELECT 20 AS a UNION ALL SELECT 9) AS u ON t.a = u.a"
        " WHEN MATCHED THEN UPDATE SET i = INTERVAL u.a DAY"
        " WHEN NOT MATCHED THEN INSERT (a, i) VALUES (u.a, INTERVAL 9 HOUR)"
        " WHEN NOT MATCHED BY SOURCE AND t.a = 4 THEN DELETE",
        3,
    ),
    (  # BigQuery, "MERGE statement": a constant false predicate replaces what it deletes
        "MERGE d.c AS t USING (SELECT a, s, INTERVAL 0 DAY AS i FROM d.c WHERE a = 9) AS u ON FALSE"
        " WHEN NOT MATCHED BY SOURCE AND t.a = 9 THEN DELETE"
        " WHEN NOT MATCHED BY TARGET THEN INSERT ROW",
        2,
    ),
    ("UPDATE d.c SET i = INTERVAL 9 HOUR WHERE a = 9", 1),
    (  # as dbt's insert_overwrite has it: a bare name is the source's, whatever the target has
        "MERGE d.c AS t USING (SELECT * FROM d.c WHERE a = 9) AS u ON FALSE"
        " WHEN NOT MATCHED BY SOURCE AND t.a IN UNNEST([9]) THEN DELETE"
        " WHEN NOT MATCHED AND a < 100 THEN INSERT (`a`, `s`, `i`) VALUES (`a`, `s`, `i`)",
        2,
    ),
]


def test_rows_that_only_the_reference_can_find_are_changed(service: Service) -> None:
    run(
        service,
        "CREATE TABLE d.c AS SELECT 1 AS a, STRUCT(1 AS n, STRUCT('' AS t) AS z) AS s,"
        " INTERVAL 0 DAY AS i",
    )
    for sql, count in CHANGES:
        assert sum(run(service, sql).affected.values()) == count, sql
    rows = run(service, "SELECT a, FORMAT('%t', s), i FROM d.c ORDER BY a")
    assert rows == [
        ["1", "(6, (1))", "0-0 0 0:0:0"],
        ["9", "NULL", "0-0 0 9:0:0"],
        ["20", "NULL", "0-0 20 0:0:0"],
    ]


def test_a_row_is_changed_by_one_row_alone(service: Service) -> None:
    run(service, "CREATE TABLE d.once AS SELECT 1 AS a, INTERVAL 0 DAY AS i")
    twice = "UNNEST([1, 1]) AS x"
    with pytest.raises(QueryFailed, match="must match at most one source row"):
        run(service, f"MERGE d.once AS t USING {twice} ON t.a = x WHEN MATCHED THEN DELETE")
    with pytest.raises(QueryFailed, match="Cannot set field of NULL"):
        run(service, "UPDATE d.c SET s.n = 1 WHERE a = 9")


RECURSIVE = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < {})"


def test_a_recursion_has_500_iterations(service: Service) -> None:
    count = f"{RECURSIVE} SELECT COUNT(*) FROM r"
    assert run(service, count.format(501)) == [["501"]]
    for bound in ("502", "n + 1"):
        with pytest.raises(QueryFailed, match="maximum number of iterations: 500"):
            run(service, count.format(bound))


def test_a_view_keeps_the_text_that_only_the_reference_reads(service: Service) -> None:
    run(service, "CREATE VIEW d.piped AS FROM d.t |> WHERE a > 1 |> DROP s, n, r")
    view = service.catalog.list_tables(PROJECT, "d")
    assert "FROM d.t |> WHERE a > 1 |> DROP s, n, r" in [table.query for table in view]
    assert run(service, "SELECT * FROM d.piped") == [["2"]]


def test_a_column_list_takes_a_query_s_columns_by_place(service: Service) -> None:
    run(service, "CREATE TABLE d.placed (x INT64, y FLOAT64) AS ( SELECT 1, 2 );")
    assert run(service, "SELECT x, y FROM d.placed") == [["1", "2.0"]]


SCRIPTS: list[tuple[str, list[list[Any]]]] = [
    ("SELECT 1; SELECT 2;", [["2"]]),
    (
        "DECLARE x INT64 DEFAULT 5; DECLARE s STRING; SET x = x + 1;"
        " IF x > 10 THEN SET s = 'big'; ELSEIF x > 5 THEN SET s = 'mid'; END IF; SELECT x, s",
        [["6", "mid"]],
    ),
    (
        "DECLARE n INT64 DEFAULT 0; DECLARE t INT64 DEFAULT 0; LOOP SET n = n + 1;"
        " IF n > 4 THEN BREAK; END IF; IF n = 2 THEN CONTINUE; END IF; SET t = t + n; END LOOP;"
        " SELECT n, t",
        [["5", "8"]],
    ),
    (
        "DECLARE t FLOAT64 DEFAULT 0; FOR r IN (SELECT 1 AS a UNION ALL SELECT 2) DO"
        " SET t = t + r.a; END FOR; SELECT t",
        [["3.0"]],
    ),
    (
        "BEGIN SELECT ERROR('boo'); EXCEPTION WHEN ERROR THEN SELECT @@error.message AS m; END",
        [["boo"]],
    ),
    (
        "DECLARE y FLOAT64; EXECUTE IMMEDIATE 'SELECT @a + ' || '1' INTO y USING 1 AS a; SELECT y",
        [["2.0"]],
    ),
    ("DECLARE a, b INT64; SET (a, b) = (1, 2); SELECT a, b", [["1", "2"]]),
    ("DECLARE n INT64 DEFAULT 0; REPEAT SET n = n + 2; UNTIL n > 4 END REPEAT; SELECT n", [["6"]]),
]


@pytest.mark.parametrize(("sql", "rows"), SCRIPTS)
def test_a_script_is_run_step_by_step(service: Service, sql: str, rows: list[list[Any]]) -> None:
    assert run(service, sql) == rows


BAD_SCRIPTS: list[tuple[str, type[Exception], str]] = [
    ("SELECT 1; SET x = 1", InvalidQuery, "Undeclared variable: x"),
    ("SELECT 1; DECLARE x INT64", InvalidQuery, "only at the start of a block or script"),
    ("DECLARE x, X INT64", InvalidQuery, "redeclaration"),
    ("BREAK;", InvalidQuery, "inside of a loop"),
    ("BEGIN RAISE USING MESSAGE = 'no'; EXCEPTION WHEN ERROR THEN RAISE; END", QueryFailed, "no"),
    ("DECLARE x INT64; EXECUTE IMMEDIATE 'SELECT x'", InvalidQuery, "Unrecognized name: x"),
    ("BEGIN TRANSACTION; BEGIN TRANSACTION", InvalidQuery, "already in progress"),
]


@pytest.mark.parametrize(("sql", "kind", "message"), BAD_SCRIPTS)
def test_a_bad_script_is_told(
    service: Service, sql: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        run(service, sql)
