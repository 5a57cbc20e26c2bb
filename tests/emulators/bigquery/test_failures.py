"""Failures of DuckDB and Arrow at every stage are the client's, or pass: never 500."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from localgcp.__main__ import parser
from localgcp.bigquery import failures
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.emulator import BigQueryEmulator
from localgcp.bigquery.errors import (
    BigQueryError,
    QueryFailed,
    ResourcesExceeded,
    Unavailable,
)
from localgcp.bigquery.jobs.memory import Guard, resident
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rest import wire
from localgcp.bigquery.rows.streaming import Row
from localgcp.bigquery.service import Service

PROJECT = "test-project"
DISK_BYTES = 8 * 1024 * 1024


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "WITH RECURSIVE r AS (SELECT 7 AS n UNION ALL SELECT DIV(6, n - 1) FROM r WHERE n > 0)"
            " SELECT 1 / n FROM r",
            "division by zero",
        ),
        ("SELECT 1 / x FROM UNNEST([1, 0]) AS x", "division by zero"),
        ("SELECT CAST(t AS INT64) FROM UNNEST(['1', 'x']) AS t", "Bad int64 value"),
        ("SELECT x + 1 FROM UNNEST([9223372036854775807]) AS x", "[Oo]verflow"),
        ("SELECT SUM(x) FROM UNNEST([9223372036854775807, 1]) AS x", "overflow"),
        ("SELECT DATE_ADD(DATE '9999-12-31', INTERVAL 1 DAY)", "causes overflow"),
        ("SELECT [DATE_ADD(DATE '9999-12-31', INTERVAL 1 DAY)] AS a", "causes overflow"),
        ("SELECT DATETIME_SUB(DATETIME '0001-01-01', INTERVAL 1 SECOND)", "causes overflow"),
        ("SELECT REPEAT('x', 2000000000)", "exceeds max allowed"),
        ("SELECT LPAD('x', 2000000000)", "exceeds max allowed"),
        ("SELECT LEFT('x', -1)", "cannot be negative"),
    ],
)
def test_a_failing_query_is_a_bad_request(client: bigquery.Client, sql: str, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        client.query_and_wait(sql, retry=None, job_retry=None)


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (OSError("Invalid Input Error: division by zero"), QueryFailed, 400),
        (OSError("IO Error: No space left on device"), Unavailable, 503),
        (OSError("Out of Memory Error: failed to allocate"), ResourcesExceeded, 400),
        (MemoryError(), ResourcesExceeded, 400),
        (pa.ArrowInvalid("Integer value out of bounds"), QueryFailed, 400),
        (OverflowError("date value out of range"), QueryFailed, 400),
    ],
)
def test_what_failed_decides_the_status(
    error: Exception, kind: type[BigQueryError], status: int
) -> None:
    failure = failures.translate(error)
    assert type(failure) is kind
    assert wire.status_of(failure)[0] == status


def test_a_bug_of_ours_is_no_failure_of_the_engine() -> None:
    assert failures.translate(KeyError("x")) is None
    with pytest.raises(KeyError), failures.told():
        raise KeyError("x")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system")
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(tmp_path)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def _insert(service: Service, number: int) -> bool:
    """Whether a row of a quarter of a megabyte is stored."""
    rows = [Row(None, {"n": number, "t": os.urandom(125_000).hex()})]
    name = Name(PROJECT, "d", "t")
    try:
        service.streaming.insert_all(name, rows, skip_invalid=False, ignore_unknown=False)
    except Unavailable:
        return False
    return True


def _numbers(service: Service) -> list[int]:
    outcome = service.queries.run(Query("SELECT n FROM d.t ORDER BY n", PROJECT))
    assert outcome.rows is not None
    return [row["n"] for row in outcome.rows.to_pylist()]


def _filled(path: Path) -> tuple[Service, list[int]]:
    """A service whose disk is full, and the rows that it said were stored."""
    service = Service(path / "bigquery.duckdb")
    service.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
    fields = [{"name": "n", "type": "INTEGER"}, {"name": "t", "type": "STRING"}]
    resource = {"tableReference": {"tableId": "t"}, "schema": {"fields": fields}}
    service.create_table(PROJECT, "d", resource)
    stored = [number for number in range(100) if _insert(service, number)]
    assert 5 < len(stored) < 95
    return service, stored


def test_on_a_full_disk_a_row_is_stored_or_refused(small_disk: Path) -> None:
    service, stored = _filled(small_disk)
    assert _numbers(service) == stored
    assert not _insert(service, 100)
    room = f"remount,size={4 * DISK_BYTES}"
    subprocess.run(["mount", "-o", room, str(small_disk)], check=True)
    assert _insert(service, 101)
    service.close()
    again = Service(small_disk / "bigquery.duckdb")
    assert _numbers(again) == [*stored, 101]
    again.close()


def _post(emulator: BigQueryEmulator, path: str, body: dict[str, Any]) -> int:
    """The status of the answer; the clients would ask again for minutes."""
    url = f"{emulator.env()['BIGQUERY_EMULATOR_HOST']}/bigquery/v2/projects/{PROJECT}/{path}"
    kind = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), kind)
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_on_a_full_disk_both_ways_to_write_say_503(small_disk: Path) -> None:
    emulator = BigQueryEmulator(data_dir=small_disk)
    emulator.start()
    try:
        assert _post(emulator, "datasets", {"datasetReference": {"datasetId": "d"}}) == 200
        table = {
            "tableReference": {"tableId": "t"},
            "schema": {"fields": [{"name": "t", "type": "STRING"}]},
        }
        assert _post(emulator, "datasets/d/tables", table) == 200
        found = set()
        for _ in range(100):
            rows = {"rows": [{"json": {"t": os.urandom(125_000).hex()}}]}
            found.add(_post(emulator, "datasets/d/tables/t/insertAll", rows))
        assert found == {200, 503}
        doubled = {"query": "INSERT INTO d.t SELECT x.t FROM d.t AS x", "timeoutMs": 60_000}
        assert _post(emulator, "queries", doubled | {"useLegacySql": False}) == 503
        asked = {"query": "SELECT COUNT(*) FROM d.t", "useLegacySql": False}
        assert _post(emulator, "queries", asked) == 200
    finally:
        emulator.stop()


def test_the_command_line_bounds_the_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser().parse_args(["bigquery", "--memory-limit", "64"]).memory_limit == 64 << 20
    for wrong in ("31", "1GB", "-64"):
        with pytest.raises(SystemExit):
            parser().parse_args(["bigquery", f"--memory-limit={wrong}"])
        assert "is not a whole number from 32" in capsys.readouterr().err


def test_an_emulator_with_little_memory_ends_a_query_that_wants_more() -> None:
    emulator = BigQueryEmulator(memory_limit=32 << 20)
    emulator.start()
    sql = "SELECT STRING_AGG(REPEAT('x', 100000)) AS t FROM UNNEST(GENERATE_ARRAY(1, 100000)) AS x"
    try:
        assert _post(emulator, "queries", {"query": sql, "useLegacySql": False}) == 400
    finally:
        emulator.stop()


def test_a_log_that_could_not_be_folded_is_kept(small_disk: Path) -> None:
    service, stored = _filled(small_disk)
    with pytest.raises(Unavailable), service.store.read() as db:
        db.execute("CHECKPOINT data")
    assert _numbers(service) == stored
    service.close()


def test_a_query_that_takes_too_much_memory_is_ended_and_gives_it_back() -> None:
    service = Service(None, memory_limit=50_000_000)
    sql = "SELECT STRING_AGG(REPEAT('x', 100000)) AS t FROM UNNEST(GENERATE_ARRAY(1, 100000)) AS x"
    before = resident()
    job = service.jobs.submit(Query(sql, PROJECT), {}, "US")
    assert job.done.wait(60)
    assert isinstance(job.error, ResourcesExceeded)
    assert job.error.__traceback__ is None
    job = service.jobs.submit(Query("SELECT 1 AS a", PROJECT), {}, "US")
    assert job.done.wait(60)
    assert job.error is None
    assert resident() - before < 300_000_000
    service.close()


def test_the_guard_measures_what_came_since_work_began() -> None:
    used, told = [1000], []

    def measure() -> int:
        return used[0]

    guard = Guard(100, lambda: told.append(used[0]), measure)
    guard.begin()
    guard.check()
    used[0] = 1100
    guard.check()
    assert told == []
    used[0] = 1101
    guard.check()
    assert set(told) == {1101}
    guard.end()
