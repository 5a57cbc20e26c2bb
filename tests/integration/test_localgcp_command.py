"""The command `localgcp` as a guest types it: up, env, run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from localgcp.base import LOOPBACK, claim_port
from localgcp.emulators import build
from localgcp.environment import PORTS, cache_folder

COMMAND = (sys.executable, "-m", "localgcp")
CLIENTS = """
from google.cloud import bigquery, pubsub_v1, storage
topic = pubsub_v1.PublisherClient().create_topic(name="projects/local-project/topics/by-env")
storage.Client().create_bucket("by-env")
bigquery.Client().create_dataset("by_env")
print(topic.name)
"""
STREAMING = """
import argparse, sys
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from google.cloud import pubsub_v1
import helper

class Note(beam.DoFn):
    def process(self, data):
        print("got", data.decode(), helper.WORD, flush=True)
        yield data

known, rest = argparse.ArgumentParser().parse_known_args()
publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
topic = publisher.create_topic(name="projects/local-project/topics/mine").name
name = "projects/local-project/subscriptions/mine"
subscriber.create_subscription(name=name, topic=topic)
publisher.publish(topic, b"one").result(20)
pipeline = beam.Pipeline(options=PipelineOptions(rest, streaming=True))
pipeline | beam.io.ReadFromPubSub(subscription=name) | beam.ParDo(Note())
pipeline.run().wait_until_finish(duration=4000)
sys.exit(7)
"""
BOUNDED = """
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

pipeline = beam.Pipeline(options=PipelineOptions())
pipeline | beam.Create(["all", "of", "it"]) | beam.io.WriteToText("out")
pipeline.run()
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """No emulator known, ports of this test's own, an empty home."""
    known = ("_EMULATOR_HOST", "GOOGLE_APPLICATION")
    clean = {name: text for name, text in os.environ.items() if not any(k in name for k in known)}
    services = (*PORTS, "console")
    ports = {f"{name.upper()}_PORT": str(claim_port(name, LOOPBACK, 0)) for name in services}
    cache = {"LOCALGCP_CACHE": str(cache_folder())}
    return {**clean, **ports, **cache, "HOME": str(tmp_path)}


def localgcp(
    environ: dict[str, str], cwd: Path, *args: str | Path, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, args)],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture
def running(environ: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [*COMMAND, "up", "--data-dir", str(tmp_path / "data")]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True
    ) as up:
        assert up.stdout is not None
        for line in up.stdout:
            if line.startswith("Elsewhere"):
                break
        try:
            yield up
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(30)


def test_up_and_env_lead_the_clients(
    running: subprocess.Popen[str], environ: dict[str, str], tmp_path: Path
) -> None:
    led = json.loads(localgcp(environ, tmp_path, "env", "--json").stdout)
    assert "CONSOLE_URL" not in led
    done = subprocess.run(
        [sys.executable, "-c", CLIENTS],
        env={**environ, **led},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "projects/local-project/topics/by-env"
    shell = subprocess.run(
        ["sh", "-c", f'eval "$({" ".join(COMMAND)} env)" && echo $BIGQUERY_EMULATOR_HOST'],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shell.stdout.strip() == led["BIGQUERY_EMULATOR_HOST"]
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == 0
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == sorted(PORTS)


def test_env_leads_gcloud_to_a_console_where_there_is_one(
    running: subprocess.Popen[str], environ: dict[str, str], tmp_path: Path
) -> None:
    console = build("console", LOOPBACK, int(environ["CONSOLE_PORT"]), None)
    console.start()
    try:
        led = json.loads(localgcp(environ, tmp_path, "env", "--json").stdout)
    finally:
        console.stop()
    assert led["CONSOLE_URL"] == f"http://{LOOPBACK}:{environ['CONSOLE_PORT']}"
    assert led["CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING"] == f"{led['CONSOLE_URL']}/"


def test_env_says_who_does_not_answer(environ: dict[str, str], tmp_path: Path) -> None:
    done = localgcp(environ, tmp_path, "env")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"nothing answers on 127.0.0.1:{environ['PUBSUB_PORT']}" in done.stderr
    done = localgcp({**environ, "PUBSUB_PORT": "99999"}, tmp_path, "env")
    assert done.returncode == 2
    assert "PUBSUB_PORT should be a port from 1 to 65535; got '99999'" in done.stderr


def test_a_script_of_beams_own_runs_here_whatever_runner_it_names(
    environ: dict[str, str], tmp_path: Path
) -> None:
    spec = find_spec("apache_beam.examples.wordcount")
    assert spec is not None
    assert spec.origin is not None
    (tmp_path / "words.txt").write_text("to be or not to be\n")
    cloud = ("--runner", "DataflowRunner", "--project", "a-project", "--region", "us-central1")
    done = localgcp(
        environ,
        tmp_path,
        *("run", spec.origin, "--input", tmp_path / "words.txt", "--output", tmp_path / "counts"),
        *(*cloud, "--temp_location", "gs://nowhere/temp"),
    )
    assert done.returncode == 0, done.stderr
    lines = [line for path in tmp_path.glob("counts*") for line in path.read_text().splitlines()]
    assert sorted(lines) == ["be: 2", "not: 1", "or: 1", "to: 2"]
    assert "LocalRunner runs it here" in done.stderr


def test_a_streaming_script_finds_emulators_of_its_own(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "helper.py").write_text('WORD = "beside"\n')
    (tmp_path / "script.py").write_text(STREAMING)
    done = localgcp(environ, tmp_path, "run", tmp_path / "script.py")
    assert done.returncode == 7, done.stderr
    assert "got one beside" in done.stdout
    assert "no emulators run, so these are started" in done.stderr


def test_a_script_that_does_not_wait_for_its_bounded_job_gets_all_of_it(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(BOUNDED)
    done = localgcp({**environ, "PUBSUB_EMULATOR_HOST": "none:1"}, tmp_path, "run", "script.py")
    assert done.returncode == 0, done.stderr
    written = [path.read_text().split() for path in tmp_path.glob("out-*")]
    assert sorted(word for words in written for word in words) == ["all", "it", "of"]


def test_a_script_that_is_not_there_is_named(environ: dict[str, str], tmp_path: Path) -> None:
    done = localgcp(environ, tmp_path, "run", tmp_path / "none.py")
    assert done.returncode == 2
    assert f"no script at {tmp_path / 'none.py'}" in done.stderr
