"""What the providers do that no schema says, each with the place where their source says it.

Read in terraform-provider-google-beta at v8 (google-beta/services/SERVICE/resource_TYPE.go); an
attribute marked ForceNew there stands in FORCES_NEW, with dots into blocks. What a CustomizeDiff
decides by itself is not here.
"""

from __future__ import annotations

PROJECT_NUMBER = "123456789012"

FORCES_NEW: dict[str, tuple[str, ...]] = {
    "google_artifact_registry_repository": (
        "format",
        "kms_key_name",
        "location",
        "project",
        "repository_id",
    ),
    "google_artifact_registry_repository_iam_member": (
        "condition",
        "location",
        "member",
        "project",
        "repository",
        "role",
    ),
    "google_bigquery_data_transfer_config": ("data_source_id", "location", "project"),
    "google_bigquery_dataset": ("dataset_id", "location", "project"),
    "google_bigquery_dataset_iam_member": ("condition", "dataset_id", "member", "project", "role"),
    "google_bigquery_table": (
        "dataset_id",
        "encryption_configuration",
        "project",
        "table_id",
        "time_partitioning.field",
    ),
    "google_cloud_run_v2_service": ("location", "name", "project"),
    "google_cloud_run_v2_service_iam_member": (
        "condition",
        "location",
        "member",
        "name",
        "project",
        "role",
    ),
    "google_cloudfunctions2_function": (
        "build_config.source.repo_source.project_id",
        "location",
        "name",
        "project",
    ),
    "google_compute_firewall": ("direction", "name", "project"),
    "google_compute_network": (
        "auto_create_subnetworks",
        "description",
        "internal_ipv6_range",
        "name",
        "project",
    ),
    "google_compute_subnetwork": (
        "description",
        "external_ipv6_prefix",
        "internal_ipv6_prefix",
        "name",
        "network",
        "project",
        "region",
        "reserved_internal_range",
        "resolve_subnet_mask",
    ),
    "google_dataflow_flex_template_job": (
        "enable_streaming_engine",
        "max_workers",
        "name",
        "num_workers",
        "project",
        "region",
    ),
    "google_iam_workload_identity_pool": ("project", "workload_identity_pool_id"),
    "google_iam_workload_identity_pool_provider": (
        "project",
        "workload_identity_pool_id",
        "workload_identity_pool_provider_id",
    ),
    "google_kms_crypto_key": (
        "crypto_key_backend",
        "destroy_scheduled_duration",
        "import_only",
        "key_ring",
        "name",
        "purpose",
        "version_template.protection_level",
    ),
    "google_kms_crypto_key_iam_member": ("condition", "crypto_key_id", "member", "role"),
    "google_kms_key_ring": ("location", "name", "project"),
    "google_logging_metric": ("project",),
    "google_monitoring_alert_policy": ("project",),
    "google_monitoring_dashboard": ("project",),
    "google_monitoring_notification_channel": ("project",),
    "google_project_iam_custom_role": ("project", "role_id"),
    "google_project_iam_member": ("condition", "member", "project", "role"),
    "google_project_service": ("project", "service"),
    "google_project_service_identity": ("project", "service"),
    "google_pubsub_subscription": ("enable_message_ordering", "filter", "name", "project", "topic"),
    "google_pubsub_subscription_iam_member": (
        "condition",
        "member",
        "project",
        "role",
        "subscription",
    ),
    "google_pubsub_topic": ("name", "project"),
    "google_pubsub_topic_iam_member": ("condition", "member", "project", "role", "topic"),
    "google_service_account": ("account_id", "project"),
    "google_service_account_iam_member": ("condition", "member", "role", "service_account_id"),
    "google_storage_bucket": ("enable_object_retention", "location", "name", "project"),
    "google_storage_bucket_iam_member": ("bucket", "condition", "member", "role"),
    "google_storage_transfer_job": (
        "project",
        "transfer_spec.sink_agent_pool_name",
        "transfer_spec.source_agent_pool_name",
    ),
}

