"""Ports, environment and the state file."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import settings
from local import laptop, run
from local.attached import attached
from local.errors import BrokenState, NoStack, PortTaken, StackRuns, Starting
from local.stack import READY, STARTING, Stack, claim
from local.state import held, leftovers, running, saved
from localgcp.base import LOOPBACK


def asked(tmp_path: Path, **ports: int) -> laptop.Asked:
    environ = {laptop.port_setting(name): str(ports.get(name, 0)) for name in laptop.PORTS}
    return laptop.asked({"LOCAL_DATA_DIR": str(tmp_path), **environ})


def test_port_0_takes_a_free_one(tmp_path: Path) -> None:
    stack = claim(asked(tmp_path))
    assert set(stack.ports) == set(laptop.PORTS)
    assert 0 not in stack.ports.values()
    assert len(set(stack.ports.values())) == len(laptop.PORTS)


def test_a_busy_port_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        holder.listen()
        port = holder.getsockname()[1]
        by = rf"by process {os.getpid()} \("
        with pytest.raises(PortTaken, match=f"port {port} is in use {by}.*BIGQUERY_PORT"):
            claim(asked(tmp_path, bigquery=port))


def test_a_stack_is_found_once_it_serves_and_until_it_stops(tmp_path: Path) -> None:
    stack = claim(asked(tmp_path))
    with pytest.raises(NoStack, match="python -m local up"):
        running(tmp_path)
    with held(tmp_path):
        with pytest.raises(Starting):
            running(tmp_path)
        stack.save(STARTING, {"pubsub": (11, "emulators pubsub")})
        with pytest.raises(Starting, match="--wait"):
            running(tmp_path, wait=0.1)
        stack.save(READY, {"pubsub": (11, "emulators pubsub")})
        found = running(tmp_path)
        assert found.pid == os.getpid()
        assert found.children == {"pubsub": (11, "emulators pubsub")}
        assert found.environ() == stack.environ()
        with pytest.raises(StackRuns, match="local down"), held(tmp_path):
            pass
        stack.forget()
    with pytest.raises(NoStack):
        saved(tmp_path)


def test_a_file_that_a_killed_stack_left_deceives_nobody(tmp_path: Path) -> None:
    # Its process id is one that runs: ours.
    claim(asked(tmp_path)).save(READY, {})
    with pytest.raises(NoStack):
        running(tmp_path)


def test_what_a_killed_stack_left_is_ended_and_nothing_else(tmp_path: Path) -> None:
    words = ("-c", "import time; time.sleep(60)")
    left = subprocess.Popen([sys.executable, *words], start_new_session=True)
    claim(asked(tmp_path)).save(
        READY, {"one": (left.pid, " ".join(words)), "other": (os.getpid(), "no such command")}
    )
    assert leftovers(tmp_path) == 1
    assert left.wait(10) == -9
    assert leftovers(tmp_path) == 0


def test_a_child_of_what_was_killed_is_ended_too(tmp_path: Path) -> None:
    sleep = "import time; time.sleep(60)"
    parent = subprocess.Popen(
        ["sh", "-c", f'{sys.executable} -c "{sleep}" {tmp_path} & echo started; wait'],
        start_new_session=True,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    with parent.stdout as held_by_the_child:
        assert held_by_the_child.readline() == b"started\n"
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(10)
        claim(asked(tmp_path)).save(READY, {"one": (parent.pid, "no longer there")})
        assert leftovers(tmp_path) == 1
        assert held_by_the_child.read() == b"", "its last writer is gone"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"data_dir": 1}'])
def test_a_broken_file_is_named_and_stands_in_nobody_s_way(tmp_path: Path, text: str) -> None:
    (tmp_path / "stack.json").write_text(text)
    with pytest.raises(BrokenState, match=r"stack\.json is broken"):
        running(tmp_path)
    assert leftovers(tmp_path) == 0
    with held(tmp_path):
        claim(asked(tmp_path)).save(READY, {})
        assert running(tmp_path).state == READY


def test_what_env_prints_attaches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = claim(asked(tmp_path)).client_environ()
    for name, value in printed.items():
        monkeypatch.setenv(name, value)
    assert attached() is None
    assert laptop.asked().data_dir == tmp_path
    # But a stack that something else runs, named afterwards in the same shell, is attached.
    monkeypatch.setenv("PIPELINE_URL", "http://pipeline:8082")
    there = attached()
    assert there is not None
    assert there.url("pipeline") == "http://pipeline:8082"


def test_every_client_is_led_to_loopback(tmp_path: Path) -> None:
    stack = claim(asked(tmp_path))
    environ = stack.client_environ()
    for name in ("PUBSUB_EMULATOR_HOST", "STORAGE_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST"):
        assert LOOPBACK in environ[name]
    stack.write_client_files()
    for name in (
        "GOOGLE_APPLICATION_CREDENTIALS",
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
        "BIGQUERYRC",
        "BOTO_CONFIG",
    ):
        assert Path(environ[name]).exists()


def test_clear_forgets_the_stack_s_data_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "bigquery").mkdir()
    (tmp_path / "bigquery" / "data").write_text("x")
    (tmp_path / "published.jsonl").write_text("x")
    (tmp_path / "mine.txt").write_text("x")
    run.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_names_of_record() -> None:
    names = settings.load({"PROJECT_ID": "acme-data", "ENVIRONMENT": "prod"})
    assert names.topic == "projects/acme-data/topics/prod-backend-events-topic"
    assert names.subscription == "projects/acme-data/subscriptions/prod-backend-events-subscription"
    assert names.dead_letter_topic == "projects/acme-data/topics/prod-backend-events-dead-letter"
    assert names.table_manager == "prod-bigquery-table-manager"
    assert names.job == "prod-realtime-data-pipeline"
    assert names.generator == "prod-event-generator"
    assert names.dataset == "prod_events_dataset"
    assert names.bucket == "acme-data-prod-raw-events"
    assert names.template_bucket == "acme-data-prod-dataflow-templates"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "PROJECT_ID is not set"),
        ({"PROJECT_ID": "p", "PORT": "many"}, "PORT should be a number; got 'many'"),
        ({"PROJECT_ID": "p", "WINDOW_SECONDS": "-1"}, "WINDOW_SECONDS should be 0 or more"),
        ({"PROJECT_ID": "p", "WINDOW_SECONDS": "nan"}, "WINDOW_SECONDS should be a finite number"),
        ({"PROJECT_ID": "p", "PORT": "99999"}, "PORT should be a port, 0 to 65535; got '99999'"),
        ({"PROJECT_ID": "p", "LOG_LEVEL": "loud"}, "LOG_LEVEL should be one of INFO.*'loud'"),
    ],
)
def test_a_bad_setting_is_named_with_its_value(environ: dict[str, str], said: str) -> None:
    with pytest.raises(settings.InvalidSetting, match=said):
        settings.load(environ)


def test_a_stack_s_names_come_from_its_own_environment(tmp_path: Path) -> None:
    stack: Stack = claim(asked(tmp_path))
    assert stack.names.bucket == "local-project-dev-raw-events"
    assert stack.names.publish_log == tmp_path / "published.jsonl"
