"""What would be in the cloud: its names, its tables, who may do what, and what nobody may."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import settings
from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE
from event_types.render import bigquery_table
from tests.terraform.conftest import (
    PROJECT,
    ROOT,
    Resource,
    Workspace,
    of_type,
    options,
    planned,
)

IAM = ("_iam_member", "_iam_binding", "_iam_policy")
PRIMITIVE_ROLES = {"roles/owner", "roles/editor", "roles/viewer"}
EVERYBODY = {"allUsers", "allAuthenticatedUsers"}
# All that a part of ours may do anywhere: its account, the kind of resource, the role.
GRANTS = {
    ("build", "google_artifact_registry_repository", "roles/artifactregistry.writer"),
    ("build", "google_project", "roles/logging.logWriter"),
    ("build", "google_storage_bucket", "roles/storage.objectViewer"),
    ("generator", "google_pubsub_topic", "roles/pubsub.publisher"),
    ("pipeline", "google_artifact_registry_repository", "roles/artifactregistry.reader"),
    ("pipeline", "google_bigquery_dataset", "roles/bigquery.dataEditor"),
    ("pipeline", "google_project", "roles/dataflow.developer"),
    ("pipeline", "google_project", "roles/dataflow.worker"),
    ("pipeline", "google_pubsub_subscription", "roles/pubsub.subscriber"),
    ("pipeline", "google_pubsub_subscription", "roles/pubsub.viewer"),
    ("pipeline", "google_service_account", "roles/iam.serviceAccountUser"),
    ("pipeline", "google_storage_bucket", "roles/storage.objectUser"),
    ("table-manager", "google_bigquery_dataset", "roles/bigquery.dataEditor"),
    ("trigger", "google_cloud_run_v2_service", "roles/run.invoker"),
    ("trigger", "google_project", "roles/eventarc.eventReceiver"),
}
COPY_GRANTS = {
    ("copy", "google_bigquery_dataset", "roles/bigquery.dataOwner"),
    ("copy", "google_bigquery_dataset", "roles/bigquery.dataViewer"),
    ("copy", "google_project", "roles/bigquery.jobUser"),
}
# Where each type of resource says its key; the events of prod are nowhere without.
KEYS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "google_artifact_registry_repository": lambda v: v["kms_key_name"],
    "google_bigquery_data_transfer_config": lambda v: v["encryption_configuration"][0][
        "kms_key_name"
    ],
    "google_bigquery_dataset": lambda v: v["default_encryption_configuration"][0]["kms_key_name"],
    "google_bigquery_table": lambda v: v["encryption_configuration"][0]["kms_key_name"],
    "google_cloud_run_v2_service": lambda v: v["template"][0]["encryption_key"],
    "google_cloudfunctions2_function": lambda v: v["kms_key_name"],
    "google_dataflow_flex_template_job": lambda v: v["kms_key_name"],
    "google_pubsub_topic": lambda v: v["kms_key_name"],
    "google_storage_bucket": lambda v: v["encryption"][0]["default_kms_key_name"],
}


def members(resources: list[Resource]) -> list[Resource]:
    return [each for each in resources if each.type.endswith(IAM)]


def named(resources: list[Resource], type_name: str, attribute: str = "name") -> set[str]:
    return {each.values[attribute] for each in of_type(resources, type_name)}


def test_names_of_record(environment: str, resources: list[Resource]) -> None:
    here = settings.load({"PROJECT_ID": PROJECT, "ENVIRONMENT": environment})
    copies = environment == "prod"
    assert named(resources, "google_pubsub_topic", "id") == {here.topic, here.dead_letter_topic}
    # Eventarc makes the table manager's.
    assert named(resources, "google_pubsub_subscription", "id") == {
        here.subscription,
        here.dead_letter_subscription,
    }
    assert named(resources, "google_cloud_run_v2_service") == {here.generator}
    assert named(resources, "google_cloudfunctions2_function") == {here.table_manager}
    assert named(resources, "google_dataflow_flex_template_job") == {here.job}
    assert named(resources, "google_bigquery_dataset", "dataset_id") == {
        here.dataset,
        *([f"{here.dataset}_copy"] if copies else []),
    }
    assert named(resources, "google_storage_bucket") == {
        here.bucket,
        here.template_bucket,
        *([f"{here.bucket}-copy"] if copies else []),
    }


def test_parts_are_told_where_they_are(environment: str, resources: list[Resource]) -> None:
    (generator,) = of_type(resources, "google_cloud_run_v2_service")
    told = generator.values["template"][0]["containers"][0]["env"]
    (function,) = of_type(resources, "google_cloudfunctions2_function")
    for environ in (
        {each["name"]: each["value"] for each in told},
        function.values["service_config"][0]["environment_variables"],
    ):
        here = settings.load(environ)
        assert (here.project_id, here.environment) == (PROJECT, environment)
        assert here.region == "us-central1"


def test_the_template_knows_the_jobs_parameters(resources: list[Resource]) -> None:
    (job,) = of_type(resources, "google_dataflow_flex_template_job")
    metadata = json.loads((ROOT / "docker/flex-template/metadata.json").read_text())
    known = {each["name"]: each for each in metadata["parameters"]}
    assert job.values["parameters"].keys() <= known.keys()
    required = {name for name, each in known.items() if not each.get("isOptional")}
    assert required <= job.values["parameters"].keys()


def test_tables_are_those_of_the_event_types(resources: list[Resource]) -> None:
    tables = {
        each.values["table_id"]: each.values for each in of_type(resources, "google_bigquery_table")
    }
    wanted = [*(each.layout for each in registry.ALL), DEAD_LETTER_TABLE]
    assert tables.keys() == {table.name for table in wanted}
    for table in wanted:
        found, described = tables[table.name], bigquery_table(table)
        assert json.loads(found["schema"]) == described["schema"]
        assert found["description"] == described["description"]
        assert found["clustering"] == described["cluster_by"]
        assert found["time_partitioning"][0]["type"] == "DAY"
        assert found["time_partitioning"][0]["field"] == described["partition_by"]


def test_every_subscription_has_a_dead_letter(resources: list[Resource]) -> None:
    dead_letter_topics = set()
    subscriptions = [each.values for each in of_type(resources, "google_pubsub_subscription")]
    for each in subscriptions:
        for policy in each["dead_letter_policy"]:
            dead_letter_topics.add(policy["dead_letter_topic"])
            assert policy["max_delivery_attempts"] == 5
    ends = [each for each in subscriptions if not each["dead_letter_policy"]]
    # Only what keeps a dead-letter topic's messages has none, and each such topic is kept.
    assert {each["topic"] for each in ends} == dead_letter_topics
    assert all(each["expiration_policy"][0]["ttl"] == "" for each in subscriptions)


def test_pubsub_may_move_messages_to_the_dead_letter(resources: list[Resource]) -> None:
    agents = [
        each
        for each in members(resources)
        if each.values["member"].endswith("@pubsub.googleapis.com")
    ]
    assert {(each.type, each.values["role"]) for each in agents} >= {
        ("google_pubsub_topic_iam_member", "roles/pubsub.publisher"),
        ("google_pubsub_subscription_iam_member", "roles/pubsub.subscriber"),
    }


def test_the_pipelines_subscription(resources: list[Resource]) -> None:
    subscriptions = of_type(resources, "google_pubsub_subscription")
    (events,) = (each.values for each in subscriptions if each.values["dead_letter_policy"])
    assert events["ack_deadline_seconds"] == 600
    assert events["retry_policy"][0] == {"minimum_backoff": "10s", "maximum_backoff": "300s"}


def test_no_public_address(resources: list[Resource]) -> None:
    (job,) = of_type(resources, "google_dataflow_flex_template_job")
    assert job.values["ip_configuration"] == "WORKER_IP_PRIVATE"
    (subnet,) = of_type(resources, "google_compute_subnetwork")
    assert subnet.values["private_ip_google_access"] is True
    types = {each.type for each in resources}
    assert not types & {
        "google_compute_address",
        "google_compute_router_nat",
        "google_compute_instance",
    }
    for each in of_type(resources, "google_compute_firewall"):
        assert not each.values["source_ranges"], each.address


def test_nothing_is_for_everybody(environment: str, resources: list[Resource]) -> None:
    for each in members(resources):
        assert each.values["member"] not in EVERYBODY, each.address
    for each in of_type(resources, "google_storage_bucket"):
        assert each.values["public_access_prevention"] == "enforced"
        assert each.values["uniform_bucket_level_access"] is True
        assert each.values["versioning"][0]["enabled"] is True
        assert each.values["lifecycle_rule"] or each.values["name"].endswith("-copy")
    (function,) = of_type(resources, "google_cloudfunctions2_function")
    assert function.values["service_config"][0]["ingress_settings"] == "ALLOW_INTERNAL_ONLY"
    (generator,) = of_type(resources, "google_cloud_run_v2_service")
    only_internal = generator.values["ingress"] == "INGRESS_TRAFFIC_INTERNAL_ONLY"
    assert only_internal is (environment == "prod")


def test_no_primitive_roles(resources: list[Resource]) -> None:
    roles = {each.values["role"] for each in members(resources)}
    assert roles
    assert not roles & PRIMITIVE_ROLES
    assert not any("legacyBucketOwner" in role or role.endswith(".serviceAgent") for role in roles)


def test_each_part_may_do_what_is_listed_and_no_more(
    environment: str, resources: list[Resource]
) -> None:
    accounts = {
        f"serviceAccount:{each.values['email']}": each.values["account_id"].removeprefix(
            f"{environment}-"
        )
        for each in of_type(resources, "google_service_account")
    }
    github = {"deployer", "planner"}
    granted = {
        (
            accounts[each.values["member"]],
            each.type.removesuffix("_iam_member"),
            each.values["role"],
        )
        for each in members(resources)
        if accounts.get(each.values["member"], "deployer") not in github
    }
    assert granted == (GRANTS | COPY_GRANTS if environment == "prod" else GRANTS)


def test_the_deployer_grants_only_what_stands_here(resources: list[Resource]) -> None:
    (grants,) = (
        each
        for each in members(resources)
        if each.values["role"] == "roles/resourcemanager.projectIamAdmin"
    )
    expression = grants.values["condition"][0]["expression"]
    allowed = set(json.loads(expression[expression.index("hasOnly(") + len("hasOnly(") : -1]))
    others = {
        each.values["role"]
        for each in of_type(resources, "google_project_iam_member")
        if each is not grants
    }
    assert allowed == others


def test_github_comes_in_by_subject(environment: str, resources: list[Resource]) -> None:
    (provider,) = of_type(resources, "google_iam_workload_identity_pool_provider")
    assert provider.values["attribute_condition"] == "assertion.repository == 'owner/name'"
    users = {
        each.values["service_account_id"].split("/")[-1].split("@")[0]: each.values["member"]
        for each in members(resources)
        if each.values["role"] == "roles/iam.workloadIdentityUser"
    }
    deployer, planner = users[f"{environment}-deployer"], users[f"{environment}-planner"]
    assert deployer.endswith(f"/subject/repo:owner/name:environment:{environment}")
    assert planner.endswith("/attribute.repository/owner/name")
    assert not [each for each in resources if each.type == "google_service_account_key"]


def test_prod_has_keys_of_its_own(deployed: Callable[[str], Workspace]) -> None:
    resources = planned(deployed("prod"))
    keys = named(resources, "google_kms_crypto_key", "id")
    assert len(keys) == 2
    for type_name, key in KEYS.items():
        for each in of_type(resources, type_name):
            assert key(each.values) in keys, each.address


def test_a_key_lies_where_its_data_lies(deployed: Callable[[str], Workspace]) -> None:
    for each in planned(deployed("prod")):
        if each.type in KEYS and "location" in each.values:
            assert f"/locations/{each.values['location']}/" in KEYS[each.type](each.values)


def test_prod_has_copies_elsewhere(deployed: Callable[[str], Workspace]) -> None:
    resources = planned(deployed("prod"))
    for type_name in ("google_storage_bucket", "google_bigquery_dataset"):
        places = {each.values["location"] for each in of_type(resources, type_name)}
        assert places == {"us-central1", "us-east1"}
    (transfer,) = of_type(resources, "google_storage_transfer_job")
    spec = transfer.values["transfer_spec"][0]
    assert spec["gcs_data_source"][0]["bucket_name"] == "test-project-prod-raw-events"
    assert spec["gcs_data_sink"][0]["bucket_name"] == "test-project-prod-raw-events-copy"
    assert not spec["transfer_options"][0]["delete_objects_unique_in_sink"]
    (copy,) = of_type(resources, "google_bigquery_data_transfer_config")
    assert copy.values["destination_dataset_id"] == "prod_events_dataset_copy"
    assert copy.values["params"]["source_dataset_id"] == "prod_events_dataset"


def test_prod_is_protected_and_larger(deployed: Callable[[str], Workspace]) -> None:
    prod, dev = planned(deployed("prod")), planned(deployed("dev"))
    for each in prod:
        for protection, safe in (
            ("deletion_protection", True),
            ("delete_contents_on_destroy", False),
            ("force_destroy", False),
        ):
            if (
                protection in each.values
                and each.values.get("name") != "test-project-prod-dataflow-templates"
            ):
                assert each.values[protection] is safe, each.address
    (large,), (small,) = (
        of_type(each, "google_dataflow_flex_template_job") for each in (prod, dev)
    )
    assert large.values["max_workers"] > small.values["max_workers"]
    assert large.values["machine_type"] != small.values["machine_type"]


def test_the_tables_are_the_functions_by_default(deployed: Callable[[str], Workspace]) -> None:
    made = deployed("dev")
    said = made.run("plan", *options("dev"))
    assert "Plan: 0 to add, 0 to change, 3 to destroy." in said
