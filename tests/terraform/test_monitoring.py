"""Alerts and dashboard ask for metrics that there are, on resources that have them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from string import Template
from typing import Any, NamedTuple

import pytest
from google.cloud.monitoring_dashboard_v1.types import Dashboard
from google.protobuf.json_format import ParseDict, ParseError

import settings
from tests.terraform.conftest import PROJECT, ROOT, Resource, Workspace, of_type, planned

MONITORING = ROOT / "terraform/monitoring"


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
WANTED = {
    "backlog": ("num_undelivered_messages", 100, 300),
    "oldest_unacked": ("oldest_unacked_message_age", 600, 60),
    "dead_letter_topic": ("num_undelivered_messages", 0, 0),
    "dead_letters": ("user_counter", 0, 0),
    "bigquery_failed_jobs": ("dev-bigquery-failed-jobs", 0, 0),
    "job_failed": ("is_failed", 0, 0),
    "system_lag": ("system_lag", 120, 300),
    "watermark_age": ("data_watermark_age", 900, 300),
    "table_manager_errors": ("request_count", 0, 300),
    "generator_errors": ("request_count", 0, 300),
}


@pytest.fixture
def dev(deployed: Callable[[str], Workspace]) -> list[Resource]:
    return planned(deployed("dev"))


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


def test_alerts_ask_for_what_there_is(resources: list[Resource]) -> None:
    made = log_metrics(resources)
    asked = [
        each["condition_threshold"][0]
        for each in conditions(resources)
        if each["condition_threshold"]
    ]
    assert len(asked) == len(WANTED) - 1
    for each in asked:
        check(each["filter"], each["aggregations"][0]["per_series_aligner"], made)


def test_charts_ask_for_what_there_is(resources: list[Resource]) -> None:
    made = log_metrics(resources)
    for each in charts(dashboard_of(resources)):
        asked = each["timeSeriesQuery"]["timeSeriesFilter"]
        check(asked["filter"], asked["aggregation"]["perSeriesAligner"], made)


@pytest.mark.parametrize(
    ("filter_text", "aligner"),
    [
        (
            'metric.type="dataflow.googleapis.com/job/is_broken" resource.type="dataflow_job"',
            "ALIGN_MAX",
        ),
        (
            'metric.type="dataflow.googleapis.com/job/is_failed" resource.type="gce_instance"',
            "ALIGN_MAX",
        ),
        (
            'metric.type="dataflow.googleapis.com/job/is_failed" resource.type="dataflow_job"',
            "ALIGN_RATE",
        ),
        (
            'metric.type="dataflow.googleapis.com/job/is_failed" resource.type="dataflow_job"'
            ' resource.labels.job="x"',
            "ALIGN_MAX",
        ),
    ],
)
def test_what_there_is_not_is_found(filter_text: str, aligner: str) -> None:
    with pytest.raises((AssertionError, KeyError)):
        check(filter_text, aligner, set())


def test_names_in_filters_are_those_of_record(environment: str, resources: list[Resource]) -> None:
    here = settings.load({"PROJECT_ID": PROJECT, "ENVIRONMENT": environment})
    names = {
        *(here.topic.split("/")[-1], here.subscription.split("/")[-1]),
        *(here.dead_letter_subscription.split("/")[-1], here.job, here.generator),
        *(here.table_manager, here.bucket, here.dataset),
    }
    texts = [
        *(
            each["condition_threshold"][0]["filter"]
            for each in conditions(resources)
            if each["condition_threshold"]
        ),
        *(
            each["timeSeriesQuery"]["timeSeriesFilter"]["filter"]
            for each in charts(dashboard_of(resources))
        ),
    ]
    for text in texts:
        for value in re.findall(r'resource\.labels?\.\w+ ?= ?"([^"]*)"', text):
            assert value in names, text


def test_the_rules_are_the_ones_that_were_asked_for(dev: list[Resource]) -> None:
    names = {"PROJECT_ID": PROJECT, "ENVIRONMENT": "dev"}
    here = settings.load(names)
    # The local stack reads the file like this: Terraform's ${name} is string.Template's as well.
    text = Template((MONITORING / "alerts.json").read_text()).substitute(
        subscription=here.subscription.split("/")[-1],
        dead_letter_subscription=here.dead_letter_subscription.split("/")[-1],
        job=here.job,
        generator=here.generator,
        table_manager=here.table_manager,
        failed_jobs_metric="dev-bigquery-failed-jobs",
    )
    rules = json.loads(text)
    found = {
        name: (rule["metric"].rsplit("/", 1)[1], rule["above"], rule["for_seconds"])
        for name, rule in rules.items()
    }
    assert found == WANTED
    policies = {
        each.values["display_name"] for each in of_type(dev, "google_monitoring_alert_policy")
    }
    assert policies == {f"dev: {rule['title']}" for rule in rules.values()}


def test_the_counters_growth_is_asked_for_by_its_own_name(dev: list[Resource]) -> None:
    (asked,) = (
        each["condition_prometheus_query_language"][0]
        for each in conditions(dev)
        if each["condition_prometheus_query_language"]
    )
    rule = json.loads((MONITORING / "alerts.json").read_text())["dead_letters"]
    host, _, path = rule["metric"].partition("/")
    assert f"{host.replace('.', '_')}:{path.replace('/', '_')}{{" in asked["query"]
    # The pipeline counts under this name.
    assert "Counter(dead_lettered=" in (ROOT / "pipeline/bigquery_sink.py").read_text()
    assert 'metric_name="dead_lettered"' in asked["query"]


def test_every_alert_reaches_the_address_and_says_what_to_do(resources: list[Resource]) -> None:
    (channel,) = of_type(resources, "google_monitoring_notification_channel")
    assert channel.values["labels"]["email_address"] == "somebody@example.com"
    for policy in of_type(resources, "google_monitoring_alert_policy"):
        assert len(policy.values["notification_channels"]) == 1
        assert len(policy.values["documentation"][0]["content"]) > 40


def test_the_dashboard_is_one(dev: list[Resource]) -> None:
    document = dashboard_of(dev)
    dashboard = ParseDict(document, Dashboard.pb(Dashboard()))
    assert dashboard.display_name == "Real-time pipeline, dev"
    tiles = dashboard.mosaic_layout.tiles
    assert len(tiles) == len(document["mosaicLayout"]["tiles"]) >= 10
    assert all(tile.x_pos + tile.width <= dashboard.mosaic_layout.columns for tile in tiles)
    places = {(tile.x_pos, tile.y_pos) for tile in tiles}
    assert len(places) == len(tiles)


def test_a_misspelt_chart_is_refused(dev: list[Resource]) -> None:
    document = dashboard_of(dev)
    document["mosaicLayout"]["tiles"][0]["widget"]["xyChrt"] = {}
    with pytest.raises(ParseError, match="xyChrt"):
        ParseDict(document, Dashboard.pb(Dashboard()))
