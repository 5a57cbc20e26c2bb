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
    ("SELECT NET.PUBLIC_SUFFIX('a.b')", SqlNotSupported, "not supported by the emulator"),
]


@pytest.mark.parametrize(("sql", "kind", "message"), WRONG)
def test_what_is_wrong_is_told_as_bigquery_tells_it(
    service: Service, sql: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        run(service, sql)


def test_after_an_abort_within_it_goes_on(service: Service) -> None:
    with pytest.raises(SqlNotSupported):
        run(service, "SELECT NET.PUBLIC_SUFFIX('a.b')")
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
