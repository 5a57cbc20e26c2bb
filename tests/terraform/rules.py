"""What must hold in any plan, of any environment; each rule says what by its name.

A rule takes a plan and raises AssertionError where it is broken. tests/terraform/inventories/ has
besides how each environment is today, and test_slips.py how many slips each of the two catches.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from string import Template
from typing import Any

import settings
from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE
from event_types.render import bigquery_table
from tests.terraform.metrics import ALIGNERS, METRICS, RESOURCE_LABELS, Metric
from tests.terraform.plans import PROJECT, ROOT, Plan, Resource, of_type

IAM = ("_iam_member", "_iam_binding", "_iam_policy")
PRIMITIVE_ROLES = {"roles/owner", "roles/editor", "roles/viewer"}
EVERYBODY = {"allUsers", "allAuthenticatedUsers"}
# All that a part of ours may do anywhere: its account, the kind of resource, the role.
GRANTS = {
    ("build", "google_artifact_registry_repository", "roles/artifactregistry.writer"),
    ("build", "google_project", "roles/logging.logWriter"),
    ("build", "google_project", "roles/storage.objectViewer"),
    ("build", "google_storage_bucket", "roles/storage.objectViewer"),
    ("generator", "google_pubsub_topic", "roles/pubsub.publisher"),
    ("pipeline", "google_artifact_registry_repository", "roles/artifactregistry.reader"),
    ("pipeline", "google_bigquery_dataset", "roles/bigquery.dataEditor"),
    ("pipeline", "google_project", "roles/dataflow.developer"),
    ("pipeline", "google_project", "roles/dataflow.worker"),
    ("pipeline", "google_pubsub_subscription", "roles/pubsub.subscriber"),
    ("pipeline", "google_pubsub_subscription", "roles/pubsub.viewer"),
    ("pipeline", "google_pubsub_topic", "roles/pubsub.publisher"),
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
LABELS = {"app": "realtime-pipeline", "managed_by": "terraform"}
REGIONS = ("us-central1", "us-east1")
DAY = 86400


def members(resources: list[Resource]) -> list[Resource]:
    return [each for each in resources if each.type.endswith(IAM)]


def named(resources: list[Resource], type_name: str, attribute: str = "name") -> set[str]:
    return {each.values[attribute] for each in of_type(resources, type_name)}


def known(name: str, made: set[str]) -> Metric:
    """A metric of Google's, or one that Terraform makes of log lines."""
    prefix = "logging.googleapis.com/user/"
    if name.removeprefix(prefix) in made:
        return Metric("DELTA", "bigquery_project")
    return METRICS[name]


def check(filter_text: str, aligner: str, made: set[str]) -> None:
    """Fails for a metric, a resource, a label or an aligner that does not go with the rest."""
    terms = dict(re.findall(r'([\w.]+) ?= ?(?:monitoring\.\w+\.\w+\()?"([^"]*)"', filter_text))
    metric = known(terms.pop("metric.type"), made)
    assert terms.pop("resource.type") == metric.resource, filter_text
    assert aligner in ALIGNERS[metric.kind], filter_text
    for term in terms:
        owner, _, label = term.rpartition(".")
        labels = (
            RESOURCE_LABELS[metric.resource] if owner.startswith("resource.") else metric.labels
        )
        assert label in labels, f"{term} in {filter_text}"


def log_metrics(resources: list[Resource]) -> set[str]:
    return {each.values["name"] for each in of_type(resources, "google_logging_metric")}


def conditions(resources: list[Resource]) -> Iterator[dict[str, Any]]:
    for policy in of_type(resources, "google_monitoring_alert_policy"):
        yield from policy.values["conditions"]


