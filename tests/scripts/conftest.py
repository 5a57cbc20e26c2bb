"""Runs the scripts as a user types them, in an environment that says nothing of a cloud."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = ROOT / "scripts"


def run(
    script: str, *args: str, timeout: float = 60, **environ: str
) -> subprocess.CompletedProcess[str]:
    """One script to its end."""
    return subprocess.run(
        [SCRIPTS / script, *args],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "PYTHON": sys.executable, **environ},
    )


@cache
def commands(script: str, *args: str) -> list[list[str]]:
    """What a dry run says that it would run, split as a shell would."""
    done = run(script, *args, "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    return [shlex.split(line) for line in done.stdout.splitlines()]


def options(command: list[str]) -> dict[str, str]:
    """The options of one command, with their values; "" for one without."""
    found: dict[str, str] = {}
    for place, word in enumerate(command):
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            after = command[place + 1] if place + 1 < len(command) else ""
            found[name] = value if equals else ("" if after.startswith("--") else after)
    return found
