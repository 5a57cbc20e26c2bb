"""commands.txt has all that the scripts would run, flag by flag; `make inventories` writes it."""

from __future__ import annotations

import re
import shlex
import sys
from difflib import unified_diff
from pathlib import Path

from tests.scripts.conftest import ROOT, commands
from tests.scripts.test_dry_run import LISTED, PROJECT

PAGE = Path(__file__).with_name("commands.txt")
READY = ("bootstrap.sh", PROJECT, "--deployer", "user:a@example.com", "--state-of", "dev")
# What is another one each time, or on each machine.
VARY = (
    (re.escape(sys.executable), "python"),
    (re.escape(str(ROOT)), "."),
    (r"/tmp/tmp\.\w+", "FOLDER"),
    (r"\d{8}T\d{6}Z-\d+", "MOMENT"),
    (r"(?<=--message )\S.*", "EVENT"),
)


def written() -> str:
    """The page: each script as it is called, and below it what it would run."""
    lines = ["# What the scripts would run. `make inventories` writes it: read what changes."]
    for script, *args in (READY, *LISTED):
        lines += ["", shlex.join(("scripts/" + script, *args))]
        for command in commands(script, *args):
            line = " ".join(command)
            for pattern, name in VARY:
                line = re.sub(pattern, name, line)
            lines.append(f"    {line}")
    return "\n".join(lines) + "\n"


def test_the_scripts_would_run_what_is_written(writing: bool) -> None:
    if writing:
        PAGE.write_text(written())
    found = list(unified_diff(PAGE.read_text().splitlines(), written().splitlines(), lineterm=""))
    assert not found, "make inventories writes this:\n" + "\n".join(found)
