"""terraform/ by Terraform's own judgement: form, schema, its tests, and a whole life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.terraform.conftest import ENVIRONMENTS, JOB, Workspace, options
from tests.terraform.provider import install

OLDEST, NEWEST = install.VERSIONS
ALL_TYPES = '["order","inventory","user_activity"]'


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


def test_a_new_release_drains_the_job_and_updates_the_services(
    workspace: Callable[[str], Workspace],
) -> None:
    made = workspace(NEWEST)
    made.apply("dev")
    changed = actions(made.plan("dev", release="v2"))
    assert changed[JOB] == ["delete", "create"]
    assert changed["google_cloud_run_v2_service.generator[0]"] == ["update"]
    assert changed["google_cloudfunctions2_function.table_manager[0]"] == ["update"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("window_seconds", "30"),
        ("dataflow_max_workers", "5"),
        ("dataflow_num_workers", "2"),
        ("dataflow_machine_type", "n2-standard-4"),
        ("zone", "us-central1-a"),
        ("schema_contract", "freeze"),
        ("sink", "storage_write"),
        ("file_shards", "8"),
        ("at_least_once", "true"),
    ],
)
def test_what_the_job_is_launched_with_drains_it(
    option: str, value: str, deployed: Callable[[str], Workspace]
) -> None:
    """The provider itself would update it in place, and launch it without what it can't read."""
    changed = actions(deployed("dev").plan("dev", manage_tables="true", **{option: value}))
    changed.pop("google_compute_subnetwork.pipeline", None)
    if option == "schema_contract":  # the table manager's too
        assert changed.pop("google_cloudfunctions2_function.table_manager[0]") == ["update"]
    assert changed == {JOB: ["delete", "create"], "terraform_data.drained_for": ["update"]}


def test_an_endpoint_for_spans_reaches_every_part(
    deployed: Callable[[str], Workspace],
) -> None:
    """What a part is told is what its code reads; Google's receiver wants a role besides."""
    google = "https://telemetry.googleapis.com"
    found = deployed("dev").plan(
        "dev", manage_tables="true", otlp_endpoint=google, trace_ratio="0.1"
    )
    changed = actions(found)
    changed.pop("google_compute_subnetwork.pipeline", None)
    roles = [
        f'google_project_iam_member.parts["{part} roles/telemetry.tracesWriter"]'
        for part in ("generator", "pipeline", "table-manager")
    ]
    apis = [f'google_project_service.apis["{name}"]' for name in ("cloudtrace", "telemetry")]
    assert {name for name, how in changed.items() if how == ["create"]} == {*roles, *apis}
    assert changed[JOB] == ["delete", "create"]
    assert changed["google_cloud_run_v2_service.generator[0]"] == ["update"]
    assert changed["google_cloudfunctions2_function.table_manager[0]"] == ["update"]


def test_a_project_that_nothing_is_switched_on_in(workspace: Callable[[str], Workspace]) -> None:
    """Each refusal of a first apply: services that are off, accounts and grants to come."""
    made = workspace(NEWEST)
    assert "Apply complete!" in made.apply("prod", project_id="a-fresh-project", release="")
    assert "Apply complete!" in made.apply("prod", project_id="a-fresh-project")


def test_keys_and_pools_outlive_a_destroy_and_are_taken_over(
    workspace: Callable[[str], Workspace],
) -> None:
    made = workspace(NEWEST)
    made.apply("prod", deletion_protection="false", release="")
    given = options("prod", deletion_protection="false", release="")
    made.run("destroy", "-auto-approve", *given)
    said = made.run("apply", "-auto-approve", *given, code=1)
    assert "keyRings/prod-realtime-pipeline already exists, and is ACTIVE" in said
    assert "workloadIdentityPools/prod-github already exists, and is DELETED" in said
    for kind in ("", "_provider"):  # as scripts/restore.sh does
        made.cloud().relearn(f"google_iam_workload_identity_pool{kind}", "ACTIVE")
    adopting = options("prod", release="", adopt="{keys = true, github = true}")
    said = made.run("apply", "-auto-approve", *adopting)
    assert "Apply complete! Resources: 6 imported" in said
    made.run("plan", "-detailed-exitcode", *options("prod", release=""))


def test_tables_that_the_function_made_are_taken_over(
    workspace: Callable[[str], Workspace],
) -> None:
    made = workspace(NEWEST)
    made.apply("dev", manage_tables="true")
    # The function makes just these, by the same event_types/; Terraform only does not know of them.
    listed = made.run("state", "list").splitlines()
    tables = [each for each in listed if each.startswith("google_bigquery_table.tables[")]
    made.run("state", "rm", *(each for each in tables if "dead_letter" not in each))
    plan = made.plan("dev", manage_tables="true", import_tables=ALL_TYPES)
    imported = [
        each["change"]["importing"]["id"]
        for each in plan["resource_changes"]
        if "importing" in each["change"]
    ]
    tables = [
        f"projects/test-project/datasets/dev_events_dataset/tables/{name}"
        for name in ("inventory", "orders", "user_activity")
    ]
    assert sorted(imported) == tables
    assert actions(plan) == {}


def test_a_table_of_two_makers_must_be_named(workspace: Callable[[str], Workspace]) -> None:
    said = workspace(NEWEST).run("plan", *options("dev", import_tables=ALL_TYPES), code=1)
    assert "import_tables needs manage_tables = true." in said
