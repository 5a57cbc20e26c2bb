"""Snapshots, clones and copies by SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import AlreadyExists, Invalid, NotATable, NotFound, SqlNotSupported
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.service import Service

PROJECT = "test-project"


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service(None)
    run(made, "CREATE SCHEMA d")
    run(made, "CREATE TABLE d.t AS SELECT 1 AS n")
    yield made
    made.close()


def run(service: Service, sql: str, **more: Any) -> Any:
    outcome = service.queries.run(Query(sql, PROJECT, "d", **more))
    return outcome if outcome.rows is None else outcome.rows.to_pylist()


def table(service: Service, id_: str) -> Any:
    return service.catalog.table(Name(PROJECT, "d", id_))


def test_a_snapshot(service: Service) -> None:
    outcome = run(service, "CREATE SNAPSHOT TABLE d.s CLONE d.t")
    assert (outcome.kind, outcome.operation) == ("CREATE_SNAPSHOT_TABLE", "CREATE")
    run(service, "UPDATE d.t SET n = 2 WHERE TRUE")
    assert run(service, "SELECT n FROM d.s") == [{"n": 1}]
    assert table(service, "s").snapshot.base == Name(PROJECT, "d", "t")
    for sql in ("INSERT d.s (n) VALUES (3)", "TRUNCATE TABLE d.s"):
        with pytest.raises(NotATable, match="it is a snapshot"):
            run(service, sql)
    again = run(service, "create snapshot table if not exists `d`.s clone `d.t` ;")
    assert again.operation == "SKIP"
    with pytest.raises(AlreadyExists):
        run(service, "CREATE SNAPSHOT TABLE d.s CLONE d.t")
    with pytest.raises(Invalid, match="is no snapshot"):
        run(service, "DROP SNAPSHOT TABLE d.t")
    run(service, "CREATE TABLE d.back CLONE d.s")
    run(service, "INSERT d.back (n) VALUES (3)")
    assert run(service, "DROP SNAPSHOT TABLE d.s").operation == "DROP"
    assert run(service, "DROP SNAPSHOT TABLE IF EXISTS d.s").operation == "SKIP"
    with pytest.raises(NotFound):
        run(service, "DROP SNAPSHOT TABLE d.s")


def test_clones_and_copies(service: Service) -> None:
    assert run(service, "CREATE TABLE d.c CLONE d.t", dry_run=True).dry_run
    for how, marked in (("CLONE", True), ("COPY", False)):
        outcome = run(service, f"CREATE OR REPLACE TABLE d.c {how} d.t")
        assert outcome.kind == "CREATE_TABLE"
        assert (table(service, "c").clone is not None) == marked
        assert run(service, "SELECT n FROM d.c") == [{"n": 1}]
    with pytest.raises(AlreadyExists):
        run(service, "CREATE TABLE d.c COPY d.t")
    with pytest.raises(NotFound):
        run(service, "CREATE TABLE d.x COPY d.none")
    with pytest.raises(SqlNotSupported, match="FOR of a CLONE"):
        run(service, "CREATE TABLE d.x CLONE d.t FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP()")
    with pytest.raises(SqlNotSupported, match="CREATE SNAPSHOT TABLE"):
        run(service, "CREATE SNAPSHOT TABLE d.x COPY d.t")
