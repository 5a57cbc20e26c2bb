"""The console as a service of the stack: gcloud finds the job, the function, the service, logs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from local.messages import THREE
from tests.docker.compose import ROOT, ComposeStack, patience
from tests.docker.waiting import until

JOB, FUNCTION, SERVICE = (
    "dev-realtime-data-pipeline",
    "dev-bigquery-table-manager",
    "dev-event-generator",
)
REGION = "--region=us-central1"
needs_gcloud = pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")


@pytest.fixture(scope="module")
def led(stack: ComposeStack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `local env` says to a shell of this machine, by the stack's addresses."""
    data = {"LOCAL_DATA_DIR": str(tmp_path_factory.mktemp("env"))}
    done = subprocess.run(
        [sys.executable, "-m", "local", "env", "--json"],
        cwd=ROOT,
        env={**os.environ, **stack.attached(), **data},
        capture_output=True,
        text=True,
        timeout=60 * patience(),
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture
def gcloud(led: dict[str, str], tmp_path: Path) -> Any:
    """Runs gcloud in that shell; gives what it prints."""

    def run(*args: str, **environ: str) -> str:
        done = subprocess.run(
            ["gcloud", *args],
            env={**os.environ, "HOME": str(tmp_path), **led, **environ},
            capture_output=True,
            text=True,
            timeout=120 * patience(),
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def get(stack: ComposeStack, path: str) -> Any:
    with urllib.request.urlopen(stack.url("console") + path, timeout=60) as reply:
        return json.load(reply)


def jobs(stack: ComposeStack) -> list[dict[str, Any]]:
    found = get(stack, "/v1b3/projects/local-project/locations/us-central1/jobs")
    return list(found["jobs"])


def test_it_is_healthy_on_this_machine_alone(stack: ComposeStack) -> None:
    found = stack.container("console")
    assert found["State"]["Health"]["Status"] == "healthy"
    [published] = found["NetworkSettings"]["Ports"]["8084/tcp"]
    assert published["HostIp"] == "127.0.0.1"
    assert get(stack, "/health") == {"status": "ok", "running": 3}


def test_the_job_is_the_same_one_while_it_runs(stack: ComposeStack) -> None:
    """`docker compose up`, typed again, provisions again."""
    [before] = jobs(stack)
    assert (before["name"], before["currentState"]) == (JOB, "JOB_STATE_RUNNING")
    stack.compose("run", "--rm", "--no-TTY", "--no-deps", "local", "provision")
    [after] = jobs(stack)
    assert after["id"] == before["id"]


@needs_gcloud
def test_gcloud_lists_what_runs(gcloud: Any) -> None:
    assert JOB in gcloud("dataflow", "jobs", "list", REGION)
    assert FUNCTION in gcloud("functions", "list")
    assert SERVICE in gcloud("run", "services", "list")


@needs_gcloud
def test_gcloud_reads_what_the_containers_wrote(stack: ComposeStack, gcloud: Any) -> None:
    stack.json("send", "-", stdin=THREE[0].decode())
    stack.drained(1)
    asked = ("logging", "read", 'resource.type="dataflow_step"', "--format=value(textPayload)")
    until(lambda: "reading projects/local-project" in gcloud(*asked), 60, "the job's first line")
    said = gcloud("functions", "logs", "read", FUNCTION)
    assert said.strip()


@needs_gcloud
def test_gcloud_describes_a_service(stack: ComposeStack, gcloud: Any) -> None:
    """It puts the region before the host; docs/docker.md says what brings it here."""
    words = ("run", "services", "describe", SERVICE, REGION, "--format=value(status.url)")
    assert gcloud(*words, http_proxy=stack.url("console"), no_proxy="").strip()
    listed = ("run", "services", "list", f"--filter=metadata.name={SERVICE}")
    assert gcloud(*listed, "--format=value(status.url)").strip() == "http://generator:8080"


def test_beside_the_stack_a_region_before_the_host_is_no_other_host(stack: ComposeStack) -> None:
    script = (
        "from urllib.request import urlopen; print(urlopen('http://us-central1-console:8084"
        f"/apis/serving.knative.dev/v1/namespaces/local-project/services/{SERVICE}').status)"
    )
    words = ("run", "--rm", "--no-TTY", "--no-deps", "--entrypoint", "python", "local", "-c")
    assert stack.compose(*words, script).stdout.strip() == "200"


def test_local_logs_shows_them_too(stack: ComposeStack) -> None:
    done = stack.run("logs", "pipeline")
    assert "reading projects/local-project" in done.stdout
