"""Names as Google gives them, where outputs and references need them."""

from __future__ import annotations

import re
from typing import Any

from tests.terraform.provider.behaviour import AGENTS, ASKED_FOR, PROJECT_NUMBER

IDS = {
    "google_artifact_registry_repository": (
        "projects/{project}/locations/{location}/repositories/{repository_id}"
    ),
    "google_bigquery_dataset": "projects/{project}/datasets/{dataset_id}",
    "google_bigquery_table": "projects/{project}/datasets/{dataset_id}/tables/{table_id}",
    "google_cloud_run_v2_service": "projects/{project}/locations/{location}/services/{name}",
    "google_cloudfunctions2_function": "projects/{project}/locations/{location}/functions/{name}",
    "google_compute_network": "projects/{project}/global/networks/{name}",
    "google_compute_subnetwork": "projects/{project}/regions/{region}/subnetworks/{name}",
    "google_iam_workload_identity_pool": (
        "projects/{project}/locations/global/workloadIdentityPools/{workload_identity_pool_id}"
    ),
    "google_iam_workload_identity_pool_provider": (
        "projects/{project}/locations/global/workloadIdentityPools/{workload_identity_pool_id}"
        "/providers/{workload_identity_pool_provider_id}"
    ),
    "google_kms_crypto_key": "{key_ring}/cryptoKeys/{name}",
    "google_kms_key_ring": "projects/{project}/locations/{location}/keyRings/{name}",
    "google_project_iam_custom_role": "projects/{project}/roles/{role_id}",
    "google_pubsub_subscription": "projects/{project}/subscriptions/{name}",
    "google_pubsub_topic": "projects/{project}/topics/{name}",
    "google_service_account": (
        "projects/{project}/serviceAccounts/{account_id}@{project}.iam.gserviceaccount.com"
    ),
    "google_storage_bucket": "{name}",
}
COMPUTED = {
    ("google_artifact_registry_repository", "name"): "{repository_id}",
    ("google_dataflow_flex_template_job", "job_id"): "job-of-{name}",
    ("google_monitoring_notification_channel", "name"): (
        "projects/{project}/notificationChannels/{display_name}"
    ),
    ("google_project_iam_custom_role", "name"): "projects/{project}/roles/{role_id}",
    ("google_cloud_run_v2_service", "uri"): f"https://{{name}}-{PROJECT_NUMBER}.a.run.app",
    ("google_iam_workload_identity_pool", "name"): (
        f"projects/{PROJECT_NUMBER}/locations/global"
        "/workloadIdentityPools/{workload_identity_pool_id}"
    ),
    ("google_iam_workload_identity_pool_provider", "name"): (
        f"projects/{PROJECT_NUMBER}/locations/global"
        "/workloadIdentityPools/{workload_identity_pool_id}"
        "/providers/{workload_identity_pool_provider_id}"
    ),
    ("google_project", "number"): PROJECT_NUMBER,
    ("google_service_account", "email"): "{account_id}@{project}.iam.gserviceaccount.com",
    ("google_service_account", "member"): (
        "serviceAccount:{account_id}@{project}.iam.gserviceaccount.com"
    ),
    ("google_service_account", "name"): IDS["google_service_account"],
    ("google_storage_bucket", "url"): "gs://{name}",
}
for _type, _address in ASKED_FOR.items():
    COMPUTED[_type, "email"] = COMPUTED[_type, "email_address"] = _address.format(
        number=PROJECT_NUMBER
    )
    COMPUTED[_type, "member"] = f"serviceAccount:{COMPUTED[_type, 'email']}"


def identity(type_name: str, values: dict[str, Any]) -> str:
    """A resource's id, by the values that it is made of."""
    return filled(IDS.get(type_name, f"{type_name}/{{name}}"), values)


def chosen(type_name: str, name: str, values: dict[str, Any]) -> str:
    """What the cloud gives for an attribute that was left to it."""
    if type_name == "google_project_service_identity" and name in ("email", "member"):
        agent = AGENTS[str(values["service"]).removesuffix(".googleapis.com")]
        prefix = "serviceAccount:" if name == "member" else ""
        return prefix + agent.format(number=PROJECT_NUMBER)
    pattern = COMPUTED.get((type_name, name)) or {
        "id": IDS.get(type_name, f"{type_name}/{{name}}"),
        "project": "{project}",
        "region": "{region}",
        "location": "{location}",
    }.get(name, f"the-{name}")
    return filled(pattern, values)


def filled(pattern: str, values: dict[str, Any]) -> str:
    """A pattern with its names in it; one that is missing says so."""
    return re.sub(r"\{(\w+)\}", lambda m: str(values.get(m[1], f"no-{m[1]}")), pattern)
