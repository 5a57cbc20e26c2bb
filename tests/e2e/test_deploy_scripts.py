"""The scripts for the cloud, run on the local stack by the real gcloud and bq.

Pub/Sub, BigQuery and Cloud Storage are the stack's; a stand-in answers for what only the cloud has.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

import pytest

from tests.e2e.conftest import LocalStack
from tests.scripts.conftest import run
from tests.scripts.control_plane import ControlPlane

WHERE = ("local-project", "dev")
NAMES = {
    "generator": "dev-event-generator",
    "table_manager": "dev-bigquery-table-manager",
    "job": "dev-realtime-data-pipeline",
}
TIMEOUT = 170

pytestmark = [
    pytest.mark.installed,
    *(
        pytest.mark.skipif(not shutil.which(each), reason=f"{each} is not installed")
        for each in ("gcloud", "bq", "curl")
    ),
]


def script(
    stack: LocalStack, name: str, *args: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """In a shell that has evaluated `python -m local env`, and with a home of its own."""
    there = {**stack.json("env"), "HOME": str(stack.data_dir), **environ}
    return run(name, *WHERE, *args, timeout=TIMEOUT, **there)


def figure(value: int) -> dict[str, Any]:
    """What Cloud Monitoring answers."""
    return {"timeSeries": [{"points": [{"value": {"int64Value": str(value)}}]}]}


def control_plane(ready: str = "True", state: str = "ACTIVE", backlog: int = 0) -> ControlPlane:
    conditions = [{"type": "Ready", "status": ready}, {"type": "RoutesReady", "status": "True"}]
    service = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": NAMES["generator"]},
        "status": {"conditions": conditions},
    }
    job = {
        "id": "1",
        "name": NAMES["job"],
        "type": "JOB_TYPE_STREAMING",
        "currentState": "JOB_STATE_RUNNING",
        "createTime": "2026-01-01T00:00:00Z",
        "currentStateTime": "2026-01-01T00:00:00Z",
    }
    other = {**job, "id": "2", "name": "another-job"}
    return ControlPlane(
        {
            "/locations/-/services": {"items": [service]},
            f"/functions/{NAMES['table_manager']}": {"state": state, "environment": "GEN_2"},
            "/locations/us-central1/jobs": {"jobs": [other, job] if backlog == 0 else [other]},
            "/timeSeries": figure(backlog),
        }
    )


def test_the_tables_are_made_as_of_record_and_hold_the_events(stack: LocalStack) -> None:
    done = script(stack, "test-table-creation.sh", "--timeout", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    for table in ("orders", "inventory", "user_activity"):
        assert f"dev_events_dataset.{table} is as of record, and holds table-check-" in done.stdout


def test_a_table_that_is_not_as_of_record_is_named(local_stack: LocalStack) -> None:
    local_stack.up()
    made = subprocess.run(
        [
            *("bq", "mk", "--table", "--clustering_fields", "reason"),
            *("dev_events_dataset.inventory", "reason:STRING,product_id:INTEGER,event_date:DATE"),
        ],
        env={**os.environ, **local_stack.json("env"), "HOME": str(local_stack.data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    done = script(local_stack, "test-table-creation.sh", "--timeout", "20")
    assert done.returncode == 1
    (failure,) = (line for line in done.stdout.splitlines() if line.startswith("FAIL"))
    assert "inventory: table dev_events_dataset.inventory: partitioned by {}" in failure
    assert "clustered by ['reason'], not by ['product_id', 'warehouse_id']" in failure
    assert "column product_id is NULLABLE INTEGER, not REQUIRED STRING" in failure
    assert "1 of 3 tables failed" in done.stderr


def test_all_is_well_in_the_cloud(stack: LocalStack) -> None:
    with control_plane() as plane:
        done = script(stack, "check-health.sh", "--within", "60", **plane.environ())
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.split()[:2] for line in done.stdout.splitlines()]
    parts = "generator table_manager job subscription backlog oldest_unacked dead_letter_topic"
    assert said == [["ok", part] for part in (*parts.split(), "dead_letters", "event")]
    assert "row and file after" in done.stdout
    asked = [each for each in plane.asked if "timeSeries" in each]
    assert "dev-backend-events-dead-letter-subscription" in asked[-1]
    assert "Bearer local" in plane.tokens


def test_what_is_ill_in_the_cloud_is_named(stack: LocalStack) -> None:
    with control_plane(ready="False", state="FAILED", backlog=101) as plane:
        done = script(stack, "check-health.sh", "--within", "60", **plane.environ())
    assert done.returncode == 1
    failing = "generator table_manager job backlog dead_letter_topic"
    assert done.stderr.strip().endswith(f"check-health.sh: failing: {failing}")
    assert "backlog          101 (alert above 100)" in done.stdout
    assert "oldest_unacked   101 (alert above 600)" in done.stdout
    assert "is 'absent', not 'Running'" in done.stdout
