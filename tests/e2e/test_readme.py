"""Every command in the README is run, as it stands there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.messages import THREE
from tests.e2e.conftest import PATIENCE, ROOT, LocalStack, until

README = (ROOT / "README.md").read_text()


def commands() -> list[str]:
    """The lines of the sh blocks, continued ones joined, comments cut."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [re.sub(r"\s+#.*", "", line) for line in lines]


MAKE = [line for line in commands() if line.startswith("make ")]
DOCKER = [line for line in commands() if line.startswith("docker ")]
# `down` would stop the stack that the others need; tests/docker runs what needs an engine.
SHELL = [
    line
    for line in commands()
    if line not in MAKE and line not in DOCKER and "local down" not in line
]


def test_the_readme_has_commands() -> None:
    assert {"make demo", "make test", "make up"} <= set(MAKE)
    assert len(SHELL) >= 6
    assert len(DOCKER) == 3


@pytest.mark.parametrize("line", MAKE)
def test_make_has_the_target(line: str) -> None:
    done = subprocess.run(
        ["make", "-n", *line.split()[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "-m local" in done.stdout or "tox run" in done.stdout


@pytest.fixture(scope="module")
def stack(shared: LocalStack) -> LocalStack:
    """The one that modules share."""
    return shared


@pytest.mark.parametrize("line", SHELL)
def test_the_command_works(stack: LocalStack, tmp_path: Path, line: str) -> None:
    # A live view ends with Ctrl-C, which a test does not press.
    line = line.replace("local status", "local status --once")
    line = line.replace(":8080/", f":{stack.port('generator')}/")
    if "EVENT_ID" in line:
        (event_id,) = stack.json("send", "-", stdin=THREE[0].decode())["event_ids"]
        line = line.replace("EVENT_ID", event_id)
    if "query" in line:
        stack.json("send", "-", stdin=THREE[0].decode())
        until(lambda: stack.look().rows.get("orders", 0) > 0, PATIENCE, "a row")
    if "ledger" in line:
        stack.drained()
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(THREE))
    python = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        env={
            **stack.environ(),
            "PATH": f"{python}:{os.environ['PATH']}",
            "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if "curl" in line:
        assert json.loads(done.stdout)


def test_every_path_in_the_documents_exists() -> None:
    for document in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name} links to {link}"
