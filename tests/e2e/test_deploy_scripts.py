"""The scripts for the cloud, run on the local stack by the real gcloud and bq.

Pub/Sub, BigQuery and Cloud Storage are the stack's; a stand-in answers for what only the cloud has.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from google.cloud import storage

from tests.e2e.conftest import ROOT, LocalStack
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


@pytest.fixture(scope="module")
def templates(stack: LocalStack) -> Iterator[storage.Bucket]:
    """The bucket that a release is uploaded to."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.json("env").items():
            patch.setenv(name, value)
        client = storage.Client("local-project")
        yield client.bucket("local-project-dev-dataflow-templates")
        client.close()


AS_THE_FRAMEWORK = """
from functions_framework import create_app
print(create_app("manage_table", "main.py", "cloudevent").name)
"""


def test_the_function_s_source_is_uploaded_once_and_stands_alone(
    stack: LocalStack, templates: storage.Bucket, tmp_path: Path
) -> None:
    upload = ("deploy-cloud-function.sh", "--release", "v1", "--upload-only")
    done = script(stack, *upload)
    assert done.returncode == 0, done.stderr
    blob = templates.get_blob("functions/table-manager-v1.zip")
    assert script(stack, *upload).returncode == 0
    assert templates.get_blob(blob.name).generation == blob.generation
    with ZipFile(BytesIO(blob.download_as_bytes())) as source:
        source.extractall(tmp_path)
    assert (tmp_path / "requirements.txt").exists()
    loaded = subprocess.run(
        [sys.executable, "-c", AS_THE_FRAMEWORK],
        cwd=tmp_path,  # where the buildpack starts it, with nothing else of ours on the path
        env={"PROJECT_ID": "local-project", "ALLOW_HOST": "*", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.stdout.strip() == "manage_table", loaded.stderr


def test_the_template_is_uploaded_for_images_that_are_there(
    stack: LocalStack, templates: storage.Bucket
) -> None:
    tags = {"tags": [{"name": f"projects/p/packages/i/tags/{tag}"} for tag in ("v0", "v1")]}
    with ControlPlane({"/tags": tags}) as plane:
        upload = ("deploy-dataflow-template.sh", "--release", "v1", "--upload-only")
        done = script(stack, *upload, **plane.environ())
    assert done.returncode == 0, done.stderr
    assert "the images of release v1 are there" in done.stdout
    template = json.loads(templates.blob("templates/pipeline-v1.json").download_as_bytes())
    registry = "us-central1-docker.pkg.dev/local-project/dev-realtime-pipeline"
    assert template["image"] == f"{registry}/pipeline:v1"
    metadata = json.loads((ROOT / "docker/flex-template/metadata.json").read_text())
    assert template["metadata"]["parameters"] == metadata["parameters"]


def test_a_registry_that_is_not_readable_is_not_taken_for_an_empty_one(stack: LocalStack) -> None:
    with ControlPlane({}) as plane:
        there = {**plane.environ(), "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": "/nowhere"}
        done = script(stack, "build-images.sh", "--release", "v1", **there)
    assert done.returncode == 1
    assert "the registry was not readable" in done.stderr
    assert "gcloud builds submit" not in done.stderr


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
