"""Alerts and dashboard ask for metrics that there are, on resources that have them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from google.cloud.monitoring_dashboard_v1.types import Dashboard
from google.protobuf.json_format import ParseDict, ParseError

from tests.terraform.plans import ROOT, Plan
from tests.terraform.rules import check, dashboard_of

RULES = json.loads((ROOT / "terraform/monitoring/alerts.json").read_text())
WANTED = {
    "backlog": ("num_undelivered_messages", 100, 300),
    "oldest_unacked": ("oldest_unacked_message_age", 600, 60),
    "dead_letter_topic": ("num_undelivered_messages", 0, 0),
    "dead_letters": ("user_counter", 0, 0),
    "bigquery_failed_jobs": ("${failed_jobs_metric}", 0, 0),
    "job_failed": ("is_failed", 0, 0),
    "system_lag": ("system_lag", 120, 300),
    "watermark_age": ("data_watermark_age", 900, 300),
    "table_manager_errors": ("request_count", 0, 300),
    "generator_errors": ("request_count", 0, 300),
}


@pytest.fixture
def dev(plan_of: Callable[[str], Plan]) -> Plan:
    return plan_of("dev")


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


def test_the_rules_are_the_ones_that_were_asked_for() -> None:
    found = {
        name: (rule["metric"].rsplit("/", 1)[1], rule["above"], rule["for_seconds"])
        for name, rule in RULES.items()
    }
    assert found == WANTED
    assert all(len(rule["what_to_do"]) > 40 for rule in RULES.values())


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if "query" in rule])
def test_a_query_asks_for_its_rule_s_metric_and_limit(name: str) -> None:
    """Cloud Monitoring's page "PromQL: Mapping metric names": the first / becomes :, others _."""
    rule = RULES[name]
    host, _, path = rule["metric"].partition("/")
    assert f"{host.replace('.', '_')}:{path.replace('/', '_')}{{" in rule["query"]
    assert f'monitored_resource="{rule["resource"]}"' in rule["query"]
    assert rule["query"].endswith(f" > {rule['above']}")


def test_the_pipeline_counts_what_the_alert_asks_for() -> None:
    assert "Counter(dead_lettered=" in (ROOT / "pipeline/bigquery_sink.py").read_text()
    assert 'metric_name="dead_lettered"' in RULES["dead_letters"]["query"]


def test_the_dashboard_is_one(dev: Plan) -> None:
    document = dashboard_of(dev.resources)
    dashboard = ParseDict(document, Dashboard.pb(Dashboard()))
    assert dashboard.display_name == "Real-time pipeline, dev"
    tiles = dashboard.mosaic_layout.tiles
    assert len(tiles) == len(document["mosaicLayout"]["tiles"]) >= 10
    assert all(tile.x_pos + tile.width <= dashboard.mosaic_layout.columns for tile in tiles)
    places = {(tile.x_pos, tile.y_pos) for tile in tiles}
    assert len(places) == len(tiles)


def test_a_misspelt_chart_is_refused(dev: Plan) -> None:
    document = dashboard_of(dev.resources)
    document["mosaicLayout"]["tiles"][0]["widget"]["xyChrt"] = {}
    with pytest.raises(ParseError, match="xyChrt"):
        ParseDict(document, Dashboard.pb(Dashboard()))
