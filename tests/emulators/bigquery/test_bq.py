"""The real `bq` against the emulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from localgcp.bigquery.emulator import BigQueryEmulator
from tests.emulators.bigquery.conftest import PROJECT

pytestmark = [
    pytest.mark.installed,
    pytest.mark.timeout(600),  # eight runs of bq, each of which loads for seconds
    pytest.mark.skipif(shutil.which("bq") is None, reason="bq is not installed"),
]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bq(emulator: BigQueryEmulator, tmp_path: Path) -> Run:
    token = tmp_path / "token"
    token.write_text("local")
    env = os.environ | {
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
        "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
        "HOME": str(tmp_path),
    }
    host = emulator.env()["BIGQUERY_EMULATOR_HOST"]

    def run(*args: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        command = ["bq", "--api", host, "--project_id", PROJECT, "--quiet", *args]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return run


def test_makes_fills_and_drops_a_table(bq: Run, tmp_path: Path) -> None:
    bq("mk", "--dataset", f"{PROJECT}:bq_ds")
    schema = "id:STRING,day:DATE,n:INTEGER"
    bq("mk", "--table", "--time_partitioning_field", "day", f"{PROJECT}:bq_ds.t", schema)
    rows = tmp_path / "rows.json"
    rows.write_text('{"id": "a", "day": "2024-01-15", "n": 1}\n{"id": "b", "day": null}\n')
    bq("insert", "bq_ds.t", str(rows))
    shown = json.loads(bq("--format=json", "show", "bq_ds.t").stdout)
    assert (shown["numRows"], shown["timePartitioning"]["field"]) == ("2", "day")
    sql = "SELECT id, n FROM bq_ds.t ORDER BY id"
    found = bq("--format=json", "query", "--nouse_legacy_sql", sql)
    assert json.loads(found.stdout) == [{"id": "a", "n": "1"}, {"id": "b", "n": None}]
    head = json.loads(bq("--format=json", "head", "-n", "1", "bq_ds.t").stdout)
    assert head == [{"id": "a", "day": "2024-01-15", "n": "1"}]
    listed = json.loads(bq("--format=json", "ls", "bq_ds").stdout)
    assert [table["tableReference"]["tableId"] for table in listed] == ["t"]
    bq("rm", "-f", "-t", "bq_ds.t")
    assert "Not found: Table" in bq("show", "bq_ds.t", status=2).stdout
    bq("rm", "-r", "-f", "-d", "bq_ds")


def test_loads_a_file_of_lines(bq: Run, tmp_path: Path) -> None:
    bq("mk", "--dataset", f"{PROJECT}:bq_load")
    file = tmp_path / "rows.json"
    file.write_text('{"id": "a", "day": "2024-01-15"}\n{"id": "b", "day": "2024-01-16"}\n')
    json_lines = "--source_format=NEWLINE_DELIMITED_JSON"
    by_day = "--time_partitioning_field=day"
    bq("load", json_lines, by_day, "bq_load.t", str(file), "id:STRING,day:DATE")
    bq("load", json_lines, "bq_load.t", str(file))
    file.write_text('{"id": "c", "day": "2024-01-15"}\n')
    bq("load", json_lines, "--replace", "bq_load.t$20240115", str(file))
    sql = "SELECT id, COUNT(*) AS n FROM bq_load.t GROUP BY id ORDER BY id"
    found = bq("--format=json", "query", "--nouse_legacy_sql", sql)
    assert json.loads(found.stdout) == [{"id": "b", "n": "2"}, {"id": "c", "n": "1"}]
    bq("load", json_lines, "--autodetect", "bq_load.detected", str(file))
    file.write_text('{"id": "a", "day": "soon"}\n')
    failed = bq("load", json_lines, "bq_load.t", str(file), status=1)
    assert "Invalid date: 'soon'" in " ".join(failed.stdout.split())
    refused = bq("load", json_lines, "bq_load.t", "gs://bucket/a.json", status=1)
    assert "start the BigQuery emulator with --storage" in " ".join(refused.stdout.split())


def test_says_what_is_wrong_with_a_query(bq: Run) -> None:
    done = bq("query", "--nouse_legacy_sql", "SELECT nope", status=1)
    assert "Unrecognized name: nope at [1:8]" in " ".join(done.stdout.split())
