"""A statement gets the same answer whenever it is asked, also before the evaluator is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localgcp import environment
from localgcp.bigquery.errors import EvaluatorAway, InvalidQuery
from localgcp.bigquery.googlesql.reference.client import Limits, Reference
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.service import Service

PROJECT = "test-project"


@pytest.fixture
def reference() -> Iterator[Reference]:
    made = Reference(environment.cache_folder())
    yield made
    made.close()


def run(service: Service, sql: str) -> list[list[Any]]:
    outcome = service.queries.run(Query(sql, PROJECT, "d"))
    if outcome.rows is None:
        return []
    return [[cell["v"] for cell in row["f"]] for row in encode(outcome.fields, outcome.rows, True)]


def test_the_first_statement_waits_and_says_so(
    reference: Reference, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(None, reference=reference)
    try:
        with pytest.raises(InvalidQuery, match="Equality is not defined"):
            run(service, "SELECT [1] = [1]")
    finally:
        service.close()
    assert "statements wait for Google's SQL analyzer to start" in caplog.text


def test_one_that_does_not_come_up_is_no_excuse_to_guess() -> None:
    slow = Reference(environment.cache_folder(), Limits(start_seconds=0.0))
    service = Service(None, reference=slow)
    try:
        with pytest.raises(EvaluatorAway, match="not available; try again later: not ready after"):
            run(service, "SELECT 1")
    finally:
        service.close()
        slow.close()


def test_what_is_remembered_follows_its_tables(reference: Reference) -> None:
    service = Service(None, reference=reference)
    service.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
    try:
        run(service, "CREATE TABLE d.t AS SELECT 1 AS a")
        run(service, "CREATE VIEW d.v AS SELECT a FROM d.t")
        assert [run(service, f"SELECT * FROM d.{name}") for name in "tv"] == [[["1"]], [["1"]]]
        run(service, "INSERT INTO d.t VALUES (2)")
        assert run(service, "SELECT * FROM d.v") == [["1"], ["2"]]
        run(service, "CREATE OR REPLACE TABLE d.t AS SELECT 'x' AS b, 7 AS a")
        assert run(service, "SELECT * FROM d.t") == [["x", "7"]]
        assert run(service, "SELECT * FROM d.v") == [["7"]]
    finally:
        service.close()


def test_only_what_never_changes_is_remembered(reference: Reference) -> None:
    service = Service(None, reference=reference)
    try:
        first, second = (run(service, "SELECT GENERATE_UUID()") for _ in range(2))
        assert first != second
        assert run(service, "SELECT INTERVAL 1 DAY") == run(service, "SELECT INTERVAL 1 DAY")
    finally:
        service.close()
