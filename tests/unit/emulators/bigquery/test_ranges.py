"""Columns of type RANGE by SQL, and RANGE_SESSIONIZE: the page's examples, and unbounded ranges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localgcp.bigquery.errors import InvalidQuery, QueryFailed, SqlNotSupported
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.service import Service

PROJECT = "test-project"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service(None, reference=shared())
    made.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
    run(made, "CREATE TABLE d.t (id INT64, r RANGE<DATE> NOT NULL, a ARRAY<RANGE<DATETIME>>)")
    run(
        made,
        "INSERT d.t (id, r) VALUES (10, RANGE<DATE> '[2010-01-10, 2010-03-10)'),"
        " (10, RANGE<DATE> '[2010-03-10, 2010-07-15)'),"
        " (10, RANGE<DATE> '[2010-06-15, 2010-08-18)'),"
        " (20, RANGE<DATE> '[2010-03-10, 2010-07-20)'),"
        " (20, RANGE<DATE> '[2020-05-10, 2020-09-20)')",
    )
    yield made
    made.close()


def run(service: Service, sql: str) -> Any:
    outcome = service.queries.run(Query(sql, PROJECT, "d"))
    if outcome.rows is None:
        return outcome
    return [[cell["v"] for cell in row["f"]] for row in encode(outcome.fields, outcome.rows, True)]


def test_a_column_holds_ranges(service: Service) -> None:
    assert run(service, "SELECT id, r FROM d.t WHERE RANGE_CONTAINS(r, DATE '2010-07-16')") == [
        ["10", "[2010-06-15, 2010-08-18)"],
        ["20", "[2010-03-10, 2010-07-20)"],
    ]
    with pytest.raises(InvalidQuery):
        run(service, "CREATE TABLE d.wrong (r RANGE<TIME>)")
    with pytest.raises(InvalidQuery, match=r"Invalid RANGE|Could not cast"):
        run(service, "INSERT d.t (id, r) VALUES (1, RANGE<DATE> '[x, y)')")


SESSIONS = {
    "": ["[2010-01-10, 2010-08-18)"] * 3,
    ", 'MEETS'": ["[2010-01-10, 2010-08-18)"] * 3,
    ", 'OVERLAPS'": ["[2010-01-10, 2010-03-10)", *["[2010-03-10, 2010-08-18)"] * 2],
}


@pytest.mark.parametrize("how", SESSIONS)
def test_sessions(service: Service, how: str) -> None:
    call = f"RANGE_SESSIONIZE(TABLE d.t, 'r', ['id']{how})"
    found = run(service, f"SELECT session_range FROM {call} ORDER BY id, RANGE_START(r)")
    alone = ["[2010-03-10, 2010-07-20)", "[2020-05-10, 2020-09-20)"]
    assert [session for (session,) in found] == [*SESSIONS[how], *alone]


def test_sessions_of_what_has_no_bound(service: Service) -> None:
    ranges = (
        "(SELECT RANGE<DATE> t AS r FROM UNNEST([1]) AS x, UNNEST(['[2020-01-01, 2020-01-02)',"
        " '[2020-01-05, UNBOUNDED)', '[2021-01-01, 2021-01-02)', '[UNBOUNDED, 2019-01-01)']) AS t)"
    ).replace("RANGE<DATE> t", "CAST(t AS RANGE<DATE>)")
    call = f"RANGE_SESSIONIZE({ranges}, 'r', [])"
    found = run(service, f"SELECT session_range FROM {call} ORDER BY RANGE_START(r)")
    assert [session for (session,) in found] == [
        "[UNBOUNDED, 2019-01-01)",
        "[2020-01-01, 2020-01-02)",
        "[2020-01-05, UNBOUNDED)",
        "[2020-01-05, UNBOUNDED)",
    ]


def test_refuses_what_the_page_leaves_open(service: Service) -> None:
    null = "(SELECT CAST(NULL AS RANGE<DATE>) AS r)"
    with pytest.raises(QueryFailed, match="not supported by the emulator: RANGE_SESSIONIZE of a"):
        run(service, f"SELECT * FROM RANGE_SESSIONIZE({null}, 'r', [])")
    with pytest.raises(SqlNotSupported, match="where a literal is wanted"):
        run(service, "SELECT * FROM RANGE_SESSIONIZE(TABLE d.t, CONCAT('r'), ['id'])")
    with pytest.raises(InvalidQuery, match="neither MEETS nor OVERLAPS"):
        run(service, "SELECT * FROM RANGE_SESSIONIZE(TABLE d.t, 'r', ['id'], 'TOUCHES')")
    assert run(service, "SELECT 'RANGE_SESSIONIZE(' AS x") == [["RANGE_SESSIONIZE("]]
