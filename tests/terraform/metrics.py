"""Google's metrics that the alerts and the dashboard ask for, and what each has."""

from __future__ import annotations

from typing import NamedTuple


class Metric(NamedTuple):
    """As in Cloud Monitoring's "Google Cloud metrics" and "Monitored resource types"."""

    kind: str
    resource: str
    labels: frozenset[str] = frozenset()


METRICS = {
    "bigquery.googleapis.com/storage/uploaded_row_count": Metric(
        "DELTA", "bigquery_dataset", frozenset({"api", "table"})
    ),
    "dataflow.googleapis.com/job/current_num_vcpus": Metric("GAUGE", "dataflow_job"),
    "dataflow.googleapis.com/job/data_watermark_age": Metric("GAUGE", "dataflow_job"),
    "dataflow.googleapis.com/job/is_failed": Metric("GAUGE", "dataflow_job"),
    "dataflow.googleapis.com/job/system_lag": Metric("GAUGE", "dataflow_job"),
    "dataflow.googleapis.com/job/user_counter": Metric(
        "GAUGE", "dataflow_job", frozenset({"metric_name", "ptransform"})
    ),
    "pubsub.googleapis.com/subscription/ack_message_count": Metric("DELTA", "pubsub_subscription"),
    "pubsub.googleapis.com/subscription/num_undelivered_messages": Metric(
        "GAUGE", "pubsub_subscription"
    ),
    "pubsub.googleapis.com/subscription/oldest_unacked_message_age": Metric(
        "GAUGE", "pubsub_subscription"
    ),
    "pubsub.googleapis.com/topic/send_message_operation_count": Metric("DELTA", "pubsub_topic"),
    "run.googleapis.com/request_count": Metric(
        "DELTA", "cloud_run_revision", frozenset({"response_code", "response_code_class"})
    ),
    "storage.googleapis.com/storage/total_bytes": Metric("GAUGE", "gcs_bucket"),
}
RESOURCE_LABELS = {
    "bigquery_dataset": {"dataset_id"},
    "bigquery_project": set[str](),
    "cloud_run_revision": {"service_name"},
    "dataflow_job": {"job_name"},
    "gcs_bucket": {"bucket_name"},
    "pubsub_subscription": {"subscription_id"},
    "pubsub_topic": {"topic_id"},
}
ALIGNERS = {
    "GAUGE": {"ALIGN_MIN", "ALIGN_MAX", "ALIGN_MEAN"},
    "DELTA": {"ALIGN_DELTA", "ALIGN_RATE"},
}
