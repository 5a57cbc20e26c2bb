"""The plugin as another project has it: found by its entry point, with only pytest around it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.outside import example, run_pytest

FIXTURES = ("pubsub_topic", "bigquery_dataset", "gcs_bucket")
APART = """
import pytest
from google.cloud import pubsub_v1


@pytest.mark.parametrize("number", range(6))
def test_a_new_topic_each(number, pubsub_topic, session_pubsub_topic, seen=set()):
    assert pubsub_topic not in seen
    seen.add(pubsub_topic)
    project = "projects/" + pubsub_topic.split("/")[1]
    there = {each.name for each in pubsub_v1.PublisherClient().list_topics(project=project)}
    assert {pubsub_topic, session_pubsub_topic} == there  # those of earlier tests are gone


def test_the_stack_leads_a_process_of_its_own(gcp_stack):
    found = gcp_stack.environ()
    assert found["GOOGLE_CLOUD_PROJECT"] == gcp_stack.project_id
    assert {"PUBSUB_EMULATOR_HOST", "STORAGE_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST"} <= set(found)
"""


def test_the_documented_example_has_ten_lines_and_passes(tmp_path: Path) -> None:
    code = example()
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    done = run_pytest(tmp_path, code)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_it_runs_in_parallel(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, example() + APART, "-n", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed" in done.stdout


@pytest.mark.parametrize("fixture", FIXTURES)
def test_what_is_not_there_is_named(tmp_path: Path, fixture: str) -> None:
    code = f"def test_it({fixture}): pass"
    ports = {f"{name}_PORT": "1" for name in ("PUBSUB", "STORAGE", "BIGQUERY")}
    done = run_pytest(tmp_path, code, EMULATORS="compose", **ports)
    assert done.returncode == 1
    assert re.search(r"Unavailable: \w+: nothing answers on 127.0.0.1:1", done.stdout)


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "def test_it(gcp_stack): pass", EMULATORS="cloud")
    assert done.returncode == 1
    assert "EMULATORS should be one of embedded, testcontainers, compose, upstream" in done.stdout
