"""What a killed emulator leaves, and who else may open it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from localgcp.base import StartFailed
from localgcp.bigquery.emulator import BigQueryEmulator
from tests.emulators.bigquery.conftest import PROJECT

COMMAND = (sys.executable, "-m", "localgcp", "bigquery", "--data-dir")
ROOT = Path(__file__).parents[3]
MANY = "UNNEST(GENERATE_ARRAY(1, 1000000))"
SLOW = f"SELECT COUNT(*) AS n FROM {MANY} a CROSS JOIN {MANY} b WHERE MOD(a * b, 7) = 3"


@contextmanager
def running(data: Path) -> Iterator[tuple[subprocess.Popen[str], bigquery.Client]]:
    process = subprocess.Popen(
        [*COMMAND, str(data)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        host = json.loads(process.stdout.readline())["env"]["BIGQUERY_EMULATOR_HOST"]
        options = ClientOptions(api_endpoint=host)
        credentials = AnonymousCredentials()
        with bigquery.Client(PROJECT, credentials, client_options=options) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_kill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    table = f"{PROJECT}.ds.t"
    with running(tmp_path) as (process, client):
        client.create_dataset("ds")
        made = bigquery.Table(table, [bigquery.SchemaField("a", "INT64")])
        made.labels = {"kept": "yes"}
        client.create_table(made)
        for number in range(20):
            assert client.insert_rows_json(table, [{"a": number}]) == []
        modified = client.get_table(table).modified
        process.send_signal(signal.SIGKILL)
        process.wait()
    with running(tmp_path) as (process, client):
        again = client.get_table(table)
        assert (again.num_rows, again.labels) == (20, {"kept": "yes"})
        assert again.modified == modified
        assert client.insert_rows_json(table, [{"a": 20}]) == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    with running(tmp_path) as (_, client):
        (row,) = client.query_and_wait("SELECT COUNT(DISTINCT a) AS n FROM ds.t")
        assert row.n == 21


def test_a_kill_forgets_no_insert_id(tmp_path: Path) -> None:
    table = f"{PROJECT}.ds.t"
    rows, ids = [{"a": number} for number in range(500)], [f"id {n}" for n in range(500)]
    with running(tmp_path) as (process, client):
        client.create_dataset("ds")
        client.create_table(bigquery.Table(table, [bigquery.SchemaField("a", "INT64")]))
        assert client.insert_rows_json(table, rows, row_ids=ids) == []
        process.send_signal(signal.SIGKILL)
        process.wait()
    with running(tmp_path) as (_, client):
        assert client.insert_rows_json(table, [*rows, {"a": 500}], row_ids=[*ids, "new"]) == []
        assert client.get_table(table).num_rows == 501


def test_a_kill_forgets_no_job(tmp_path: Path) -> None:
    with running(tmp_path) as (process, client):
        client.create_dataset("ds")
        config = bigquery.QueryJobConfig(destination=f"{PROJECT}.ds.t", labels={"a": "b"})
        good = client.query("SELECT 1 AS a", job_config=config)
        good.result()
        changed = client.query("UPDATE ds.t SET a = 2 WHERE TRUE")
        changed.result()
        bad = client.query("SELECT 1 / 0 AS a")
        assert bad.exception() is not None
        slow = client.query(SLOW)
        load = client.load_table_from_json([{"a": 3}], "ds.t")
        load.result()
        process.send_signal(signal.SIGKILL)
        process.wait()
    with running(tmp_path) as (_, client):
        again = client.get_job(good.job_id)
        assert (again.state, again.labels, str(again.destination)) == (
            ("DONE", {"a": "b"}, f"{PROJECT}.ds.t")
        )
        assert [row.a for row in again.result()] == [2, 3]  # as its table is now
        assert (again.created, again.ended) == (good.created, good.ended)
        assert client.get_job(changed.job_id).num_dml_affected_rows == 1
        assert client.get_job(bad.job_id).error_result == bad.error_result
        assert client.get_job(slow.job_id).error_result["reason"] == "backendError"
        assert client.get_job(load.job_id).output_rows == 1
        known = [load, slow, bad, changed, good]
        assert [job.job_id for job in client.list_jobs()] == [job.job_id for job in known]


def test_a_second_process_is_told_that_the_data_are_in_use(tmp_path: Path) -> None:
    with running(tmp_path):
        emulator = BigQueryEmulator(data_dir=tmp_path)
        with pytest.raises(StartFailed, match="is in use by another process"):
            emulator.start()
