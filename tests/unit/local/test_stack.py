"""Ports, environment and the state file."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

import settings
from local import run
from local.errors import NoStack, PortTaken, StackRuns
from local.stack import Stack, claim, running, saved
from localgcp.base import LOOPBACK


def asked(tmp_path: Path, **ports: int) -> settings.Stack:
    environ = {settings.port_setting(name): str(ports.get(name, 0)) for name in settings.PORTS}
    return settings.stack({"LOCAL_DATA_DIR": str(tmp_path), **environ})


def test_port_0_takes_a_free_one(tmp_path: Path) -> None:
    stack = claim(asked(tmp_path))
    assert set(stack.ports) == set(settings.PORTS)
    assert 0 not in stack.ports.values()
    assert len(set(stack.ports.values())) == len(settings.PORTS)


def test_a_busy_port_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is in use.*BIGQUERY_PORT"):
            claim(asked(tmp_path, bigquery=port))


def test_a_saved_stack_is_found_until_it_stops(tmp_path: Path) -> None:
    stack = claim(asked(tmp_path))
    with pytest.raises(NoStack, match="python -m local up"):
        running(tmp_path)
    stack.save([11, 12])
    found = running(tmp_path)
    assert found.pid == os.getpid()
    assert found.children == (11, 12)
    assert found.environ() == stack.environ()
    with pytest.raises(StackRuns, match=str(os.getpid())):
        run.ensure_none(tmp_path)
    stack.forget()
    run.ensure_none(tmp_path)
    with pytest.raises(NoStack):
        saved(tmp_path)


def test_every_client_is_led_to_loopback(tmp_path: Path) -> None:
    stack = claim(asked(tmp_path))
    environ = stack.client_environ()
    for name in ("PUBSUB_EMULATOR_HOST", "STORAGE_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST"):
        assert LOOPBACK in environ[name]
    stack.write_client_files()
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", "BIGQUERYRC"):
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
    ],
)
def test_a_bad_setting_is_named_with_its_value(environ: dict[str, str], said: str) -> None:
    with pytest.raises(settings.InvalidSetting, match=said):
        settings.load(environ)


def test_a_stack_s_names_come_from_its_own_environment(tmp_path: Path) -> None:
    stack: Stack = claim(asked(tmp_path))
    assert stack.names.bucket == "local-project-dev-raw-events"
    assert stack.names.publish_log == tmp_path / "published.jsonl"
