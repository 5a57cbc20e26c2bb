"""What Dataflow is sent, made with no cloud: by the same entry point that runs the job here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from apache_beam.portability.api import beam_runner_api_pb2
from google.cloud import storage

from localgcp.clients import CREDENTIALS
from localgcp.storage.emulator import StorageEmulator
from pipeline import main, raw, replay

Pipeline = beam_runner_api_pb2.Pipeline
IMAGE = "us-central1-docker.pkg.dev/test-project/prod-realtime-pipeline/pipeline:v1"
ACCOUNT = "prod-pipeline@test-project.iam.gserviceaccount.com"


@dataclass(frozen=True)
class Sent:
    """The job, as the API takes it, and the portable pipeline that it names."""

    job: dict[str, Any]
    pipeline: beam_runner_api_pb2.Pipeline

    def options(self) -> dict[str, Any]:
        found: dict[str, Any] = self.job["environment"]["sdkPipelineOptions"]["options"]
        return found


@pytest.fixture(scope="module")
def send(
    storage_emulator: StorageEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Makes jobs; what they stage goes into buckets on this machine."""
    folder = tmp_path_factory.mktemp("dataflow")
    credentials = folder / "credentials.json"
    credentials.write_text(json.dumps(CREDENTIALS))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in storage_emulator.env().items():
            patch.setenv(name, value)
        patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(credentials))
        for name in ("PROJECT_ID", "GOOGLE_CLOUD_PROJECT"):
            patch.delenv(name, raising=False)
        client = storage.Client(project="test-project")

        def make(
            name: str, *options: str, start: Callable[[list[str]], object] = main.main
        ) -> Sent:
            bucket = client.create_bucket(f"staging-{name}")
            template = folder / f"{name}.json"
            argv = ["--runner", "DataflowRunner", "--project", "test-project"]
            argv += ["--environment", "prod", "--template_location", str(template)]
            argv += ["--staging_location", f"gs://{bucket.name}/staging"]
            argv += ["--temp_location", f"gs://{bucket.name}/temp"]
            argv += ["--sdk_container_image", IMAGE, "--service_account_email", ACCOUNT, *options]
            start(argv)
            (staged,) = (b for b in bucket.list_blobs() if b.name.endswith("/pipeline.pb"))
            pipeline = Pipeline.FromString(staged.download_as_bytes())
            return Sent(json.loads(template.read_text()), pipeline)

        yield make
        client.close()


@pytest.fixture(scope="module")
def sent(send: Any) -> Sent:
    made: Sent = send("first")
    return made


def names(pipeline: beam_runner_api_pb2.Pipeline) -> set[str]:
    """Each step's full name."""
    transforms = pipeline.components.transforms.values()
    return {each.unique_name for each in transforms}


def test_the_job_streams_under_its_name_of_record(sent: Sent) -> None:
    assert sent.job["type"] == "JOB_TYPE_STREAMING"
    assert sent.job["name"] == "prod-realtime-data-pipeline"
    assert sent.options()["streaming"] is True
    unbounded = beam_runner_api_pb2.IsBounded.UNBOUNDED
    collections = sent.pipeline.components.pcollections.values()
    assert {each.is_bounded for each in collections} == {unbounded}


def test_workers_run_our_image_as_the_pipeline_s_account(sent: Sent) -> None:
    environment = sent.job["environment"]
    assert environment["serviceAccountEmail"] == ACCOUNT
    images = {
        each["containerImage"]
        for pool in environment["workerPools"]
        for each in pool["sdkHarnessContainerImages"]
    }
    assert images == {IMAGE}
    payloads = [
        beam_runner_api_pb2.DockerPayload.FromString(each.payload).container_image
        for each in sent.pipeline.components.environments.values()
        if each.urn == "beam:env:docker:v1"
    ]
    assert payloads == [IMAGE]


def test_no_worker_reads_what_only_a_laptop_has(sent: Sent) -> None:
    text = json.dumps(sent.job)
    assert "EMULATOR" not in text
    assert "127.0.0.1" not in text
    assert "localgcp" not in text


