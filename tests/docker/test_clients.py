"""Clients that know of the stack by their environment alone: from this machine, and beside it.

`to_arrow()` and `to_dataframe()` go to BigQuery's Storage Read API, over TLS and by a proxy: the
emulator, whose certificate is that of its container.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.docker.compose import ROOT, ComposeStack, patience

ROWS = 30_000
"""So many that the client leaves the query's own answer and asks the Storage API for the rest."""
SCRIPT = f"""
from google.cloud import bigquery, bigquery_storage

client = bigquery.Client()
sql = "SELECT n, CAST(n AS STRING) AS text FROM UNNEST(GENERATE_ARRAY(1, {ROWS})) AS n"
client.query_and_wait(f"CREATE OR REPLACE TABLE dev_events_dataset.numbers AS {{sql}}")
found = client.query("SELECT * FROM dev_events_dataset.numbers").result()
print(found.to_arrow(bqstorage_client=bigquery_storage.BigQueryReadClient()).num_rows)
print(client.query("SELECT * FROM dev_events_dataset.numbers").to_arrow().num_rows)
print(client.query("SELECT * FROM dev_events_dataset.numbers").to_dataframe()["n"].sum())
from google.cloud import pubsub_v1
print(len(list(pubsub_v1.PublisherClient().list_topics(project="projects/local-project"))))
"""
SAID = [str(ROWS), str(ROWS), str(ROWS * (ROWS + 1) // 2), "3"]
# Pub/Sub is not asked through the proxy, and nothing here is asked of Google.
NOWHERE = {"https_proxy": "http://127.0.0.1:1", "http_proxy": ""}


def run(environ: dict[str, str]) -> list[str]:
    """What the script prints where this is all that leads it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**kept, **NOWHERE, **environ},
        capture_output=True,
        text=True,
        timeout=120 * patience(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


def told(command: list[str], environ: dict[str, str], cwd: Path) -> dict[str, str]:
    """What a command of ours says in JSON that leads clients."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'emulators' / 'src'}", **environ},
        capture_output=True,
        text=True,
        timeout=60 * patience(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_from_this_machine_by_localgcp_env(stack: ComposeStack, tmp_path: Path) -> None:
    led = told(["localgcp", "env", "--json"], stack.ports, tmp_path)
    assert led["CONSOLE_URL"] == stack.url("console")
    assert run(led) == SAID


def test_from_this_machine_by_local_env(stack: ComposeStack, tmp_path: Path) -> None:
    data = {"LOCAL_DATA_DIR": str(tmp_path)}
    assert run(told(["local", "env", "--json"], {**stack.attached(), **data}, ROOT)) == SAID


@pytest.mark.skipif(
    platform.system() != "Linux" or sys.version_info[:2] != (3, 11),
    reason="lends this machine's packages to a container of Linux and Python 3.11",
)
def test_from_another_container_by_env(stack: ComposeStack, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    script.chmod(0o644)
    tmp_path.chmod(0o755)
    packages = sysconfig.get_path("purelib")
    words = [
        *("run", "--rm", "--no-TTY", "--no-deps", "--entrypoint", "sh"),
        *("--volume", f"{packages}:/packages:ro", "--volume", f"{script}:/script.py:ro"),
        *(f"--env={name}={value}" for name, value in NOWHERE.items()),
        *("local", "-ec", 'eval "$(python -m local env)"; PYTHONPATH=/packages python /script.py'),
    ]
    assert stack.compose(*words).stdout.split() == SAID
