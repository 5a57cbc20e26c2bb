"""docs/demo.md, block by block, in one shell, as a reader would type it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, LocalStack

MARK = "---- next block ----"


@pytest.mark.installed
@pytest.mark.skipif(
    not (shutil.which("bq") and shutil.which("gcloud")), reason="bq and gcloud are not installed"
)
def test_the_page_does_what_it_says(local_stack: LocalStack) -> None:
    local_stack.up()
    port = local_stack.port("generator")
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/demo.md").read_text(), re.DOTALL)
    lines = [block.replace(":8080/", f":{port}/") for block in blocks]
    # The files of the last window are there a moment after the generator is done.
    count = next(i for i, block in enumerate(lines) if block.startswith("bq query"))
    first = run(local_stack, lines[:count])
    local_stack.drained(12)
    rest = run(local_stack, [lines[0], *lines[count:]])

    health, samples, status = first[1], first[2], json.loads(first[-1].splitlines()[-1])
    assert '"status":"ok"' in health
    assert '"order"' in samples
    assert '"inventory"' in samples
    assert '"user_activity"' in samples
    (task,) = status["tasks"]
    assert task["state"] == "completed"
    assert task["planned"] == task["published"] == task["confirmed"] == 12
    tables, files, ledger = rest[1], rest[2], rest[-1]
    assert "events\n12\n" in tables
    assert '"event_date"' in tables
    assert "/output/order/" in files
    assert files.count('"event_id"') == 12
    assert re.search(r"published\s+12\b", ledger)
    assert local_stack.look().dead_letters == 1  # a drain stores all that was taken
    runs, closer = rest[4], rest[5]
    assert re.search(r"dev-realtime-data-pipeline +Streaming .* Running +us-central1", runs)
    assert re.search(r"dev-bigquery-table-manager +ACTIVE +topic: dev-table-requests-topic", runs)
    assert "created local-project.dev_events_dataset." in runs
    assert f"http://127.0.0.1:{port}" in runs
    assert "JOB_STATE_RUNNING" in closer
    assert closer.endswith(f"http://127.0.0.1:{port}\n")
    assert local_stack.look().pipeline == "done"
    assert local_stack.json("ledger")["lost"] == 0


def run(stack: LocalStack, blocks: list[str]) -> list[str]:
    """Run blocks in one shell; what each printed."""
    python = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"\necho '{MARK}'\n".join(blocks)],
        cwd=ROOT,
        env={
            **stack.environ(),
            "CLOUDSDK_CONFIG": str(stack.data_dir / "gcloud"),
            "PATH": f"{python}:{os.environ['PATH']}",
            "HOME": str(stack.data_dir),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split(f"{MARK}\n")
