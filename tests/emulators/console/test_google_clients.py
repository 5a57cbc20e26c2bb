"""Google's own clients ask the console: their discovery documents, Dataflow's library, gcloud."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import dataflow_v1beta3
from googleapiclient import discovery
from googleapiclient.errors import HttpError

from localgcp import clients
from localgcp.base import LOOPBACK
from localgcp.console.emulator import ConsoleEmulator

PROJECT, REGION = "test-project", "us-central1"
STARTED = "2026-11-26T01:00:00+00:00"
PLACE = f"projects/{PROJECT}/locations/{REGION}"
needs_gcloud = pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")


@dataclass
class Parts:
    """A job, a function and a service in one: what the facts lead to."""

    state: str = "RUNNING"
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        parts = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = {"state": parts.state, "pulled": 3, "counters": {"sink.rows": 2}}
                body = json.dumps(page).encode()
                self.send_response(500 if self.path == "/ill" else 200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                parts.state = "DONE"
                self.do_GET()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer((LOOPBACK, 0), Handler)

    def facts(self) -> dict[str, Any]:
        here = f"http://{LOOPBACK}:{self.server.server_port}"
        part = {"url": here, "started": STARTED}
        job = {"id": "j-1", "name": "my-job", "started": STARTED, "log": "job"}
        run = {"runtime": "python311", "entry_point": "main", "log": "function"}
        topic = f"projects/{PROJECT}/topics/my-topic"
        return {
            "project": PROJECT,
            "jobs": [{**job, "status": f"{here}/status", "drain": f"{here}/drain"}],
            "functions": [{"name": "my-function", **part, **run, "health": here, "topic": topic}],
            "services": [{"name": "my-service", **part, "health": f"{here}/ill", "log": "service"}],
        }


@pytest.fixture
def parts() -> Iterator[Parts]:
    made = Parts()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def console(parts: Parts, tmp_path: Path) -> Iterator[str]:
    """Where the console listens, HOST:PORT."""
    (tmp_path / "function.log").write_text("2026-11-26T01:00:05.000Z INFO made a table\n")
    (tmp_path / "job.log").write_text("2026-11-26T01:00:06.000Z WARNING a table is missing\n")
    emulator = ConsoleEmulator(logs=tmp_path)
    emulator.start()
    address = f"{LOOPBACK}:{emulator.port}"
    put(address, parts.facts())
    yield address
    emulator.stop()


def put(address: str, facts: dict[str, Any]) -> None:
    body = json.dumps(facts).encode()
    headers = {"content-type": "application/json"}
    url = f"http://{address}/_emulator/facts"
    urlopen(Request(url, body, headers, method="PUT"), timeout=5).close()


@contextmanager
def api(name: str, version: str, address: str) -> Iterator[Any]:
    """A client made from the document that google-api-python-client ships."""
    options = ClientOptions(api_endpoint=f"http://{address}/")
    credentials = AnonymousCredentials()
    with discovery.build(
        name, version, credentials=credentials, client_options=options, static_discovery=True
    ) as made:
        yield made


def test_functions_and_services_are_listed_as_they_are(console: str) -> None:
    with api("cloudfunctions", "v2", console) as made:
        look_at_functions(made.projects().locations().functions())
    with api("run", "v1", console) as made:
        services = made.projects().locations().services()
        listed = services.list(parent=f"projects/{PROJECT}/locations/-").execute()["items"]
    ready = {s["metadata"]["name"]: s["status"]["conditions"][0]["status"] for s in listed}
    assert ready == {"my-function": "True", "my-service": "False"}


def look_at_functions(functions: Any) -> None:
    (found,) = functions.list(parent=f"projects/{PROJECT}/locations/-").execute()["functions"]
    assert (found["name"], found["state"]) == (f"{PLACE}/functions/my-function", "ACTIVE")
    assert functions.get(name=found["name"]).execute() == found
    with pytest.raises(HttpError, match=r"404.*function not found"):
        functions.get(name=f"{PLACE}/functions/other").execute()
    with pytest.raises(HttpError, match=r"501.*not supported by the emulator: DELETE"):
        functions.delete(name=found["name"]).execute()


def test_log_entries_are_read_by_a_filter_and_written(console: str) -> None:
    with api("logging", "v2", console) as made:
        read_and_write(made.entries())


def read_and_write(entries: Any) -> None:
    asked = {"resourceNames": [f"projects/{PROJECT}"], "orderBy": "timestamp desc"}
    by_job = {**asked, "filter": 'resource.type="dataflow_step" severity>=WARNING'}
    (found,) = entries.list(body=by_job).execute()["entries"]
    assert found["textPayload"] == "WARNING a table is missing"
    log = f"projects/{PROJECT}/logs/mine"
    entries.write(body={"logName": log, "entries": [{"textPayload": "by hand"}]}).execute()
    assert entries.list(body=asked).execute()["entries"][0]["textPayload"] == "by hand"
    for bad in ({**asked, "orderBy": "severity"}, {**asked, "filter": "("}, {"filter": ""}):
        with pytest.raises(HttpError, match="400"):
            entries.list(body=bad).execute()


def test_a_job_is_shown_measured_and_drained_by_dataflow_s_library(
    console: str, parts: Parts
) -> None:
    def client(kind: Any) -> Any:
        transport = kind.get_transport_class("rest")
        credentials = AnonymousCredentials()
        return kind(transport=transport(host=console, url_scheme="http", credentials=credentials))

    with (
        client(dataflow_v1beta3.JobsV1Beta3Client) as jobs,
        client(dataflow_v1beta3.MetricsV1Beta3Client) as metrics,
    ):
        look_and_drain(jobs, metrics)
    assert parts.state == "DONE"


def look_and_drain(jobs: Any, metrics: Any) -> None:
    where = {"project_id": PROJECT, "location": REGION, "job_id": "j-1"}
    job = jobs.get_job(dataflow_v1beta3.GetJobRequest(**where))
    assert (job.name, job.current_state.name) == ("my-job", "JOB_STATE_RUNNING")
    told = metrics.get_job_metrics(dataflow_v1beta3.GetJobMetricsRequest(**where)).metrics
    assert {each.name.name: each.scalar for each in told} == {"rows": 2, "pulled": 3}
    drained = dataflow_v1beta3.JobState.JOB_STATE_DRAINED
    change = dataflow_v1beta3.Job(requested_state=drained)
    jobs.update_job(dataflow_v1beta3.UpdateJobRequest(**where, job=change))
    (listed,) = jobs.list_jobs(
        dataflow_v1beta3.ListJobsRequest(project_id=PROJECT, location=REGION)
    )
    assert listed.current_state == drained
    assert listed.current_state_time > job.create_time


def test_facts_outlive_a_restart_and_a_silent_job_is_unknown(parts: Parts, tmp_path: Path) -> None:
    emulator = ConsoleEmulator(data_dir=tmp_path)
    emulator.start()
    put(f"{LOOPBACK}:{emulator.port}", {**parts.facts(), "functions": [], "services": []})
    emulator.stop()
    again = ConsoleEmulator(data_dir=tmp_path)
    again.start()
    parts.server.shutdown()
    parts.server.server_close()
    with api("dataflow", "v1b3", f"{LOOPBACK}:{again.port}") as made:
        (found,) = made.projects().jobs().list(projectId=PROJECT).execute()["jobs"]
    assert (found["id"], found["currentState"]) == ("j-1", "JOB_STATE_UNKNOWN")
    again.stop()


@needs_gcloud
@pytest.mark.installed
def test_gcloud_finds_it_all(console: str, tmp_path: Path) -> None:
    clients.write_files(tmp_path, console, PROJECT)
    environ = {
        **os.environ,
        **clients.environ(tmp_path, {"console": console}, PROJECT),
        **clients.tools(tmp_path, PROJECT),
        "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
    }

    def gcloud(*words: str, **more: str) -> str:
        done = subprocess.run(
            ["gcloud", *words],
            env={**environ, **more},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "made a table" in gcloud("functions", "logs", "read", "my-function", "--start-time=2026")
    of_run = ("run", "services", "describe", "my-service", f"--region={REGION}")
    url = gcloud(*of_run, "--format=value(status.url)", http_proxy=f"http://{console}")
    assert url.startswith(f"http://{LOOPBACK}:")
