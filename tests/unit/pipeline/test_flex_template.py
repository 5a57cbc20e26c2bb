"""docker/flex-template/metadata.json: the parameters that Dataflow checks before a job starts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import googleapiclient
import pytest

from pipeline.main import JobOptions

ROOT = Path(__file__).parents[3]
METADATA = json.loads((ROOT / "docker" / "flex-template" / "metadata.json").read_text())
PARAMETERS = {each["name"]: each for each in METADATA["parameters"]}
SAMPLES = {
    "environment": (["dev", "prod-2"], ["", "Dev", "2dev", "dev_1", "-dev"]),
    "log_level": (["INFO", "DEBUG"], ["info", "LOUD", ""]),
    "window_seconds": (["60", "0.5", "10.25", "0.05"], ["0", "-1", "0.0", "sixty", "1e3", ""]),
    "max_event_bytes": (["1048576", "1"], ["0", "-1", "1.5", ""]),
    "table_wait_seconds": (["0", "300", "1.5"], ["-1", "long", ""]),
    "schema_contract": (["evolve", "freeze", "discard"], ["Evolve", "none", ""]),
    "otel_exporter_otlp_endpoint": (
        ["http://collector:4318", "https://telemetry.googleapis.com"],
        ["collector:4318", "ftp://collector", ""],
    ),
    "sink": (["insert_all", "storage_write"], ["STORAGE_WRITE_API", ""]),
    "file_shards": (["1", "16", "999"], ["0", "-1", "1.5", "1000", "many", ""]),
    "at_least_once": (["true", "false"], ["True", "1", ""]),
    "worker_zone": (["us-central1-b", "europe-west4-a"], ["us-central1", "b", ""]),
}


def schema(name: str) -> dict[str, Any]:
    """A message of the Dataflow API, from its discovery document."""
    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    document = json.loads((folder / "dataflow.v1b3.json").read_text())
    found: dict[str, Any] = document["schemas"][name]["properties"]
    return found


def test_the_service_knows_every_field() -> None:
    assert set(METADATA) <= set(schema("TemplateMetadata"))
    known = schema("ParameterMetadata")
    for parameter in METADATA["parameters"]:
        assert set(parameter) <= set(known)
        assert parameter["paramType"] in known["paramType"]["enum"]
        assert parameter["label"]
        assert parameter["helpText"]


def test_every_option_of_the_job_is_a_parameter() -> None:
    assert set(PARAMETERS) - {"worker_zone"} == {*JobOptions.VARIABLES, *JobOptions.SCALE}


def test_what_terraform_passes_is_declared() -> None:
    text = (ROOT / "terraform" / "dataflow.tf").read_text()
    (block,) = re.findall(r"parameters\s+= merge\((.*?)\n  \)", text, re.DOTALL)
    passed = set(re.findall(r"(\w+)\s+= ", block))
    assert {"environment", "worker_zone"} <= passed <= set(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_pattern_takes_good_values_and_no_other(name: str) -> None:
    good, bad = SAMPLES[name]
    (pattern,) = PARAMETERS[name]["regexes"]
    assert [each for each in good if not re.fullmatch(pattern, each)] == []
    assert [each for each in bad if re.fullmatch(pattern, each)] == []


def test_the_launcher_runs_the_file_that_is_in_the_image() -> None:
    stage = (ROOT / "docker" / "Dockerfile").read_text().split(" AS flex-template")[1]
    (path,) = re.findall(r"FLEX_TEMPLATE_PYTHON_PY_FILE=(\S+)", stage)
    assert (ROOT / Path(path).relative_to("/app")).exists()
    assert 'ENTRYPOINT ["/opt/apache/beam/boot"]' in stage
