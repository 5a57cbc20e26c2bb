"""`make bench` measures what it says; how fast is no matter of a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.e2e.conftest import ROOT
from tests.installed import python_path


def test_a_quick_run_of_one_comparison_gives_every_row() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "runner", "--quick", "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": python_path()},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["machine"]["cores"] > 0
    rows = shown["comparisons"]["runner"]
    measures = ["backlog drained", "latency at 50 events/s, p50", "latency at 50 events/s, p99"]
    assert [(row["measure"], row["kind"]) for row in rows] == [
        (measure, kind) for measure in measures for kind in ("ours", "stock", "limit")
    ]
    assert all(row["figure"] > 0 for row in rows)
    assert "LocalRunner: 10,000 events from a backlog" in done.stderr