def test_a_step_has_the_same_name_here_and_there(sent: Sent) -> None:
    here, _, runner = main.assemble(["--project", "test-project", "--environment", "prod"])
    assert runner == "LocalRunner"
    local = here.to_runner_api()
    assert names(local)
    assert names(sent.pipeline) == names(local)


@pytest.mark.parametrize(
    "options",
    [
        ("--window_seconds", "5", "--max_event_bytes", "1000", "--table_wait_seconds", "1"),
        ("--environment", "dev", "--log_level", "DEBUG"),
        ("--sink", "storage_write", "--file_shards", "16", "--at_least_once"),
    ],
    ids=["other settings", "another environment", "another scale"],
)
def test_an_update_in_place_finds_every_step_again(
    sent: Sent, send: Any, options: tuple[str, ...]
) -> None:
    """Dataflow matches the state of a running job to the steps of its successor by their names."""
    later = send(f"later{len(options)}", *options)
    assert names(later.pipeline) == names(sent.pipeline)


def test_at_least_once_is_asked_of_the_service_and_only_when_told(sent: Sent, send: Any) -> None:
    def asked(job: Sent) -> list[str]:
        found: list[str] = job.job["environment"].get("serviceOptions", [])
        return found

    assert asked(sent) == []
    # As a template's launcher passes it, beside an option of the user's own.
    argv = ("--at_least_once=true", "--dataflow_service_option=enable_prime")
    assert asked(send("modes", *argv)) == ["enable_prime", main.AT_LEAST_ONCE]


def test_steps_with_state_keep_the_coders_of_their_state(sent: Sent, send: Any) -> None:
    """What is in an open window is read by the new job with the coders of the old one."""

    def coders(pipeline: beam_runner_api_pb2.Pipeline) -> list[str]:
        parts = pipeline.components
        (group,) = (
            each
            for each in parts.transforms.values()
            if each.unique_name == "WriteFiles/GroupByPrefix"
        )
        found = [parts.pcollections[each].coder_id for each in group.inputs.values()]
        urns = []
        while found:
            coder = parts.coders[found.pop(0)]
            urns.append(coder.spec.urn)
            found.extend(coder.component_coder_ids)
        return urns

    later = send("coders", "--window_seconds", "7", "--file_shards", "4")
    assert coders(sent.pipeline) == coders(later.pipeline)
    assert coders(sent.pipeline)[0] == "beam:coder:kv:v1"


def test_a_replay_is_a_batch_of_the_same_steps(send: Any) -> None:
    """Told as docs/replay.md has it, and made with no cloud."""
    span = ("--from", "2024-01-15T00:00:00Z", "--to", "2024-01-16T00:00:00Z")
    storage.Client(project="test-project").create_bucket("test-project-prod-raw-events")
    made = send("replay", *span, start=lambda argv: replay.Plan.of(argv).pipeline("staged").run())
    assert made.job["type"] == "JOB_TYPE_BATCH"
    bounded = beam_runner_api_pb2.IsBounded.BOUNDED
    assert {each.is_bounded for each in made.pipeline.components.pcollections.values()} == {bounded}
    assert {"Folders", "List", "Read", "Route", "InsertEvents", "InsertDeadLetters"} <= names(
        made.pipeline
    )
    assert not any(name.startswith("WriteFiles") for name in names(made.pipeline))
    assert "EMULATOR" not in json.dumps(made.job)


def test_a_replay_on_dataflow_reads_a_bucket(send: Any) -> None:
    span = ("--from", "2024-01-15T00:00:00Z", "--to", "2024-01-16T00:00:00Z")
    with pytest.raises(main.Misused, match="--source /tmp: workers of Dataflow read gs:// only"):
        send("replay-of-a-folder", *span, "--source", "/tmp", start=replay.Plan.of)
    with pytest.raises(raw.NoSource, match="--source gs://not-there: no such bucket"):
        send("replay-of-nothing", *span, "--source", "gs://not-there", start=replay.Plan.of)
