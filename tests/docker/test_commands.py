"""Every command of docs/docker.md, in its container or beside it, as a user types it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local.messages import THREE
from tests.docker.compose import ROOT, ComposeStack

PAGE = (ROOT / "docs" / "docker.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [
    line.partition("#")[0].split()
    for block in BLOCKS
    for line in block.splitlines()
    if line.startswith("docker compose run --rm local ")
]
TOPIC = "dev-backend-events-topic"


def words(command: list[str]) -> str:
    return " ".join(command[5:])


def outside(stack: ComposeStack, home: Path, command: str) -> str:
    """A line in a shell that has typed the page's exports, with this stack's ports."""
    (block,) = (each for each in BLOCKS if "BIGQUERYRC" in each)
    for name, default in (("pubsub", "8085"), ("storage", "4443"), ("bigquery", "9050")):
        port = stack.url(name).rpartition(":")[2]
        block = block.replace(f"127.0.0.1:{default}", f"127.0.0.1:{port}")
    done = subprocess.run(
        ["bash", "-ec", f"{block}\n{command}"],
        cwd=ROOT,
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def installed(client: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(client), reason=f"{client} is not installed")


@pytest.fixture(scope="module", autouse=True)
def an_order(stack: ComposeStack) -> None:
    stack.json("send", "-", stdin=THREE[0].decode())
    stack.drained(1)


def test_the_page_names_every_command_that_looks() -> None:
    named = {command[5] for command in COMMANDS}
    assert named >= {"status", "check", "ledger", "query", "sql", "send", "env"}


@pytest.mark.parametrize("command", COMMANDS, ids=words)
def test_a_documented_command_runs_in_its_container(
    stack: ComposeStack, command: list[str]
) -> None:
    args = [each.strip("'") for each in re.findall(r"'[^']*'|\S+", words(command))]
    if args[0] == "status":
        args.append("--once")  # else it looks until Ctrl-C
    typed = {"send": THREE[1].decode(), "sql": "SELECT 1 AS one;"}.get(args[0], "")
    done = stack.compose(
        "run", "--rm", "--no-TTY", "--no-deps", "local", *args, stdin=typed, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout
    assert "Traceback" not in done.stderr


def test_the_check_follows_an_event_to_its_row_and_its_file(stack: ComposeStack) -> None:
    found = stack.json("check")
    assert found["healthy"], found
    (event,) = (each for each in found["findings"] if each["part"] == "event")
    assert "row and file after" in event["detail"]


def test_env_leads_clients_that_run_beside_the_stack(stack: ComposeStack) -> None:
    script = (
        'eval "$(python -m local env)"; test -r "$BIGQUERYRC"; '
        'python -c "from google.cloud import bigquery; '
        'print(*(each.dataset_id for each in bigquery.Client().list_datasets()))"'
    )
    words = ("run", "--rm", "--no-TTY", "--no-deps", "--entrypoint", "sh", "local", "-ec", script)
    assert stack.compose(*words).stdout.strip() == "dev_events_dataset"


@installed("gcloud")
def test_gcloud_by_the_page_s_settings(stack: ComposeStack, tmp_path: Path) -> None:
    said = outside(stack, tmp_path, "gcloud pubsub topics list --format='value(name)'")
    assert f"projects/local-project/topics/{TOPIC}" in said.split()
    said = outside(stack, tmp_path, "gcloud storage ls")
    assert "gs://local-project-dev-raw-events/" in said.split()


@installed("bq")
def test_bq_by_the_page_s_settings(stack: ComposeStack, tmp_path: Path) -> None:
    # Its port stands in a file, which a stack on ports of its own can't use as it is.
    sql = "SELECT order_id FROM dev_events_dataset.orders"
    said = outside(stack, tmp_path, f"bq --api {stack.url('bigquery')} --format=csv query '{sql}'")
    assert "test-order-001" in said


@installed("gsutil")
def test_gsutil_by_the_page_s_settings(stack: ComposeStack, tmp_path: Path) -> None:
    assert "gs://local-project-dev-raw-events/" in outside(stack, tmp_path, "gsutil ls").split()