NOT_READ_BACK: dict[str, tuple[str, ...]] = {
    # resourceDataflowFlexTemplateJobRead looks for numWorkers, maxNumWorkers, workerMachineType,
    # stagingLocation, tempLocation and sdkContainerImage among the job's options, where a Python
    # job has num_workers and so on; v8 falls back to the pool, but only where the state has nothing
    # (terraform-provider-google #21322, magic-modules #14038).
    "google_dataflow_flex_template_job": (
        *("machine_type", "max_workers", "num_workers"),
        *("sdk_container_image", "staging_location", "temp_location"),
    ),
}

AGENTS = {
    # Google's page "Service agents"; google_project_service_identity gives these addresses.
    "artifactregistry": "service-{number}@gcp-sa-artifactregistry.iam.gserviceaccount.com",
    "bigquerydatatransfer": "service-{number}@gcp-sa-bigquerydatatransfer.iam.gserviceaccount.com",
    "cloudbuild": "service-{number}@gcp-sa-cloudbuild.iam.gserviceaccount.com",
    "cloudfunctions": "service-{number}@gcf-admin-robot.iam.gserviceaccount.com",
    "dataflow": "service-{number}@dataflow-service-producer-prod.iam.gserviceaccount.com",
    "eventarc": "service-{number}@gcp-sa-eventarc.iam.gserviceaccount.com",
    "pubsub": "service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com",
    "run": "service-{number}@serverless-robot-prod.iam.gserviceaccount.com",
}
# Those that a data source asks for, which makes them.
ASKED_FOR = {
    "google_bigquery_default_service_account": (
        "bq-{number}@bigquery-encryption.iam.gserviceaccount.com"
    ),
    "google_storage_project_service_account": (
        "service-{number}@gs-project-accounts.iam.gserviceaccount.com"
    ),
    "google_storage_transfer_project_service_account": (
        "project-{number}@storage-transfer-service.iam.gserviceaccount.com"
    ),
}
# It comes with its API, as Google's page "Service agents" has it.
COMPUTE_AGENT = "service-{number}@compute-system.iam.gserviceaccount.com"

SERVICES = (
    # Which service a type belongs to: the first that its name begins with.
    ("google_artifact_registry_", "artifactregistry"),
    ("google_bigquery_data_transfer_", "bigquerydatatransfer"),
    ("google_bigquery_", "bigquery"),
    ("google_cloud_run_", "run"),
    ("google_cloudfunctions2_", "cloudfunctions"),
    ("google_compute_", "compute"),
    ("google_dataflow_", "dataflow"),
    ("google_iam_workload_identity_", "iam"),
    ("google_kms_", "cloudkms"),
    ("google_logging_", "logging"),
    ("google_monitoring_", "monitoring"),
    ("google_project_iam_custom_role", "iam"),
    ("google_project_iam_", "cloudresourcemanager"),
    ("google_pubsub_", "pubsub"),
    ("google_service_account", "iam"),
    ("google_storage_transfer_", "storagetransfer"),
    ("google_storage_", "storage"),
)
# Who reads and writes with a key for a type of resource: each product's page on customer-managed
# encryption keys.
KEY_USERS = {
    "google_artifact_registry_repository": (AGENTS["artifactregistry"],),
    "google_bigquery_data_transfer_config": (AGENTS["bigquerydatatransfer"],),
    "google_bigquery_dataset": (ASKED_FOR["google_bigquery_default_service_account"],),
    "google_bigquery_table": (ASKED_FOR["google_bigquery_default_service_account"],),
    "google_cloud_run_v2_service": (AGENTS["run"],),
    "google_cloudfunctions2_function": (
        *(AGENTS["cloudfunctions"], AGENTS["artifactregistry"], AGENTS["eventarc"], AGENTS["run"]),
        ASKED_FOR["google_storage_project_service_account"],
    ),
    "google_dataflow_flex_template_job": (AGENTS["dataflow"], COMPUTE_AGENT),
    "google_pubsub_topic": (AGENTS["pubsub"],),
    "google_storage_bucket": (ASKED_FOR["google_storage_project_service_account"],),
}
