"""The workflow's summary, of a report that pytest really wrote."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.scripts.conftest import SCRIPTS

TESTS = """
def test_good(): pass
def test_bad(): assert 1 == 2, "one is not two"
"""


def summed_up(*files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / "report.py"), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_counts_and_names_what_failed(tmp_path: Path) -> None:
    (tmp_path / "test_two.py").write_text(TESTS)
    report = tmp_path / "unit.xml"
    run = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", "-p", "no:cacheprovider"]
    assert subprocess.run(run, cwd=tmp_path, capture_output=True, check=False).returncode == 1
    said = summed_up(report)
    assert said.returncode == 0, said.stderr
    assert "### unit" in said.stdout
    assert "| 2 | 1 | 0 | 0 |" in said.stdout
    assert "- `test_two.test_bad`: AssertionError: one is not two" in said.stdout


def test_nothing_to_sum_up_is_an_error() -> None:
    assert summed_up().returncode == 2
