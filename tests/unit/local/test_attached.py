"""The stack that the environment leads to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import settings
from local import laptop
from local.attached import attached
from local.errors import NotDone
from localgcp.base import claim_port
from tests.unit import shown

ENVIRON = {
    "PROJECT_ID": "local-project",
    "PUBSUB_EMULATOR_HOST": "pubsub:8085",
    "STORAGE_EMULATOR_HOST": "http://storage:4443",
    "BIGQUERY_EMULATOR_HOST": "http://bigquery:9050",
    "GENERATOR_URL": "http://generator:8080",
    "TABLE_MANAGER_URL": "http://table-manager:8081",
    "PIPELINE_URL": "http://pipeline:8082",
}


def test_nothing_is_attached_unless_the_environment_says_so() -> None:
    assert laptop.endpoints({}) is None
    assert laptop.endpoints({**ENVIRON, "PIPELINE_URL": ""}) is None


def test_each_part_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    stack = attached()
    assert stack is not None
    assert stack.url("pubsub") == "http://pubsub:8085"
    assert stack.url("table_manager") == "http://table-manager:8081"
    assert stack.names.topic == "projects/local-project/topics/dev-backend-events-topic"
    with pytest.raises(settings.InvalidSetting, match="PUBLISH_LOG is not set"):
        stack.publish_log  # noqa: B018 - asking is what raises


@pytest.mark.parametrize("name", sorted(ENVIRON.keys() - {"PROJECT_ID", "PIPELINE_URL"}))
def test_a_part_that_is_not_named_is_told(name: str) -> None:
    with pytest.raises(settings.InvalidSetting, match=name):
        laptop.endpoints({**ENVIRON, name: ""})


@pytest.fixture
def led(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What `env` says where BigQuery shows a certificate."""
    with shown.certificate(b"-----BEGIN CERTIFICATE-----") as address:
        at = {"BIGQUERY_EMULATOR_HOST": f"http://{address}", "CONSOLE_URL": "http://console:8084"}
        for name, value in {**ENVIRON, **at}.items():
            monkeypatch.setenv(name, value)
        stack = attached()
        assert stack is not None
        yield stack.client_environ(tmp_path)


def test_env_leads_the_tools_by_files_as_well(led: dict[str, str], tmp_path: Path) -> None:
    assert led["CLOUDSDK_CORE_PROJECT"] == "local-project"
    for name in ("BIGQUERYRC", "BOTO_CONFIG", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"):
        assert Path(led[name]).is_relative_to(tmp_path)
        assert Path(led[name]).exists()
    assert f"api = {led['BIGQUERY_EMULATOR_HOST']}" in Path(led["BIGQUERYRC"]).read_text()
    assert led["CLOUDSDK_API_ENDPOINT_OVERRIDES_DATAFLOW"] == "http://console:8084/"


def test_env_leads_the_storage_apis_by_what_the_emulator_shows(led: dict[str, str]) -> None:
    assert led["grpc_proxy"] == led["BIGQUERY_EMULATOR_HOST"]
    assert led["no_grpc_proxy"].split(",")[-2:] == ["pubsub", "storage"]
    assert "BEGIN" in Path(led["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"]).read_text()


def test_env_says_which_part_is_silent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    at = f"127.0.0.1:{claim_port('a test', '127.0.0.1', 0)}"
    for name, value in {**ENVIRON, "BIGQUERY_EMULATOR_HOST": f"http://{at}"}.items():
        monkeypatch.setenv(name, value)
    stack = attached()
    assert stack is not None
    with pytest.raises(NotDone, match=f"bigquery: nothing answers on {at}: "):
        stack.client_environ(tmp_path)
