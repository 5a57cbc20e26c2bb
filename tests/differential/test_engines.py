"""Each query that DuckDB answers is answered alike by Google's reference evaluator.

An environment of its own: `tox -e differential`, `-- tests/differential --queries 20000` for
longer. What DuckDB refuses or fails on goes to the reference in any case, so that only its answers
are looked at.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings

from localgcp.bigquery.errors import BigQueryError, SqlNotSupported
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.jobs.query import Interruptible, Outcome, Query
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.service import Service
from tests.differential.queries import queries

PROJECT = "test-project"
TABLE = """
CREATE TABLE d.t AS SELECT * FROM UNNEST([
  STRUCT(1 AS k, 1 AS i, 2 AS j, 1.5 AS f, NUMERIC '1.5' AS n, 'a' AS s, TRUE AS b,
    DATE '2024-02-29' AS d, TIMESTAMP '2024-02-29 12:30:15.25+00' AS t, [1, 2] AS a),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, []),
  (3, -7, 0, CAST('nan' AS FLOAT64), NUMERIC '-2.000000001', 'Ab.c', FALSE,
    DATE '1969-07-20', TIMESTAMP '1969-07-20 20:17:40+00', [3]),
  (4, 9223372036854775807, 1, -0.0, NUMERIC '99999999999999999999999999999', '12', TRUE,
    DATE '2023-01-01', TIMESTAMP '2023-01-01 00:00:00+00', [5, 5, 5]),
  (5, 0, -3, 1e308, NUMERIC '0.5', ' é ', FALSE, DATE '2020-12-31',
    TIMESTAMP '2020-12-31 23:59:59.999999+00', [-1]),
  (6, 1, 2, CAST('inf' AS FLOAT64), NUMERIC '1.5', '', TRUE, DATE '2024-12-30',
    TIMESTAMP '2024-12-30 06:00:00+00', [9, 8])])
"""
COUNTS: Counter[str] = Counter()


def _unwatched(work: Interruptible) -> None:
    """Nobody interrupts these."""


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service(None, reference=shared())
    made.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
    made.queries.run(Query(TABLE, PROJECT, "d"))
    yield made
    made.close()
    print(f"\n{dict(COUNTS)}")


def _rows(outcome: Outcome) -> list[list[Any]]:
    assert outcome.rows is not None
    rows = encode(outcome.fields, outcome.rows, True)
    return sorted(([_plain(cell["v"]) for cell in row["f"]] for row in rows), key=repr)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each["v"]) for each in value]
    return value


def _same(ours: Any, theirs: Any) -> bool:
    if ours == theirs:
        return True
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    try:
        return math.isclose(float(ours), float(theirs), rel_tol=1e-9)
    except (TypeError, ValueError):
        return False


def test_the_engines_agree(service: Service, request: pytest.FixtureRequest) -> None:
    @seed(20261126)
    @settings(
        max_examples=request.config.getoption("--queries", 2000),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(queries())
    def agree(sql: str) -> None:
        query = Query(sql, PROJECT, "d")
        engine, referred = service.queries, service.queries._referred
        try:
            checked = referred.check(query, _unwatched)
        except BigQueryError:
            checked = None
        if checked is None or referred.comes_first(checked):
            COUNTS["not DuckDB's"] += 1
            return
        try:
            ours = _rows(engine._translated(query, _unwatched, checked))
        except BigQueryError:
            COUNTS["left to the reference"] += 1
            return
        try:
            theirs = _rows(referred.run(query, checked, SqlNotSupported("it"), _unwatched))
        except SqlNotSupported:
            COUNTS["not known to the reference"] += 1
            return
        except BigQueryError as error:
            pytest.fail(f"{sql}\nDuckDB {ours}\nreference {error.message}")
        COUNTS["alike"] += 1
        assert _same(ours, theirs), f"{sql}\nDuckDB    {ours}\nreference {theirs}"

    agree()