def charts(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for tile in dashboard["mosaicLayout"]["tiles"]:
        yield from tile["widget"]["xyChart"]["dataSets"]


def dashboard_of(resources: list[Resource]) -> dict[str, Any]:
    (found,) = of_type(resources, "google_monitoring_dashboard")
    document: dict[str, Any] = json.loads(found.values["dashboard_json"])
    return document


def names_of_record(plan: Plan) -> None:
    here = settings.load({"PROJECT_ID": PROJECT, "ENVIRONMENT": plan.environment})
    copies = plan.environment == "prod"
    assert named(plan.resources, "google_pubsub_topic", "id") == {
        here.topic,
        here.table_requests_topic,
        here.dead_letter_topic,
    }
    # Eventarc makes the table manager's.
    assert named(plan.resources, "google_pubsub_subscription", "id") == {
        here.subscription,
        here.dead_letter_subscription,
    }
    assert named(plan.resources, "google_cloud_run_v2_service") == {here.generator}
    assert named(plan.resources, "google_cloudfunctions2_function") == {here.table_manager}
    assert named(plan.resources, "google_dataflow_flex_template_job") == {here.job}
    assert named(plan.resources, "google_bigquery_dataset", "dataset_id") == {
        here.dataset,
        *([f"{here.dataset}_copy"] if copies else []),
    }
    assert named(plan.resources, "google_storage_bucket") == {
        here.bucket,
        here.template_bucket,
        *([f"{here.bucket}-copy"] if copies else []),
    }


def parts_are_told_where_they_are(plan: Plan) -> None:
    (generator,) = of_type(plan.resources, "google_cloud_run_v2_service")
    told = generator.values["template"][0]["containers"][0]["env"]
    (function,) = of_type(plan.resources, "google_cloudfunctions2_function")
    for environ in (
        {each["name"]: each["value"] for each in told},
        function.values["service_config"][0]["environment_variables"],
    ):
        here = settings.load(environ)
        assert (here.project_id, here.environment) == (PROJECT, plan.environment)
        assert here.region == "us-central1"
        assert here.allow_hosts == {"*"}
    # Else rows would wait for columns that nobody adds, or not wait for those that come.
    job = plan.one("google_dataflow_flex_template_job")
    assert job["parameters"]["schema_contract"] == here.schema_contract


def the_template_knows_the_jobs_parameters(plan: Plan) -> None:
    (job,) = of_type(plan.resources, "google_dataflow_flex_template_job")
    metadata = json.loads((ROOT / "docker/flex-template/metadata.json").read_text())
    known = {each["name"]: each for each in metadata["parameters"]}
    assert job.values["parameters"].keys() <= known.keys()
    required = {name for name, each in known.items() if not each.get("isOptional")}
    assert required <= job.values["parameters"].keys()


def tables_are_those_of_the_event_types(plan: Plan) -> None:
    tables = {
        each.values["table_id"]: each.values
        for each in of_type(plan.resources, "google_bigquery_table")
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


def every_subscription_has_a_dead_letter(plan: Plan) -> None:
    dead_letter_topics = set()
    subscriptions = [each.values for each in of_type(plan.resources, "google_pubsub_subscription")]
    for each in subscriptions:
        for policy in each["dead_letter_policy"]:
            dead_letter_topics.add(policy["dead_letter_topic"])
            assert policy["max_delivery_attempts"] == 5
    ends = [each for each in subscriptions if not each["dead_letter_policy"]]
    # Only what keeps a dead-letter topic's messages has none, and each such topic is kept.
    assert {each["topic"] for each in ends} == dead_letter_topics
    assert all(each["expiration_policy"][0]["ttl"] == "" for each in subscriptions)


def pubsub_may_move_messages_to_the_dead_letter(plan: Plan) -> None:
    agents = [
        each
        for each in members(plan.resources)
        if each.values["member"].endswith("@gcp-sa-pubsub.iam.gserviceaccount.com")
    ]
    assert {(each.type, each.values["role"]) for each in agents} >= {
        ("google_pubsub_topic_iam_member", "roles/pubsub.publisher"),
        ("google_pubsub_subscription_iam_member", "roles/pubsub.subscriber"),
    }


def the_pipelines_subscription(plan: Plan) -> None:
    subscriptions = of_type(plan.resources, "google_pubsub_subscription")
    (events,) = (each.values for each in subscriptions if each.values["dead_letter_policy"])
    assert events["ack_deadline_seconds"] == 600
    assert events["retry_policy"][0] == {"minimum_backoff": "10s", "maximum_backoff": "300s"}


def no_public_address(plan: Plan) -> None:
    (job,) = of_type(plan.resources, "google_dataflow_flex_template_job")
    assert job.values["ip_configuration"] == "WORKER_IP_PRIVATE"
    (subnet,) = of_type(plan.resources, "google_compute_subnetwork")
    assert subnet.values["private_ip_google_access"] is True
    types = {each.type for each in plan.resources}
    assert not types & {
        "google_compute_address",
        "google_compute_router_nat",
        "google_compute_instance",
    }
    for each in of_type(plan.resources, "google_compute_firewall"):
        assert not each.values["source_ranges"], each.address


def nothing_is_for_everybody(plan: Plan) -> None:
    for each in members(plan.resources):
        assert each.values["member"] not in EVERYBODY, each.address
    for each in of_type(plan.resources, "google_storage_bucket"):
        assert each.values["public_access_prevention"] == "enforced"
        assert each.values["uniform_bucket_level_access"] is True
        assert each.values["versioning"][0]["enabled"] is True
        assert each.values["lifecycle_rule"] or each.values["name"].endswith("-copy")
    (function,) = of_type(plan.resources, "google_cloudfunctions2_function")
    assert function.values["service_config"][0]["ingress_settings"] == "ALLOW_INTERNAL_ONLY"
    (generator,) = of_type(plan.resources, "google_cloud_run_v2_service")
    only_internal = generator.values["ingress"] == "INGRESS_TRAFFIC_INTERNAL_ONLY"
    assert only_internal is (plan.environment == "prod")


def no_primitive_roles(plan: Plan) -> None:
    roles = {each.values["role"] for each in members(plan.resources)}
    assert roles
    assert not roles & PRIMITIVE_ROLES
    assert not any("legacyBucketOwner" in role for role in roles)
    for each in members(plan.resources):
        if each.values["role"].endswith(".serviceAgent"):
            assert each.address.startswith("google_project_iam_member.agents["), each.address


def each_part_may_do_what_is_listed_and_no_more(plan: Plan) -> None:
    accounts = {
        f"serviceAccount:{each.values['email']}": each.values["account_id"].removeprefix(
            f"{plan.environment}-"
        )
        for each in of_type(plan.resources, "google_service_account")
    }
    github = {"deployer", "planner"}
    granted = {
        (
            accounts[each.values["member"]],
            each.type.removesuffix("_iam_member"),
            each.values["role"],
        )
        for each in members(plan.resources)
        if accounts.get(each.values["member"], "deployer") not in github
    }
    assert granted == (GRANTS | COPY_GRANTS if plan.environment == "prod" else GRANTS)


def the_deployer_grants_only_what_stands_here(plan: Plan) -> None:
    (grants,) = (
        each
        for each in members(plan.resources)
        if each.values["role"] == "roles/resourcemanager.projectIamAdmin"
    )
    expression = grants.values["condition"][0]["expression"]
    allowed = set(json.loads(expression[expression.index("hasOnly(") + len("hasOnly(") : -1]))
    others = {
        each.values["role"]
        for each in of_type(plan.resources, "google_project_iam_member")
        if each is not grants
    }
    assert allowed == others


def github_comes_in_by_subject(plan: Plan) -> None:
    (provider,) = of_type(plan.resources, "google_iam_workload_identity_pool_provider")
    assert provider.values["attribute_condition"] == "assertion.repository == 'owner/name'"
    users = {
        each.values["service_account_id"].split("/")[-1].split("@")[0]: each.values["member"]
        for each in members(plan.resources)
        if each.values["role"] == "roles/iam.workloadIdentityUser"
    }
    deployer, planner = users[f"{plan.environment}-deployer"], users[f"{plan.environment}-planner"]
    assert deployer.endswith(f"/subject/repo:owner/name:environment:{plan.environment}")
    assert planner.endswith("/attribute.repository/owner/name")
    assert not [each for each in plan.resources if each.type == "google_service_account_key"]


def prod_has_keys_of_its_own(plan: Plan) -> None:
    if plan.environment != "prod":
        return
    keys = named(plan.resources, "google_kms_crypto_key", "id")
    assert len(keys) == 2
    for type_name, key in KEYS.items():
        for each in of_type(plan.resources, type_name):
            assert key(each.values) in keys, each.address


def a_key_lies_where_its_data_lies(plan: Plan) -> None:
    if plan.environment != "prod":
        return
    for each in plan.resources:
        if each.type in KEYS and "location" in each.values:
            assert f"/locations/{each.values['location']}/" in KEYS[each.type](each.values)


def prod_has_copies_elsewhere(plan: Plan) -> None:
    if plan.environment != "prod":
        return
    for type_name in ("google_storage_bucket", "google_bigquery_dataset"):
        places = {each.values["location"] for each in of_type(plan.resources, type_name)}
        assert places == {"us-central1", "us-east1"}
    (transfer,) = of_type(plan.resources, "google_storage_transfer_job")
    spec = transfer.values["transfer_spec"][0]
    assert spec["gcs_data_source"][0]["bucket_name"] == "test-project-prod-raw-events"
    assert spec["gcs_data_sink"][0]["bucket_name"] == "test-project-prod-raw-events-copy"
    assert not spec["transfer_options"][0]["delete_objects_unique_in_sink"]
    (copy,) = of_type(plan.resources, "google_bigquery_data_transfer_config")
    assert copy.values["destination_dataset_id"] == "prod_events_dataset_copy"
    assert copy.values["params"]["source_dataset_id"] == "prod_events_dataset"


def charts_ask_for_what_there_is(plan: Plan) -> None:
    made = log_metrics(plan.resources)
    for each in charts(dashboard_of(plan.resources)):
        asked = each["timeSeriesQuery"]["timeSeriesFilter"]
        check(asked["filter"], asked["aggregation"]["perSeriesAligner"], made)


def names_in_filters_are_those_of_record(plan: Plan) -> None:
    here = settings.load({"PROJECT_ID": PROJECT, "ENVIRONMENT": plan.environment})
    names = {
        *(here.topic.split("/")[-1], here.subscription.split("/")[-1]),
        *(here.dead_letter_subscription.split("/")[-1], here.job, here.generator),
        *(here.table_manager, here.bucket, here.dataset),
    }
    texts = [
        *(
            each["condition_threshold"][0]["filter"]
            for each in conditions(plan.resources)
            if each["condition_threshold"]
        ),
        *(
            each["timeSeriesQuery"]["timeSeriesFilter"]["filter"]
            for each in charts(dashboard_of(plan.resources))
        ),
    ]
    for text in texts:
        for value in re.findall(r'resource\.labels?\.\w+ ?= ?"([^"]*)"', text):
            assert value in names, text


def every_alert_reaches_the_address_and_says_what_to_do(plan: Plan) -> None:
    (channel,) = of_type(plan.resources, "google_monitoring_notification_channel")
    assert channel.values["labels"]["email_address"] == "somebody@example.com"
    for policy in of_type(plan.resources, "google_monitoring_alert_policy"):
        assert len(policy.values["notification_channels"]) == 1
        assert len(policy.values["documentation"][0]["content"]) > 40


def subscriptions_keep_everything_for_a_week_and_never_end(plan: Plan) -> None:
    for each in of_type(plan.resources, "google_pubsub_subscription"):
        kept = int(each.values["message_retention_duration"].removesuffix("s"))
        assert kept >= 7 * DAY, each.address
        assert each.values["expiration_policy"][0]["ttl"] == "", each.address
        assert not each.values["filter"], each.address
        assert not each.values["push_config"], each.address
    dead = plan.at("google_pubsub_subscription.dead_letter")
    assert dead["message_retention_duration"] == f"{31 * DAY}s"


def raw_files_are_kept_as_long_as_said(plan: Plan) -> None:
    days = {"dev": 30, "staging": 90, "prod": None}[plan.environment]
    for bucket in of_type(plan.resources, "google_storage_bucket"):
        ages = [
            rule["condition"][0]["age"]
            for rule in bucket.values["lifecycle_rule"]
            if rule["action"][0]["type"] == "Delete" and rule["condition"][0]["age"]
        ]
        raw = bucket.address == "google_storage_bucket.raw_events"
        assert ages == ([days] if raw and days else []), bucket.address
        for rule in bucket.values["lifecycle_rule"]:
            noncurrent = rule["condition"][0]["days_since_noncurrent_time"]
            assert not noncurrent or noncurrent >= 30, bucket.address


def alerts_are_those_of_the_file(plan: Plan) -> None:
    """Each compares upwards, with its own limit, for its own time, and is on."""
    here = settings.load({"PROJECT_ID": PROJECT, "ENVIRONMENT": plan.environment})
    # The local stack reads the file like this: Terraform's ${name} is string.Template's as well.
    text = Template((ROOT / "terraform/monitoring/alerts.json").read_text()).substitute(
        subscription=here.subscription.split("/")[-1],
        dead_letter_subscription=here.dead_letter_subscription.split("/")[-1],
        job=here.job,
        generator=here.generator,
        table_manager=here.table_manager,
        failed_jobs_metric=f"{plan.environment}_bigquery_failed_jobs",
    )
    rules = {f"{plan.environment}: {each['title']}": each for each in json.loads(text).values()}
    policies = of_type(plan.resources, "google_monitoring_alert_policy")
    assert rules.keys() == {each.values["display_name"] for each in policies}
    made = log_metrics(plan.resources)
    for policy in policies:
        rule = rules[policy.values["display_name"]]
        assert policy.values["enabled"] is not False, policy.address
        assert policy.values["severity"] == rule["severity"], policy.address
        (condition,) = policy.values["conditions"]
        if "query" in rule:
            (asked,) = condition["condition_prometheus_query_language"]
            assert asked["query"] == rule["query"], policy.address
            assert asked["query"].endswith(f"> {rule['above']}"), policy.address
            assert asked["disable_metric_validation"] is True, policy.address
        else:
            (asked,) = condition["condition_threshold"]
            assert asked["comparison"] == "COMPARISON_GT", policy.address
            assert asked["threshold_value"] == rule["above"], policy.address
            (how,) = asked["aggregations"]
            assert how["alignment_period"] == "60s", policy.address
            assert how["per_series_aligner"] == rule["aligner"], policy.address
            assert how["cross_series_reducer"] == rule["reducer"], policy.address
            check(asked["filter"], how["per_series_aligner"], made)
            for label, value in {"metric.type": rule["metric"], **rule["labels"]}.items():
                assert f'{label} = "{value}"' in asked["filter"], policy.address
        assert asked["duration"] == f"{rule['for_seconds']}s", policy.address


def no_threshold_waits_for_a_metric_that_this_apply_makes(plan: Plan) -> None:
    """Such a policy is refused for up to ten minutes (terraform-provider-google #11102)."""
    for each in conditions(plan.resources):
        for asked in each["condition_threshold"]:
            assert "logging.googleapis.com/user/" not in asked["filter"]


def everything_is_labelled(plan: Plan) -> None:
    wanted = {**LABELS, "environment": plan.environment}
    for each in plan.resources:
        if "effective_labels" in each.values:
            assert wanted.items() <= (each.values["effective_labels"] or {}).items(), each.address


def everything_lies_in_its_region(plan: Plan) -> None:
    home, copies = REGIONS
    for each in plan.resources:
        copy = each.address.split("[")[0].endswith(("_copy", "data_transfer_config.events"))
        keys = each.address.startswith("google_kms_")
        for name in ("location", "region"):
            place = each.values.get(name)
            if place is not None and not keys:
                assert place == (copies if copy else home), each.address


def images_are_a_release_s(plan: Plan) -> None:
    (container,) = plan.one("google_cloud_run_v2_service")["template"][0]["containers"]
    job = plan.one("google_dataflow_flex_template_job")
    for image in (container["image"], job["sdk_container_image"]):
        assert image.endswith(":v1"), image
    assert job["container_spec_gcs_path"].endswith("-v1.json")
    (source,) = plan.one("google_cloudfunctions2_function")["build_config"][0]["source"]
    assert source["storage_source"][0]["object"].endswith("-v1.zip")


def the_job_drains_and_scales(plan: Plan) -> None:
    job = plan.one("google_dataflow_flex_template_job")
    assert job["on_delete"] == "drain"
    assert job["skip_wait_on_job_termination"] is False
    assert job["enable_streaming_engine"] is True
    assert job["autoscaling_algorithm"] == "THROUGHPUT_BASED"
    assert job["service_account_email"].startswith(f"{plan.environment}-pipeline@")
    assert job["max_workers"] >= job["num_workers"] >= 1
    ours = plan.at("google_storage_bucket.templates")["name"]
    assert job["staging_location"] == f"gs://{ours}/staging"
    assert job["temp_location"] == f"gs://{ours}/temp"


def the_function_is_retried_and_closed(plan: Plan) -> None:
    function = plan.one("google_cloudfunctions2_function")
    (trigger,) = function["event_trigger"]
    assert trigger["retry_policy"] == "RETRY_POLICY_RETRY"
    assert trigger["event_type"] == "google.cloud.pubsub.topic.v1.messagePublished"
    assert trigger["pubsub_topic"] == plan.at("google_pubsub_topic.table_requests")["id"]
    assert trigger["service_account_email"].startswith(f"{plan.environment}-trigger@")
    (service,) = function["service_config"]
    assert service["service_account_email"].startswith(f"{plan.environment}-table-manager@")


def a_function_s_build_can_read_and_push(plan: Plan) -> None:
    (build,) = plan.one("google_cloudfunctions2_function")["build_config"]
    functions = plan.at("google_artifact_registry_repository.functions")
    images = plan.at("google_artifact_registry_repository.images")
    assert build["docker_repository"] == functions["id"]
    assert not any(each["immutable_tags"] for each in functions["docker_config"])
    assert [each["immutable_tags"] for each in images["docker_config"]] == [True]
    (sources,) = (
        each.values
        for each in members(plan.resources)
        if each.address == "google_project_iam_member.function_sources"
    )
    assert sources["role"] == "roles/storage.objectViewer"
    assert sources["condition"][0]["expression"] == (
        "resource.name.startsWith('projects/_/buckets/gcf-v2-sources-123456789012-us-central1')"
    )


def clean_up_policies_can_act(plan: Plan) -> None:
    """None that only dreams, and none for images whose tags can't be taken off."""
    for each in of_type(plan.resources, "google_artifact_registry_repository"):
        assert not each.values["cleanup_policy_dry_run"], each.address
        deleting = [p for p in each.values["cleanup_policies"] if p["action"] == "DELETE"]
        assert deleting, each.address
        immutable = any(config["immutable_tags"] for config in each.values["docker_config"])
        for policy in deleting:
            (condition,) = policy["condition"]
            assert int(condition["older_than"].removesuffix("s")) >= 7 * DAY, each.address
            assert not immutable or condition["tag_state"] == "UNTAGGED", each.address


def google_s_agents_have_their_roles(plan: Plan) -> None:
    granted = {
        (each.values["member"], each.values["role"])
        for each in of_type(plan.resources, "google_project_iam_member")
    }
    for each in of_type(plan.resources, "google_project_service_identity"):
        service = each.values["service"].removesuffix(".googleapis.com")
        assert (each.values["member"], f"roles/{service}.serviceAgent") in granted, each.address
    assert 'google_project_service_identity.agents["eventarc"]' in {
        each.address for each in plan.resources
    }


def nothing_of_cloud_run_holds_the_network(plan: Plan) -> None:
    """Its addresses stay for hours after it is gone, and the subnetwork with them."""
    template = plan.one("google_cloud_run_v2_service")["template"][0]
    assert not template["vpc_access"]


def what_has_to_come_first_is_said(plan: Plan) -> None:
    for address, block in plan.blocks.items():
        wanted = set(COMES_FIRST.get(address, ()))
        if block["mode"] == "data":
            wanted.add("google_project_service.apis")
        keyed = block["type"] in KEYS and block["type"] != "google_bigquery_table"
        if keyed and block["type"] != "google_bigquery_data_transfer_config":
            wanted.add("google_kms_crypto_key_iam_member.agents")
        assert wanted <= set(block.get("depends_on", [])), address


def prod_is_protected(plan: Plan) -> None:
    safe = plan.environment == "prod"
    for each in plan.resources:
        if each.address == "google_storage_bucket.templates":
            continue
        if each.values.get("deletion_protection") is not None and each.type in PROTECTED:
            assert each.values["deletion_protection"] is safe, each.address
        for flag in ("delete_contents_on_destroy", "force_destroy"):
            if each.values.get(flag) is not None:
                assert each.values[flag] is not safe, each.address


def keys_turn_and_wait(plan: Plan) -> None:
    if plan.environment != "prod":
        return
    for each in of_type(plan.resources, "google_kms_crypto_key"):
        assert int(each.values["rotation_period"].removesuffix("s")) <= 90 * DAY, each.address
        assert each.values["destroy_scheduled_duration"] == f"{30 * DAY}s", each.address


def services_stay_on(plan: Plan) -> None:
    for each in of_type(plan.resources, "google_project_service"):
        assert each.values["disable_on_destroy"] is False, each.address


def the_log_metric_counts_failures(plan: Plan) -> None:
    metric = plan.one("google_logging_metric")
    for wanted in ('jobState="DONE"', "errorResult:*", f"{plan.environment}_events_dataset"):
        assert wanted in metric["filter"]
    assert metric["metric_descriptor"][0]["metric_kind"] == "DELTA"


def messages_stay_in_the_region(plan: Plan) -> None:
    for each in of_type(plan.resources, "google_pubsub_topic"):
        (policy,) = each.values["message_storage_policy"]
        assert policy["allowed_persistence_regions"] == [REGIONS[0]], each.address


def only_the_generator_is_called_by_people(plan: Plan) -> None:
    invokers = {
        each.address: each.values["member"]
        for each in of_type(plan.resources, "google_cloud_run_v2_service_iam_member")
    }
    (function,) = (v for k, v in invokers.items() if ".table_manager_trigger" in k)
    assert function.startswith(f"serviceAccount:{plan.environment}-trigger@")
    assert {v for k, v in invokers.items() if ".generator_invokers" in k} == {
        "group:testers@example.com"
    }


COMES_FIRST = {
    "google_dataflow_flex_template_job.pipeline": (
        "google_artifact_registry_repository_iam_member.parts",
        "google_bigquery_dataset_iam_member.parts",
        "google_bigquery_table.tables",
        "google_project_iam_member.parts",
        "google_pubsub_subscription_iam_member.parts",
        "google_service_account_iam_member.launcher",
        "google_storage_bucket_iam_member.parts",
    ),
    "google_cloudfunctions2_function.table_manager": (
        "google_artifact_registry_repository_iam_member.parts",
        "google_bigquery_dataset_iam_member.parts",
        "google_project_iam_member.agents",
        "google_project_iam_member.function_sources",
        "google_project_iam_member.parts",
        "google_storage_bucket_iam_member.parts",
    ),
    "google_storage_transfer_job.raw_events": ("google_storage_bucket_iam_member.transfer",),
    "google_bigquery_data_transfer_config.events": (
        "google_bigquery_dataset_iam_member.copy",
        "google_project_iam_member.parts",
        "google_service_account_iam_member.transfer",
    ),
}
PROTECTED = {"google_bigquery_table", "google_cloud_run_v2_service"}
RULES: tuple[Callable[[Plan], None], ...] = (
    names_of_record,
    parts_are_told_where_they_are,
    the_template_knows_the_jobs_parameters,
    tables_are_those_of_the_event_types,
    every_subscription_has_a_dead_letter,
    pubsub_may_move_messages_to_the_dead_letter,
    the_pipelines_subscription,
    no_public_address,
    nothing_is_for_everybody,
    no_primitive_roles,
    each_part_may_do_what_is_listed_and_no_more,
    the_deployer_grants_only_what_stands_here,
    github_comes_in_by_subject,
    prod_has_keys_of_its_own,
    a_key_lies_where_its_data_lies,
    prod_has_copies_elsewhere,
    charts_ask_for_what_there_is,
    names_in_filters_are_those_of_record,
    every_alert_reaches_the_address_and_says_what_to_do,
    subscriptions_keep_everything_for_a_week_and_never_end,
    raw_files_are_kept_as_long_as_said,
    alerts_are_those_of_the_file,
    no_threshold_waits_for_a_metric_that_this_apply_makes,
    everything_is_labelled,
    everything_lies_in_its_region,
    images_are_a_release_s,
    the_job_drains_and_scales,
    the_function_is_retried_and_closed,
    a_function_s_build_can_read_and_push,
    clean_up_policies_can_act,
    google_s_agents_have_their_roles,
    nothing_of_cloud_run_holds_the_network,
    what_has_to_come_first_is_said,
    prod_is_protected,
    keys_turn_and_wait,
    services_stay_on,
    the_log_metric_counts_failures,
    messages_stay_in_the_region,
    only_the_generator_is_called_by_people,
)
