"""The workflows' order: nothing is deployed that was not tested, nor where nobody asked for it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.scripts.conftest import ROOT

WORKFLOWS = ROOT / ".github/workflows"


def read(name: str) -> dict[Any, Any]:
    """A workflow; YAML 1.1 reads its key `on` as true."""
    document: dict[Any, Any] = yaml.safe_load((WORKFLOWS / name).read_text())
    return document


def test_a_deploy_waits_for_the_tests() -> None:
    jobs = read("deploy.yaml")["jobs"]
    assert jobs["deploy"]["needs"] == ["test"]
    assert jobs["test"]["uses"].endswith("/.github/workflows/test.yaml")
    # No `always()` or `failure()`: a job whose needs failed is skipped.
    assert "always" not in jobs["deploy"]["if"]
    assert "failure" not in jobs["deploy"]["if"]


def test_the_tests_can_be_called_and_do_not_run_twice() -> None:
    said = read("test.yaml")[True]
    assert "workflow_call" in said
    assert "push" not in said
    assert {"push", "pull_request", "workflow_dispatch"} <= read("deploy.yaml")[True].keys()
    assert "pull_request" in said


@pytest.mark.parametrize("job", ["plan", "deploy"])
def test_a_fork_without_variables_is_only_tested(job: str) -> None:
    condition = read("deploy.yaml")["jobs"][job]["if"]
    # An unset variable is an empty string, of which fromJSON would fail.
    assert "contains(fromJSON(vars.DEPLOY_ENVIRONMENTS || '[]')," in condition
    assert "||" not in condition.replace("vars.DEPLOY_ENVIRONMENTS || '[]'", "").replace(
        "inputs.environment || (github.ref_name == 'main' && 'prod' || 'dev')", ""
    ).replace("github.base_ref == 'main' && 'prod' || 'dev'", "")


def test_deploys_of_one_environment_come_one_after_another() -> None:
    concurrency = read("deploy.yaml")["jobs"]["deploy"]["concurrency"]
    assert concurrency["cancel-in-progress"] is False
