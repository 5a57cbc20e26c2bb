"""Slips that somebody could make in terraform/, one edit each, and where each of them shows.

A slip is caught if the plan of the edited configuration breaks a rule of rules.py, or differs from
the inventory. Whatever Terraform itself refuses is no slip. docs/terraform-mutations.md lists them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

JOB = "google_dataflow_flex_template_job.pipeline"
FUNCTION = "google_cloudfunctions2_function.table_manager"
EVENTS = "google_pubsub_subscription.events"
DEAD = "google_pubsub_subscription.dead_letter"
RAW = "google_storage_bucket.raw_events"
TEMPLATES = "google_storage_bucket.templates"
ALERTS = "google_monitoring_alert_policy.rules"
GENERATOR = "google_cloud_run_v2_service.generator"
DATASET = "google_bigquery_dataset.events"
TABLES = "google_bigquery_table.tables"


class Slip(NamedTuple):
    """One edit: the first place of a text in a file, and what stands there instead."""

    what: str
    file: str
    text: str
    instead: str
    block: str
    """The address of the block that it shows in."""
    environment: str = "dev"

    @property
    def reach(self) -> set[str]:
        """All blocks that it shows in."""
        return {self.block, *ALSO.get(self.what, ())}

    @property
    def alone(self) -> bool:
        """Whether it reaches nearly everything."""
        return self.what in WIDE

    def planted(self, text: str) -> str:
        """The file with the slip in it, in its own block if the text is there, or ValueError."""
        kind, _, name = self.block.rpartition(".")
        head = f'resource "{kind}" "{name}" {{\n'
        start = text.index(head) if head in text else 0
        end = text.index("\n}\n", start) if start else len(text)
        if self.text not in text[start:end]:
            start, end = 0, len(text)
        place = text.index(self.text, start, end)
        return text[:place] + self.instead + text[place + len(self.text) :]


def _slips(file: str, block: str, *edits: tuple[str, ...], environment: str = "dev") -> list[Slip]:
    return [Slip(what, file, text, instead, block, environment) for what, text, instead in edits]


SLIPS: list[Slip] = [
    *_slips(
        "pubsub.tf",
        EVENTS,
        (
            "a filter on the subscription",
            "  ack_deadline_seconds       = var.ack",
            '  filter                     = "attributes.x = \\"y\\""\n'
            "  ack_deadline_seconds       = var.ack",
        ),
        ("messages kept for ten minutes", '"604800s"', '"600s"'),
        ("the subscription ends after an idle day", '    ttl = ""', '    ttl = "86400s"'),
        ("an ack deadline of ten seconds", "= var.ack_deadline_seconds", "= 10"),
        ("redelivery without a pause", '"10s"', '"0s"'),
        ("redelivery after ten minutes at most", '"300s"', '"600s"'),
        ("a hundred attempts", "= var.max_delivery_attempts", "= 100"),
        (
            "dead letters into the events' own topic",
            "dead_letter_topic     = google_pubsub_topic.dead_letter.id",
            "dead_letter_topic     = google_pubsub_topic.events.id",
        ),
        (
            "the pipeline reads the dead letters",
            "topic                      = google_pubsub_topic.events.id",
            "topic                      = google_pubsub_topic.dead_letter.id",
        ),
        (
            "messages are pushed to somebody",
            "  retry_policy {",
            '  push_config {\n    push_endpoint = "https://example.com"\n  }\n  retry_policy {',
        ),
        (
            "acked messages are kept too",
            '  message_retention_duration = "604800s"',
            '  retain_acked_messages      = true\n  message_retention_duration = "604800s"',
        ),
    ),
    *_slips(
        "pubsub.tf",
        DEAD,
        ("dead letters kept for a day", '"2678400s"', '"86400s"'),
        ("another ack deadline for dead letters", "= 60", "= 10"),
        (
            "dead letters' subscription on the events",
            "topic                      = google_pubsub_topic.dead_letter.id\n  ack",
            "topic                      = google_pubsub_topic.events.id\n  ack",
        ),
    ),
    *_slips(
        "pubsub.tf",
        "google_pubsub_topic.table_requests",
        ("another name for the requests", "local.names.table_requests_topic", '"requests"'),
    ),
    *_slips(
        "pubsub.tf",
        "google_pubsub_topic.events",
        ("messages persist elsewhere", "[var.region]", '["europe-west1"]'),
        ("a topic without a key", "  kms_key_name = local.kms_key\n", ""),
        (
            "a topic before its key's grants",
            "  depends_on   = [google_kms_crypto_key_iam_member.agents]\n",
            "",
        ),
        environment="prod",
    ),
    *_slips(
        "pubsub.tf",
        "google_pubsub_topic_iam_member.dead_letter",
        (
            "Pub/Sub may publish to the wrong topic",
            "google_pubsub_topic.dead_letter.name",
            "google_pubsub_topic.events.name",
        ),
        (
            "Pub/Sub views instead of publishing",
            '"roles/pubsub.publisher"',
            '"roles/pubsub.viewer"',
        ),
    ),
    *_slips(
        "pubsub.tf",
        "google_pubsub_subscription_iam_member.dead_letter",
        (
            "Pub/Sub may read the wrong subscription",
            "google_pubsub_subscription.events.name",
            "google_pubsub_subscription.dead_letter.name",
        ),
    ),
    *_slips(
        "storage.tf",
        RAW,
        (
            "raw files deleted in 30 days",
            '      type          = "SetStorageClass"\n      storage_class = "NEARLINE"',
            '      type = "Delete"',
        ),
        ("no versions of raw files", "    enabled = true", "    enabled = false"),
        (
            "access by object for raw files",
            "uniform_bucket_level_access = true",
            "uniform_bucket_level_access = false",
        ),
        ("raw files may be public", '"enforced"', '"inherited"'),
        (
            "raw files in another region",
            "location                    = var.region",
            "location                    = var.copy_region",
        ),
        ("colder after a day", "age = 30", "age = 1"),
        (
            "old versions gone in a day",
            "days_since_noncurrent_time = 30",
            "days_since_noncurrent_time = 1",
        ),
        ("no end for raw files", "for_each = local.here.kept_days[*]", "for_each = []"),
        ("archived at once", '"NEARLINE"', '"ARCHIVE"'),
        (
            "destroy keeps the files of dev",
            "force_destroy               = !local.protected",
            "force_destroy               = local.protected",
        ),
        (
            "raw files of another name",
            "name                        = local.names.bucket",
            'name                        = "${local.names.bucket}-2"',
        ),
    ),
    *_slips(
        "storage.tf",
        RAW,
        (
            "raw files without a key",
            "for_each = local.kms_key[*]",
            "for_each = []",
        ),
        (
            "raw files under the copy's key",
            "for_each = local.kms_key[*]",
            "for_each = local.copy_key[*]",
        ),
        environment="prod",
    ),
    *_slips(
        "locals.tf",
        RAW,
        ("raw files of prod deleted in a year", "kept_days     = null", "kept_days     = 365"),
        environment="prod",
    ),
    *_slips(
        "bigquery.tf",
        DATASET,
        (
            "the dataset in another region",
            "location                   = var.region",
            'location                   = "EU"',
        ),
        (
            "tables that end by themselves",
            "  delete_contents_on_destroy",
            "  default_table_expiration_ms = 86400000\n  delete_contents_on_destroy",
        ),
        (
            "partitions that end by themselves",
            "  delete_contents_on_destroy",
            "  default_partition_expiration_ms = 86400000\n  delete_contents_on_destroy",
        ),
        ("destroy deletes prod's tables", "= !local.protected", "= true"),
        ("a dataset without a key", "for_each = local.kms_key[*]", "for_each = []"),
        environment="prod",
    ),
    *_slips(
        "bigquery.tf",
        TABLES,
        ("partitioned by another field", "each.value.partition_by", '"processed_timestamp"'),
        ("partitioned by hour", '"DAY"', '"HOUR"'),
        (
            "clustered the other way round",
            "each.value.cluster_by",
            "reverse(each.value.cluster_by)",
        ),
        (
            "partitions end in a month",
            '    type  = "DAY"',
            '    type  = "DAY"\n    expiration_ms = 2592000000',
        ),
        ("queries must name days", "var.require_partition_filter && each", "each"),
        ("a table of another name", "each.value.table_id", '"${each.value.table_id}_2"'),
        (
            "tables that destroy takes",
            "deletion_protection      = local.protected",
            "deletion_protection      = false",
        ),
        environment="prod",
    ),
    *_slips(
        "event_types/order.json",
        TABLES,
        ("a column gone", '"name": "customer_id"', '"name": "customer"'),
    ),
    *_slips(
        "monitoring.tf",
        ALERTS,
        ("alerts compare the wrong way", '"COMPARISON_GT"', '"COMPARISON_LT"'),
        (
            "alerts disabled",
            '  combiner              = "OR"',
            '  enabled = false\n  combiner = "OR"',
        ),
        ("alerts reach nobody", "google_monitoring_notification_channel.email[*].name", "[]"),
        ("alerts wait a day", '"${rule.value.for_seconds}s"', '"86400s"'),
        ("alerts at twice the limit", "rule.value.above", "rule.value.above * 2 + 1"),
        ("another period", '"60s"', '"3600s"'),
        ("a query whose metric must be there", "        disable_metric_validation = true\n", ""),
        ("incidents stay open for a week", '"86400s"', '"604800s"'),
        ("no severity", "each.value.severity", '"WARNING"'),
        ("all series count as one", "rule.value.reducer", '"REDUCE_MEAN"'),
        ("the filter without its labels", "rule.value.labels :", "{} :"),
    ),
    *_slips(
        "monitoring/alerts.json",
        ALERTS,
        ("a backlog of a million", '"above": 100,', '"above": 1000000,'),
        ("an hour of lag", '"above": 120,', '"above": 3600,'),
        ("the wrong subscription", '"${dead_letter_subscription}"', '"${subscription}"'),
        (
            "the query the other way",
            'bigquery_project\\"}[5m])) > 0',
            'bigquery_project\\"}[5m])) < 0',
        ),
        (
            "the job's failure counted down",
            '"ALIGN_MAX",\n    "reducer": "REDUCE_MAX",\n    "above": 0',
            '"ALIGN_MIN",\n    "reducer": "REDUCE_MAX",\n    "above": 0',
        ),
        (
            "another job's counter",
            'metric_name=\\"dead_lettered\\"}[5m])) -',
            'metric_name=\\"parsed\\"}[5m])) -',
        ),
    ),
    *_slips(
        "monitoring.tf",
        "google_logging_metric.failed_jobs",
        (
            "the log metric counts all jobs",
            "    protoPayload.metadata.jobChange.job.jobStatus.errorResult:*\n",
            "",
        ),
        ("the log metric of another dataset", '"${local.names.dataset}"', '"other"'),
        ("the log metric of another kind", '"DELTA"', '"CUMULATIVE"'),
    ),
    *_slips(
        "monitoring.tf",
        "google_monitoring_notification_channel.email",
        ("alerts to somebody else", "var.alert_email }", '"nobody@example.com" }'),
    ),
    *_slips(
        "monitoring/dashboard.json",
        "google_monitoring_dashboard.pipeline",
        ("a chart of another subscription", "${subscription}", "${dead_letter_subscription}"),
    ),
    *_slips(
        "generator.tf",
        GENERATOR,
        ("two generators", "max_instance_count = 1", "max_instance_count = 2"),
        ("the generator's CPU sleeps", "cpu_idle = false", "cpu_idle = true"),
        ("less memory", '"512Mi"', '"128Mi"'),
        ("the generator as another account", 'parts["generator"].email', 'parts["pipeline"].email'),
        (
            "the generator by its latest tag",
            "image = local.generator_image",
            'image = "${local.registry_url}/event-generator:latest"',
        ),
        (
            "the generator elsewhere",
            "location            = var.region",
            "location            = var.copy_region",
        ),
        ("another readiness path", '"/readiness"', '"/"'),
        ("no time to start", "failure_threshold = 20", "failure_threshold = 1"),
        (
            "another project in its environment",
            "PROJECT_ID  = var.project_id",
            'PROJECT_ID  = "other-project"',
        ),
        ("no log level", "          LOG_LEVEL   = var.log_level\n", ""),
        (
            "Cloud Run in the network again",
            "    containers {",
            "    vpc_access {\n      network_interfaces {\n"
            "        subnetwork = google_compute_subnetwork.pipeline.id\n"
            "      }\n    }\n    containers {",
        ),
        ("an unprotected service", "= local.protected\n", "= true\n"),
    ),
    *_slips(
        "generator.tf",
        GENERATOR,
        (
            "prod's generator open to the world",
            'local.here.public ? "INGRESS_TRAFFIC_ALL" : "INGRESS_TRAFFIC_INTERNAL_ONLY"',
            '"INGRESS_TRAFFIC_ALL"',
        ),
        ("the generator without a key", "    encryption_key  = local.kms_key\n", ""),
        environment="prod",
    ),
    *_slips(
        "generator.tf",
        "google_cloud_run_v2_service_iam_member.generator_invokers",
        ("everybody calls the generator", "member   = each.key", 'member   = "allUsers"'),
        ("callers administer the generator", '"roles/run.invoker"', '"roles/run.admin"'),
    ),
    *_slips(
        "table_manager.tf",
        FUNCTION,
        ("the function not retried", '"RETRY_POLICY_RETRY"', '"RETRY_POLICY_DO_NOT_RETRY"'),
        ("the function open to all", '"ALLOW_INTERNAL_ONLY"', '"ALLOW_ALL"'),
        ("the function as the pipeline", 'parts["table-manager"].email', 'parts["pipeline"].email'),
        ("the function called as itself", 'parts["trigger"].email', 'parts["table-manager"].email'),
        (
            "the function on every event",
            "google_pubsub_topic.table_requests.id",
            "google_pubsub_topic.events.id",
        ),
        (
            "builds among the immutable images",
            "google_artifact_registry_repository.functions.id",
            "google_artifact_registry_repository.images.id",
        ),
        (
            "a function of one second",
            "timeout_seconds                  = 60",
            "timeout_seconds                  = 1",
        ),
        (
            "a hundred functions",
            "max_instance_count               = 3",
            "max_instance_count               = 100",
        ),
        (
            "one call at a time",
            "max_instance_request_concurrency = 80",
            "max_instance_request_concurrency = 1",
        ),
        ("another entry point", '"manage_table"', '"main"'),
        (
            "built as the deployer's default",
            '    service_account   = google_service_account.parts["build"].id\n',
            "",
        ),
        (
            "triggered from another region",
            "trigger_region        = var.region",
            'trigger_region        = "europe-west1"',
        ),
        ("schemas frozen", "SCHEMA_CONTRACT = var.schema_contract", 'SCHEMA_CONTRACT = "freeze"'),
        ("before Eventarc's agent has its role", "    google_project_iam_member.agents,\n", ""),
        ("before its sources can be read", "    google_project_iam_member.function_sources,\n", ""),
        (
            "before its build can push",
            "    google_artifact_registry_repository_iam_member.parts,\n",
            "",
        ),
    ),
    *_slips(
        "table_manager.tf",
        "google_cloud_run_v2_service_iam_member.table_manager_trigger",
        (
            "anybody triggers the function",
            'google_service_account.parts["trigger"].member',
            '"allAuthenticatedUsers"',
        ),
    ),
    *_slips(
        "dataflow.tf",
        JOB,
        ("the job cancelled", '"drain"', '"cancel"'),
        (
            "a new job beside the old",
            "skip_wait_on_job_termination = false",
            "skip_wait_on_job_termination = true",
        ),
        ("public workers", '"WORKER_IP_PRIVATE"', '"WORKER_IP_PUBLIC"'),
        (
            "no streaming engine",
            "enable_streaming_engine = true",
            "enable_streaming_engine = false",
        ),
        ("a job that never scales", '"THROUGHPUT_BASED"', '"NONE"'),
        (
            "the job as the build's account",
            'parts["pipeline"].email\n  network',
            'parts["build"].email\n  network',
        ),
        (
            "a thousand workers",
            "max_workers             = var.dataflow_max_workers",
            "max_workers             = 1000",
        ),
        (
            "larger workers",
            "machine_type            = var.dataflow_machine_type",
            'machine_type            = "n2-standard-32"',
        ),
        (
            "temporary files among the events",
            "google_storage_bucket.templates.name}/temp",
            "google_storage_bucket.raw_events.name}/temp",
        ),
        (
            "another subnetwork",
            "/subnetworks/${google_compute_subnetwork.pipeline.name}",
            "/subnetworks/default",
        ),
        (
            "the workers' image of another tag",
            "sdk_container_image     = local.pipeline_image",
            'sdk_container_image     = "${local.registry_url}/pipeline:latest"',
        ),
        (
            "windows of an hour",
            "window_seconds  = tostring(var.window_seconds)",
            'window_seconds  = "3600"',
        ),
        (
            "another environment's job",
            "environment     = var.environment",
            'environment     = "prod"',
        ),
        ("the job before its grants", "    google_project_iam_member.parts,\n", ""),
        ("read-back takes the job down", "num_workers, max_workers, machine_type", "machine_type"),
        ("a new release in place", "    replace_triggered_by = [terraform_data.drained_for]\n", ""),
    ),
    *_slips(
        "dataflow.tf",
        "terraform_data.drained_for",
        ("workers change in place", "    max_workers     = var.dataflow_max_workers\n", ""),
    ),
    *_slips(
        "artifact_registry.tf",
        "google_artifact_registry_repository.images",
        ("releases that change", "immutable_tags = true", "immutable_tags = false"),
        ("images gone in a day", '"604800s"', '"86400s"'),
        ("tagged images meant to go", '"UNTAGGED"', '"ANY"'),
        (
            "policies that only dream",
            "  docker_config {",
            "  cleanup_policy_dry_run = true\n  docker_config {",
        ),
    ),
    *_slips(
        "network.tf",
        "google_compute_subnetwork.pipeline",
        (
            "workers that reach nothing",
            "private_ip_google_access = true",
            "private_ip_google_access = false",
        ),
        ("a network of sixteen", '"10.0.0.0/20"', '"10.0.0.0/28"'),
    ),
    *_slips(
        "network.tf",
        "google_compute_firewall.workers",
        (
            "the workers' ports open to all",
            'source_tags = ["dataflow"]',
            'source_ranges = ["0.0.0.0/0"]',
        ),
        ("all ports", '["12345-12346"]', '["0-65535"]'),
    ),
    *_slips(
        "network.tf",
        "google_compute_network.pipeline",
        (
            "subnetworks everywhere",
            "auto_create_subnetworks = false",
            "auto_create_subnetworks = true",
        ),
    ),
    *_slips(
        "service_accounts.tf",
        "google_storage_bucket_iam_member.parts",
        (
            "the pipeline administers its bucket",
            '"roles/storage.objectUser"]',
            '"roles/storage.admin"]',
        ),
        (
            "the build reads events",
            '["build", google_storage_bucket.templates',
            '["build", google_storage_bucket.raw_events',
        ),
        (
            "no grant on the templates",
            '    pipeline_templates  = ["pipeline", google_storage_bucket.templates.name,'
            ' "roles/storage.objectUser"]\n',
            "",
        ),
    ),
    *_slips(
        "service_accounts.tf",
        "google_bigquery_dataset_iam_member.parts",
        (
            "the pipeline owns the dataset",
            'pipeline      = "roles/bigquery.dataEditor"',
            'pipeline      = "roles/bigquery.dataOwner"',
        ),
        (
            "the table manager only reads",
            'table-manager = "roles/bigquery.dataEditor"',
            'table-manager = "roles/bigquery.dataViewer"',
        ),
    ),
    *_slips(
        "service_accounts.tf",
        "google_project_iam_member.parts",
        ("the pipeline edits the project", '"roles/dataflow.worker"', '"roles/editor"'),
        (
            "the trigger receives nothing",
            '      trigger       = ["roles/eventarc.eventReceiver"]\n',
            "",
        ),
    ),
    *_slips(
        "service_accounts.tf",
        "google_pubsub_topic_iam_member.generator",
        (
            "the generator publishes dead letters",
            "google_pubsub_topic.events.name",
            "google_pubsub_topic.dead_letter.name",
        ),
        (
            "the table manager publishes",
            'parts["generator"].member',
            'parts["table-manager"].member',
        ),
    ),
    *_slips(
        "service_accounts.tf",
        "google_pubsub_topic_iam_member.pipeline",
        (
            "the pipeline asks where nobody listens",
            "google_pubsub_topic.table_requests.name",
            "google_pubsub_topic.dead_letter.name",
        ),
        (
            "the pipeline only looks at the requests",
            'table_requests.name\n  role    = "roles/pubsub.publisher"',
            'table_requests.name\n  role    = "roles/pubsub.viewer"',
        ),
    ),
    *_slips(
        "service_accounts.tf",
        "google_project_iam_member.function_sources",
        (
            "the build reads every bucket",
            "gcf-v2-sources-${data.google_project.here.number}-${var.region}",
            "",
        ),
        ("the build reads another region", "-${var.region}')", "-europe-west1')"),
    ),
    *_slips(
        "service_accounts.tf",
        "google_pubsub_subscription_iam_member.parts",
        (
            "the pipeline edits its subscription",
            '"roles/pubsub.subscriber", "roles/pubsub.viewer"',
            '"roles/pubsub.subscriber", "roles/pubsub.editor"',
        ),
    ),
    *_slips(
        "service_accounts.tf",
        "google_artifact_registry_repository_iam_member.parts",
        (
            "the pipeline pushes images",
            '"roles/artifactregistry.reader"',
            '"roles/artifactregistry.writer"',
        ),
    ),
    *_slips(
        "apis.tf",
        "google_project_iam_member.agents",
        (
            "Eventarc's agent with Pub/Sub's role",
            '"roles/eventarc.serviceAgent"',
            '"roles/pubsub.serviceAgent"',
        ),
        ("agents own the project", "role     = each.value", 'role     = "roles/owner"'),
    ),
    *_slips(
        "apis.tf",
        "google_project_service.apis",
        (
            "a destroy switches services off",
            "disable_on_destroy = false",
            "disable_on_destroy = true",
        ),
        ("no Eventarc", '"eventarc", "iam",', '"iam",'),
    ),
    *_slips(
        "apis.tf",
        "data.google_project.here",
        (
            "the project read before its services are on",
            "  depends_on = [google_project_service.apis]\n",
            "",
        ),
    ),
    *_slips(
        "workload_identity.tf",
        "google_iam_workload_identity_pool_provider.github",
        ("any repository comes in", "assertion.repository == '${var.github_repository}'", "true"),
        ("another issuer", "https://token.actions.githubusercontent.com", "https://example.com"),
    ),
    *_slips(
        "workload_identity.tf",
        "google_service_account_iam_member.github",
        (
            "any branch deploys",
            "subject/repo:${var.github_repository}:environment:${var.environment}",
            "attribute.repository/${var.github_repository}",
        ),
    ),
    *_slips(
        "workload_identity.tf",
        "google_project_iam_member.deployer_grants",
        (
            "the deployer may grant anything",
            ".hasOnly(${jsonencode(local.granted_roles)})",
            ".size() >= 0",
        ),
    ),
    *_slips(
        "workload_identity.tf",
        "google_project_iam_member.deployers",
        ("the planner deploys", '"roles/dataflow.viewer"', '"roles/dataflow.admin"'),
    ),
    *_slips(
        "workload_identity.tf",
        "google_project_iam_custom_role.planner",
        ("the planner sets policies", '"storage.buckets.get"', '"storage.buckets.setIamPolicy"'),
    ),
    *_slips(
        "kms.tf",
        "google_kms_crypto_key.data",
        ("keys that never turn", '"7776000s"', '"315360000s"'),
        ("keys gone in a day", '"2592000s"', '"86400s"'),
        environment="prod",
    ),
    *_slips(
        "kms.tf",
        "google_kms_crypto_key_iam_member.agents",
        (
            "agents administer the keys",
            '"roles/cloudkms.cryptoKeyEncrypterDecrypter"',
            '"roles/cloudkms.admin"',
        ),
        ("Dataflow without the key", '"cloudfunctions", "dataflow",', '"cloudfunctions",'),
        environment="prod",
    ),
    *_slips(
        "copies.tf",
        "google_storage_transfer_job.raw_events",
        (
            "the copy follows deletions",
            "delete_objects_unique_in_sink = false",
            "delete_objects_unique_in_sink = true",
        ),
        ("a copy a month", '"3600s"', '"2592000s"'),
        (
            "the copy onto itself",
            "bucket_name = google_storage_bucket.raw_events_copy[0].name",
            "bucket_name = google_storage_bucket.raw_events.name",
        ),
        ("before it may read", "  depends_on = [google_storage_bucket_iam_member.transfer]\n", ""),
        environment="prod",
    ),
    *_slips(
        "copies.tf",
        "google_storage_bucket.raw_events_copy",
        ("the copy may be public", '"enforced"', '"inherited"'),
        (
            "the copy beside the original",
            "location                    = var.copy_region",
            "location                    = var.region",
        ),
        environment="prod",
    ),
    *_slips(
        "copies.tf",
        "google_bigquery_data_transfer_config.events",
        ("a dataset copied each year", '"every 24 hours"', '"every 8760 hours"'),
        (
            "no mail when the copy fails",
            "enable_failure_email = true",
            "enable_failure_email = false",
        ),
        environment="prod",
    ),
    *_slips(
        "copies.tf",
        "google_storage_bucket_iam_member.transfer",
        (
            "the transfer may delete originals",
            '"roles/storage.objectViewer"]',
            '"roles/storage.objectAdmin"]',
        ),
        environment="prod",
    ),
    *_slips(
        "copies.tf",
        "google_service_account_iam_member.transfer",
        ("the transfer's agent on another account", 'parts["copy"].name', 'parts["pipeline"].name'),
        environment="prod",
    ),
    *_slips(
        "environments/prod.tfvars",
        JOB,
        ("prod with one worker", "dataflow_num_workers  = 2", "dataflow_num_workers  = 1"),
        environment="prod",
    ),
    *_slips(
        "locals.tf",
        GENERATOR,
        ("prod's generator sleeps", "min_instances = 1", "min_instances = 0"),
        environment="prod",
    ),
    *_slips(
        "locals.tf",
        "google_pubsub_topic.dead_letter",
        ("a label missing", '    managed_by  = "terraform"\n', ""),
    ),
    *_slips(
        "outputs.tf",
        "output.topic",
        (
            "an output of another topic",
            "google_pubsub_topic.events.id",
            "google_pubsub_topic.dead_letter.id",
        ),
    ),
    *_slips(
        "variables.tf",
        "variable.deletion_protection",
        (
            "variables that refuse less",
            "var.max_delivery_attempts >= 5",
            "var.max_delivery_attempts >= 0",
        ),
        ("five deliveries become fifty", "default     = 5\n", "default     = 50\n"),
    ),
]


GRANTS = "google_project_iam_member.deployer_grants"
DRAINED = "terraform_data.drained_for"
# Slips that show in other blocks besides.
ALSO = {
    "the pipeline edits the project": (GRANTS,),
    "the trigger receives nothing": (GRANTS,),
    "Eventarc's agent with Pub/Sub's role": (GRANTS,),
    "the planner deploys": (GRANTS,),
    "raw files of another name": ("google_storage_bucket_iam_member.parts",),
    "windows of an hour": (DRAINED,),
    "another environment's job": (DRAINED,),
    "prod with one worker": (DRAINED,),
}
WIDE = {"a label missing", "keys gone in a day"}


def batches(environment: str) -> Iterator[list[Slip]]:
    """An environment's slips, such that no two of a batch show in one block or change one place."""
    left = [each for each in SLIPS if each.environment == environment]
    while left:
        taken: list[Slip] = []
        for each in left:
            beside = not any(each.alone or other.alone for other in taken)
            apart = all(not each.reach & other.reach for other in taken)
            places = {(other.file, other.text) for other in taken}
            if beside and apart and (each.file, each.text) not in places:
                taken.append(each)
        left = [each for each in left if each not in taken]
        yield taken
