"""checkov over prod, in an environment of its own; .checkov.yaml justifies what stays."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.terraform.conftest import Workspace
from tests.terraform.plans import ROOT

HOME = Path(sys.prefix) / "checkov"
SKIPPED = set(re.findall(r"^  - (CKV\w+)$", (ROOT / "terraform/.checkov.yaml").read_text(), re.M))


@pytest.fixture(scope="module")
def checkov() -> Path:
    """The program; its many pins go with nobody else's."""
    if not (HOME / "ready").exists():
        uv = [sys.executable, "-m", "uv"]
        locked = ROOT / "requirements/checkov.txt"
        subprocess.run([*uv, "venv", "-q", "--clear", "--python", sys.executable, HOME], check=True)
        subprocess.run(
            [*uv, "pip", "sync", "-q", "--require-hashes", "--python", HOME, locked], check=True
        )
        (HOME / "ready").touch()
    return HOME / "bin/checkov"


def findings(checkov: Path, *args: str) -> dict[str, Any]:
    done = subprocess.run(
        [checkov, *args, "--skip-download", "--output=json", "--soft-fail"],
        capture_output=True,
        text=True,
        check=True,
        cwd=HOME,  # where no .checkov.yaml is
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def failed(report: dict[str, Any]) -> set[str]:
    return {each["check_id"] for each in report["results"]["failed_checks"]}


def test_what_is_found_in_prod_is_what_is_justified(
    checkov: Path, deployed: Callable[[str], Workspace]
) -> None:
    plan = deployed("prod").folder / "plan.json"
    report = findings(checkov, f"--file={plan}", "--framework=terraform_plan")
    assert report["summary"]["passed"] > 200
    source = findings(checkov, f"--directory={ROOT / 'terraform'}", "--framework=terraform")
    assert source["summary"]["parsing_errors"] == 0
    assert failed(report) | failed(source) == SKIPPED


def test_a_door_left_open_is_found(checkov: Path, tmp_path: Path) -> None:
    (tmp_path / "open.tf").write_text(
        'resource "google_compute_firewall" "open" {\n'
        '  name          = "open"\n'
        '  network       = "default"\n'
        '  source_ranges = ["0.0.0.0/0"]\n'
        "  allow {\n"
        '    protocol = "tcp"\n'
        '    ports    = ["22"]\n'
        "  }\n"
        "}\n"
    )
    report = findings(checkov, f"--directory={tmp_path}", "--framework=terraform")
    assert "CKV_GCP_2" in failed(report) - SKIPPED
