from __future__ import annotations

import json
from pathlib import Path

import pytest
from apache_beam.portability.api import beam_runner_api_pb2
from google.cloud import storage

from event_types import registry
from localgcp.clients import CREDENTIALS
from pipeline import main

HERE = ("--project", "test-project")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROJECT_ID", "GOOGLE_CLOUD_PROJECT", *map(str.upper, main.JobOptions.VARIABLES)):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "environment variable PROJECT_ID is not set"),
        (["--project", "test-project", "--window_seconds", "x"], "WINDOW_SECONDS should be a num"),
        ([*HERE, "--sink", "STREAMING"], "--sink STREAMING: expected insert_all or storage_write"),
        ([*HERE, "--file_shards", "0"], "--file_shards 0: expected a whole number, 1 to 999"),
        ([*HERE, "--file_shards", "1000"], "--file_shards 1000: expected a whole number, 1 to 999"),
        ([*HERE, "--file_shards", "four"], "--file_shards four: expected a whole number, 1 to 999"),
        ([*HERE, "--at_least_once", "yes"], "--at_least_once yes: expected true or false"),
        (
            [*HERE, "--at_least_once"],
            "--at_least_once true: a mode of DataflowRunner, not of Local",
        ),
        (
            [*HERE, "--schema_contract", "melt"],
            "SCHEMA_CONTRACT should be one of evolve, freeze, discard",
        ),
        (["--runner", "PrismRunner"], "--runner PrismRunner: expected LocalRunner"),
        (["--runner", "DirectRunner", "--status_prot", "0"], "unknown option --status_prot"),
    ],
)
def test_a_misused_command_line_is_told_and_ends_with_2(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(argv) == main.MISUSED
    assert said in capsys.readouterr().err


def test_the_write_api_is_the_emulators_unless_dataflow_runs_the_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = main.JobOptions([*HERE, "--sink", "storage_write"])
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9050")
    for runner, address in (("LocalRunner", "127.0.0.1:9050"), ("DataflowRunner", None)):
        _, config = main.configure(options, runner)
        assert (config.tables.sink, config.tables.write_api) == ("storage_write", address)


def test_scale_is_options_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    _, small = main.configure(main.JobOptions([*HERE]))
    assert (small.tables.sink, small.file_shards) == ("insert_all", 1)
    argv = [*HERE, "--sink", "storage_write", "--file_shards", "16", "--schema_contract", "freeze"]
    _, large = main.configure(main.JobOptions(argv))
    assert (large.tables.sink, large.file_shards) == ("storage_write", 16)
    assert (small.tables.contract, large.tables.contract) == ("evolve", "freeze")


def test_options_stand_before_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECT_ID", "from-variable")
    monkeypatch.setenv("ENVIRONMENT", "dev")
    monkeypatch.setenv("TABLE_WAIT_SECONDS", "7")
    options = main.JobOptions(
        ["--project", "from-option", "--environment", "prod", "--window_seconds", "5"]
    )
    here, config = main.configure(options)
    assert here.subscription == (
        "projects/from-option/subscriptions/prod-backend-events-subscription"
    )
    assert config.tables.project == "from-option"
    assert config.tables.dataset == "prod_events_dataset"
    assert config.bucket == "from-option-prod-raw-events"
    assert (config.window_seconds, config.tables.wait_seconds) == (5.0, 7.0)
    assert config.event_types == registry.ALL


@pytest.fixture
def dataflow_graph(
    bucket: storage.Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> beam_runner_api_pb2.Components:
    """What Dataflow would be sent, made with no cloud: staged in the bucket."""
    credentials = tmp_path / "credentials.json"
    credentials.write_text(json.dumps(CREDENTIALS))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(credentials))
    root = f"gs://{bucket.name}"
    argv = ["--runner", "DataflowRunner", "--project", "test-project", "--environment", "prod"]
    argv += ["--template_location", str(tmp_path / "job.json"), "--temp_location", f"{root}/tmp"]
    argv += ["--staging_location", root, "--sdk_location", "container"]
    argv += ["--sdk_container_image", "image:1"]
    assert main.main(argv) == main.DONE
    (staged,) = (blob for blob in bucket.list_blobs() if blob.name.endswith("/pipeline.pb"))
    return beam_runner_api_pb2.Pipeline.FromString(staged.download_as_bytes()).components


def test_dataflow_gets_the_whole_graph(dataflow_graph: beam_runner_api_pb2.Components) -> None:
    steps = {each.unique_name: each.spec for each in dataflow_graph.transforms.values()}
    # A running job can be updated only while these names stay as they are.
    assert steps.keys() >= {
        "Read",
        "Route",
        "InsertEvents",
        "AllDeadLetters",
        "InsertDeadLetters",
        "AllRows",
        "WriteFiles/Gather",
        "WriteFiles/Window",
        "WriteFiles/GroupByPrefix",
        "WriteFiles/Write",
    }
    read = beam_runner_api_pb2.PubSubReadPayload.FromString(steps["Read/Read"].payload)
    assert steps["Read/Read"].urn == "beam:transform:pubsub_read:v1"
    assert read.subscription.endswith(
        "/test-project/subscriptions/prod-backend-events-subscription"
    )
    assert read.with_attributes
    assert not read.timestamp_attribute
    lateness = {each.allowed_lateness for each in dataflow_graph.windowing_strategies.values()}
    assert lateness == {0, 7 * 24 * 3600 * 1000}
