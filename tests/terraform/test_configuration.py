"""terraform/ by Terraform's own judgement: form, schema, its tests, and a whole life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.terraform.conftest import ENVIRONMENTS, Workspace, options
from tests.terraform.provider import install

OLDEST, NEWEST = install.VERSIONS
ALL_TYPES = '["order","inventory","user_activity"]'
JOB = "google_dataflow_flex_template_job.pipeline[0]"


def actions(plan: dict[str, Any]) -> dict[str, list[str]]:
    """What a plan does to each resource that it does not leave alone."""
    return {
        each["address"]: each["change"]["actions"]
        for each in plan["resource_changes"]
        if each["change"]["actions"] not in (["no-op"], ["read"])
    }


def test_form_and_schema(each_version: str, workspace: Callable[[str], Workspace]) -> None:
    made = workspace(each_version)  # whose `init` has compared the version with the constraint
    assert made.run("fmt", "-check", "-recursive", "-diff") == ""
    assert "The configuration is valid" in made.run("validate")


def test_terraforms_own_tests(workspace: Callable[[str], Workspace]) -> None:
    assert ", 0 failed." in workspace(NEWEST).run("test")


@pytest.mark.parametrize(
    ("environment", "version"), [*((each, NEWEST) for each in ENVIRONMENTS), ("prod", OLDEST)]
)
def test_apply_then_nothing_to_do_then_destroy(
    environment: str, version: str, workspace: Callable[[str], Workspace]
) -> None:
    made = workspace(version)
    assert "Apply complete!" in made.apply(environment)
    given = options(environment, deletion_protection="false")
    made.run("plan", "-detailed-exitcode", *options(environment))
    assert "0 destroyed" in made.run("apply", "-auto-approve", *given)
    assert "Destroy complete!" in made.run("destroy", "-auto-approve", *given)
    assert made.run("state", "list") == ""


def test_the_first_apply_needs_no_release(workspace: Callable[[str], Workspace]) -> None:
    made = workspace(NEWEST)
    said = made.apply("dev", release="")
    assert "google_artifact_registry_repository.images: Creation complete" in said
    assert "google_cloud_run_v2_service.generator" not in said
    added = actions(made.plan("dev"))
    assert added.pop("terraform_data.drained_for") == ["update"]
    assert set(map(tuple, added.values())) == {("create",)}
    assert {JOB, "google_cloud_run_v2_service.generator[0]"} <= added.keys()
    assert "google_cloudfunctions2_function.table_manager[0]" in added


@pytest.mark.parametrize(
    ("update", "expected"), [("drain", ["delete", "create"]), ("in_place", ["update"])]
)
def test_a_new_release_meets_the_running_job(
    update: str, expected: list[str], workspace: Callable[[str], Workspace]
) -> None:
    made = workspace(NEWEST)
    made.apply("dev", dataflow_update=update)
    changed = actions(made.plan("dev", dataflow_update=update, release="v2"))
    assert changed[JOB] == expected
    assert changed["google_cloud_run_v2_service.generator[0]"] == ["update"]


def test_new_options_drain_the_job_and_more_workers_do_not(
    workspace: Callable[[str], Workspace],
) -> None:
    made = workspace(NEWEST)
    made.apply("dev")
    assert actions(made.plan("dev", window_seconds="30"))[JOB] == ["delete", "create"]
    assert actions(made.plan("dev", dataflow_max_workers="5")) == {JOB: ["update"]}


def test_tables_that_the_function_made_are_taken_over(
    workspace: Callable[[str], Workspace],
) -> None:
    made = workspace(NEWEST)
    made.apply("dev")
    plan = made.plan("dev", manage_tables="true", import_tables=ALL_TYPES)
    imported = [
        each["change"]["importing"]["id"]
        for each in plan["resource_changes"]
        if "importing" in each["change"]
    ]
    tables = "projects/test-project/datasets/dev_events_dataset/tables/"
    assert sorted(imported) == [
        f"{tables}{name}" for name in ("inventory", "orders", "user_activity")
    ]
    # What the provider without a cloud can't read is set; nothing is made or made anew.
    assert set(map(tuple, actions(plan).values())) == {("update",)}


def test_a_table_of_two_makers_must_be_named(workspace: Callable[[str], Workspace]) -> None:
    said = workspace(NEWEST).run("plan", *options("dev", import_tables=ALL_TYPES), code=1)
    assert "import_tables needs manage_tables = true." in said
