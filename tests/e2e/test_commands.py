"""Each command of `python -m local` as a user types it, and the installed clients beside it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from local.messages import THREE
from tests.e2e.conftest import PATIENCE, LocalStack, until

TOPIC = "dev-backend-events-topic"


def shell(stack: LocalStack, command: str) -> str:
    """A line in a shell that has evaluated `python -m local env`."""
    exports = stack.run("env").stdout
    done = subprocess.run(
        ["bash", "-c", f"{exports}\n{command}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        # gcloud keeps its own state in the home folder: an empty one must do.
        env={**os.environ, "HOME": str(stack.data_dir)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def installed(client: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(client), reason=f"{client} is not installed")


@pytest.fixture(scope="module")
def stack(shared: LocalStack) -> LocalStack:
    """The one that modules share."""
    return shared


@pytest.fixture(scope="module")
def sent(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> int:
    file = tmp_path_factory.mktemp("send") / "events.jsonl"
    file.write_bytes(b"\n".join(THREE) + b"\n\n")
    before = stack.look().stored
    assert stack.json("send", str(file), "--attribute", "source=test")["sent"] == len(THREE)
    stack.drained(before + len(THREE))
    return len(THREE)


def test_query_prints_a_table_or_json(stack: LocalStack, sent: int) -> None:
    sql = "SELECT order_id, total_amount FROM orders WHERE order_id = 'test-order-001'"
    assert stack.json("query", sql)[0] == {"order_id": "test-order-001", "total_amount": 59.98}
    assert "test-order-001" in stack.run("query", sql).stdout


def test_a_bad_query_is_told_in_one_line(stack: LocalStack) -> None:
    done = stack.run("query", "SELECT nothing FROM nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_and_ledger(stack: LocalStack, sent: int) -> None:
    now = stack.json("status")
    assert now["published"] >= sent
    assert now["pipeline"] == "running"
    assert re.search(r"orders \d", stack.run("status", "--once").stdout)
    stack.drained()
    assert "lost" in stack.run("ledger").stdout


def test_a_second_stack_on_one_folder_is_refused(stack: LocalStack) -> None:
    done = stack.run("up")
    assert done.returncode == 2
    assert "runs on" in done.stderr
    assert "local down" in done.stderr


def test_a_busy_port_is_named_with_its_setting(local_stack: LocalStack) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        local_stack.settings["GENERATOR_PORT"] = str(port)
        done = local_stack.run("up")
    assert done.returncode == 2
    assert f"port {port} is in use" in done.stderr
    assert "GENERATOR_PORT" in done.stderr


@pytest.mark.parametrize("command", ["status", "env", "down", "ledger"])
def test_without_a_stack_each_command_says_what_to_do(
    local_stack: LocalStack, command: str
) -> None:
    done = local_stack.run(command)
    assert done.returncode == 2
    assert "python -m local up" in done.stderr


def test_a_missing_file_is_named(stack: LocalStack) -> None:
    done = stack.run("send", "no-such-file.jsonl")
    assert done.returncode == 2
    assert "no-such-file.jsonl" in done.stderr


@pytest.mark.installed
@installed("gcloud")
def test_gcloud_publishes(stack: LocalStack) -> None:
    message = THREE[1].decode().replace("inv-001", "inv-by-gcloud")
    shell(stack, f"gcloud pubsub topics publish {TOPIC} --message='{message}'")
    sql = "SELECT warehouse_id FROM inventory WHERE inventory_id = 'inv-by-gcloud'"
    stored = [{"warehouse_id": "wh-us-central"}]

    def arrived() -> bool:
        done = stack.run("query", sql, "--json")
        return done.returncode == 0 and json.loads(done.stdout) == stored

    until(arrived, PATIENCE, "the row")


@pytest.mark.installed
@installed("gcloud")
def test_gcloud_lists_topics_and_subscriptions(stack: LocalStack) -> None:
    assert TOPIC in shell(stack, "gcloud pubsub topics list --format='value(name)'")
    found = shell(stack, "gcloud pubsub subscriptions list --format='value(name)'")
    assert "dev-backend-events-subscription" in found


@pytest.mark.installed
@installed("gcloud")
def test_gcloud_lists_the_files(stack: LocalStack, sent: int) -> None:
    bucket = "gs://local-project-dev-raw-events"
    file = f"{bucket}/output/order/2024/01/15/10/30/order_202401151030001.json"
    until(lambda: file in shell(stack, f"gcloud storage ls -r {bucket}"), PATIENCE, file)
    assert "test-order-001" in shell(stack, f"gcloud storage cat {file}")


@pytest.mark.installed
@installed("bq")
def test_bq_queries_and_shows(stack: LocalStack, sent: int) -> None:
    sql = "SELECT order_id FROM dev_events_dataset.orders"
    assert "test-order-001" in shell(stack, f"bq query '{sql}'")
    shown = json.loads(shell(stack, "bq show --format=json dev_events_dataset.orders"))
    assert shown["timePartitioning"] == {"type": "DAY", "field": "event_date"}
    assert shown["clustering"] == {"fields": ["customer_id", "status"]}
    assert "orders" in shell(stack, "bq ls dev_events_dataset")


def test_the_environment_is_valid_in_a_shell(stack: LocalStack) -> None:
    file = shell(stack, 'printf %s "$GOOGLE_APPLICATION_CREDENTIALS"')
    assert json.loads(Path(file).read_text())["type"] == "authorized_user"
