"""The workflows: nothing is deployed that was not tested, nor where nobody asked for it.

RULES take both files' texts; SLIPS are edits, each of which has to break one of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
import yaml

from tests.scripts.conftest import ROOT

WORKFLOWS = ROOT / ".github/workflows"
ENVIRONMENT = "inputs.environment || (github.ref_name == 'main' && 'prod' || 'dev')"
PLANNED = "github.base_ref == 'main' && 'prod' || 'dev'"
MAY_BE_EMPTY = "vars.DEPLOY_ENVIRONMENTS || '[]'"
Texts = Mapping[str, str]


def texts() -> dict[str, str]:
    """Both workflows, as they are."""
    return {name: (WORKFLOWS / name).read_text() for name in ("deploy.yaml", "test.yaml")}


def read(text: str) -> dict[Any, Any]:
    """A workflow; YAML 1.1 reads its key `on` as true."""
    document: dict[Any, Any] = yaml.safe_load(text)
    return document


def deploy_jobs(files: Texts) -> dict[str, Any]:
    jobs: dict[str, Any] = read(files["deploy.yaml"])["jobs"]
    return jobs


def commands_of(job: dict[str, Any]) -> str:
    """All that a job's steps run, each step's name first."""
    return "\n".join(f"# {step['name']}\n{step['run']}" for step in job["steps"] if "run" in step)


def a_deploy_waits_for_the_tests(files: Texts) -> None:
    jobs = deploy_jobs(files)
    assert jobs["deploy"]["needs"] == ["test"]
    assert jobs["test"]["uses"] == "$/.github/workflows/test.yaml"
    assert jobs["test"]["if"] == "github.event_name != 'pull_request'"
    # No `always()` or `failure()`: a job whose needs failed is skipped.
    assert not re.search(r"always|failure|cancelled", jobs["deploy"]["if"])
    assert not any("continue-on-error" in text for text in files.values())


def the_tests_are_called_and_do_not_run_twice(files: Texts) -> None:
    said = read(files["test.yaml"])[True]
    assert set(said) == {"pull_request", "workflow_call", "workflow_dispatch"}
    asked = read(files["deploy.yaml"])[True]
    assert set(asked) == {"push", "pull_request", "workflow_dispatch"}
    assert asked["push"]["branches"] == asked["pull_request"]["branches"] == ["main", "dev"]


def every_suite_is_run(files: Texts) -> None:
    jobs = read(files["test.yaml"])["jobs"]
    suites = [line.rpartition(" -e ")[2] for line in re.findall(r"run: (.*)", files["test.yaml"])]
    assert {"lint,types", "terraform", "deploy", '"$SUITE"'} <= set(suites)
    assert jobs["test"]["strategy"]["matrix"]["suite"] == ["unit", "integration", "e2e"]
    for job in jobs.values():
        for step in job["steps"]:
            looks = step.get("name", "").startswith(("Install", "Picture", "Sum", "Publish"))
            assert looks or "if" not in step, step


def a_fork_without_variables_is_only_tested(files: Texts) -> None:
    jobs = deploy_jobs(files)
    # An unset variable is an empty string, of which fromJSON would fail.
    listed = "contains(fromJSON({}), {})"
    assert jobs["deploy"]["if"] == " && ".join(
        ("github.event_name != 'pull_request'", listed.format(MAY_BE_EMPTY, ENVIRONMENT))
    )
    assert jobs["plan"]["if"] == " && ".join(
        (
            "github.event_name == 'pull_request'",
            "github.event.pull_request.head.repo.full_name == github.repository",
            listed.format(MAY_BE_EMPTY, PLANNED),
        )
    )


def each_deploys_to_its_own_environment(files: Texts) -> None:
    jobs = deploy_jobs(files)
    assert jobs["deploy"]["environment"] == f"${{{{ {ENVIRONMENT} }}}}"
    assert jobs["plan"]["environment"] == f"${{{{ ({PLANNED}) }}}}-plan"
    assert read(files["deploy.yaml"])["env"] == {
        "ENVIRONMENT": "${{ inputs.environment || ((github.base_ref || github.ref_name) == 'main'"
        " && 'prod' || 'dev') }}",
        "RELEASE": "${{ github.sha }}",
        "TF_IN_AUTOMATION": "true",
        "TF_INPUT": "false",
    }
    for job in ("plan", "deploy"):
        assert jobs[job]["env"]["TF_VAR_github_repository"] == "${{ github.repository }}"
        given = {name: value for name, value in jobs[job]["env"].items() if "vars." in value}
        for name, value in given.items():
            variable = name.removeprefix("TF_VAR_").upper()
            assert value.startswith((f"${{{{ vars.{variable} }}}}", f"${{{{ vars.{variable} ||")), (
                name
            )
        assert {"PROJECT_ID", "STATE_BUCKET", "TF_VAR_project_id", "TF_VAR_alert_email"} <= set(
            given
        )


def deploys_come_one_after_another(files: Texts) -> None:
    concurrency = deploy_jobs(files)["deploy"]["concurrency"]
    assert concurrency["cancel-in-progress"] is False
    assert concurrency["group"] == f"deploy-${{{{ {ENVIRONMENT} }}}}"
    # A drain may take half an hour.
    assert deploy_jobs(files)["deploy"]["timeout-minutes"] >= 60


def only_what_deploys_has_an_identity(files: Texts) -> None:
    for name, text in files.items():
        assert read(text)["permissions"] == {}, name
        for job, said in read(text)["jobs"].items():
            wanted = {"contents": "read"}
            if job in ("plan", "deploy"):
                wanted["id-token"] = "write"
            assert said["permissions"] == wanted, job
    for step in re.findall(r"- (?:name|uses): .*(?:\n {8}.*)*", "\n".join(files.values())):
        if "actions/checkout@" in step:
            assert "persist-credentials: false" in step
        if used := re.search(r"uses: (\S+)", step):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used[1]), step
        if "google-github-actions/auth@" in step:
            empty = "!=" if "workload_identity_provider:" in step else "=="
            assert f"if: vars.WORKLOAD_IDENTITY_PROVIDER {empty} ''" in step


def a_release_is_built_planned_applied_and_checked(files: Texts) -> None:
    jobs = deploy_jobs(files)
    said = commands_of(jobs["deploy"])
    state = '-backend-config="prefix=realtime-pipeline/$ENVIRONMENT"'
    wanted = (
        'scripts/deploy-cloud-function.sh "${where[@]}" --release "$RELEASE" --upload-only',
        'scripts/deploy-dataflow-template.sh "${where[@]}" --release "$RELEASE" --upload-only',
        'terraform init -backend-config="bucket=$STATE_BUCKET"',
        state,
        'terraform plan -out=release.tfplan -var-file="environments/$ENVIRONMENT.tfvars"',
        '-var="release=$RELEASE"',
        "terraform apply release.tfplan",
        'scripts/check-health.sh "$PROJECT_ID" "$ENVIRONMENT" "$REGION" --within 600',
    )
    places = [said.find(each) for each in wanted]
    assert -1 not in places
    assert places == sorted(places)
    assert 'where=("$PROJECT_ID" "$ENVIRONMENT" "$REGION")' in said
    assert "-lock=false" not in said
    assert "||" not in said  # what fails, fails
    looks = commands_of(jobs["plan"])
    assert state in looks
    assert "terraform plan -lock=false -no-color -var-file=" in looks
    assert '-var="release=$RELEASE"' in looks
    assert " apply" not in looks
    for text in files.values():
        assert read(text)["defaults"] == {"run": {"shell": "bash"}}  # with pipefail


RULES: tuple[Callable[[Texts], None], ...] = (
    a_deploy_waits_for_the_tests,
    the_tests_are_called_and_do_not_run_twice,
    every_suite_is_run,
    a_fork_without_variables_is_only_tested,
    each_deploys_to_its_own_environment,
    deploys_come_one_after_another,
    only_what_deploys_has_an_identity,
    a_release_is_built_planned_applied_and_checked,
)


class Slip(NamedTuple):
    """One edit: the first place of a text in a workflow, and what stands there instead."""

    text: str
    instead: str
    file: str = "deploy.yaml"


SLIPS = (
    Slip("    needs: [test]\n", ""),
    Slip("    needs: [test]\n    if: >-\n", "    needs: [test]\n    if: >-\n      always() &&\n"),
    Slip("head.repo.full_name == github.repository", "head.repo.full_name != ''"),
    Slip("vars.DEPLOY_ENVIRONMENTS || '[]'", "vars.DEPLOY_ENVIRONMENTS || '[\"dev\"]'"),
    Slip("github.base_ref == 'main' && 'prod'", "github.base_ref == 'dev' && 'prod'"),
    Slip("branches: [main, dev]", "branches: ['**']"),
    Slip("environment: ${{ inputs.environment ||", "environment: ${{ inputs.environmen ||"),
    Slip("'prod' || 'dev') }}-plan", "'prod' || 'dev') }}"),
    Slip("RELEASE: ${{ github.sha }}", "RELEASE: latest"),
    Slip("cancel-in-progress: false", "cancel-in-progress: true"),
    Slip("group: deploy-${{", "group: deploy-${{ github.run_id }}-${{"),
    Slip("timeout-minutes: 90", "timeout-minutes: 20"),
    Slip("permissions: {}", "permissions: write-all"),
    Slip("      id-token: write", "      contents: write\n      id-token: write"),
    Slip("persist-credentials: false", "persist-credentials: true"),
    Slip("de0fac2e4500dabe0009e67214ff5f5447ce83dd", "v6"),
    Slip("WORKLOAD_IDENTITY_PROVIDER != ''", "WORKLOAD_IDENTITY_PROVIDER == ''"),
    Slip("terraform apply release.tfplan", "terraform apply -auto-approve"),
    Slip("terraform plan -out", "terraform plan -lock=false -out"),
    Slip("terraform plan -lock=false", "terraform plan"),
    Slip('"${where[@]}" --release "$RELEASE" --upload-only', '"${where[@]}" --release "$RELEASE"'),
    Slip("prefix=realtime-pipeline/$ENVIRONMENT", "prefix=realtime-pipeline"),
    Slip("TF_VAR_alert_email: ${{ vars.ALERT_EMAIL }}\n", "TF_VAR_alert_mail: x\n"),
    Slip("STATE_BUCKET: ${{ vars.STATE_BUCKET }}", "STATE_BUCKET: ${{ vars.PROJECT_ID }}"),
    Slip("shell: bash", "shell: sh"),
    Slip("--within 600", "--within 600 || true"),
    Slip("-e lint,types", "-e lint", "test.yaml"),
    Slip("      - run: .venv/tox/bin/tox run -e deploy\n", "", "test.yaml"),
    Slip("suite: [unit, integration, e2e]", "suite: [unit]", "test.yaml"),
    Slip("  workflow_call:\n", "  workflow_call:\n  push:\n", "test.yaml"),
    Slip("    timeout-minutes: 45\n", "    continue-on-error: true\n", "test.yaml"),
    Slip("- name: Test\n", "- name: Test\n        if: github.ref != 'x'\n", "test.yaml"),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda each: each.__name__)
def test_a_rule(rule: Callable[[Texts], None]) -> None:
    rule(texts())


@pytest.mark.parametrize("slip", SLIPS, ids=lambda each: each.instead.strip())
def test_a_slip_breaks_a_rule(slip: Slip) -> None:
    files = texts()
    assert slip.text in files[slip.file]
    files[slip.file] = files[slip.file].replace(slip.text, slip.instead, 1)
    broken = []
    for rule in RULES:
        try:
            rule(files)
        except (AssertionError, LookupError):
            broken.append(rule.__name__)
    assert broken
