"""Whether gcloud has a command and its options: by the list that its shell completion reads."""

from __future__ import annotations

import runpy
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.scripts.conftest import options


@cache
def tree() -> dict[str, Any]:
    """All that the gcloud on this machine can do."""
    if not shutil.which("gcloud"):
        pytest.skip("gcloud is not installed")
    asked = ["gcloud", "info", "--format", "value(installation.sdk_root)"]
    root = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    completions = Path(root) / "data" / "cli" / "gcloud_completions.py"
    if not completions.exists():
        pytest.skip(f"this gcloud brings no {completions}")
    found: dict[str, Any] = runpy.run_path(str(completions))["STATIC_COMPLETION_CLI_TREE"]
    return found


def assert_known(command: list[str]) -> None:
    """`command` begins with gcloud, names a command to its end, and only options it has."""
    node, known = tree(), set(tree()["flags"])
    for word in command[1:]:
        if word not in node["commands"]:
            break
        node = node["commands"][word]
        known |= set(node["flags"])
    assert not node["commands"], f"gcloud has no such command: {command}"
    known |= {name.replace("--", "--no-", 1) for name in known}
    assert not options(command).keys() - known, command
