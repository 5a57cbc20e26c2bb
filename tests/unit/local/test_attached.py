"""The stack that the environment leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

import settings
from local import laptop
from local.attached import attached

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


def test_env_leads_the_tools_by_files_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    stack = attached()
    assert stack is not None
    environ = stack.client_environ(tmp_path)
    assert environ["CLOUDSDK_CORE_PROJECT"] == "local-project"
    for name in ("BIGQUERYRC", "BOTO_CONFIG", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"):
        assert Path(environ[name]).is_relative_to(tmp_path)
        assert Path(environ[name]).exists()
    assert "api = http://bigquery:9050" in Path(environ["BIGQUERYRC"]).read_text()
