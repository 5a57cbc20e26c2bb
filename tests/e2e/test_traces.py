"""One event's spans are one trace, from its publishing to its ack, over the stack's processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.cloud import pubsub_v1
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from local.wire import ask
from localgcp import environment
from tests.e2e.conftest import PATIENCE, LocalStack, until
from tests.otlp import Receiver, Span, receiving

TOPIC, SUBSCRIPTION = "dev-backend-events-topic", "dev-backend-events-subscription"
REQUESTS, BUCKET = "dev-table-requests-topic", "local-project-dev-raw-events"
GENERATOR, JOB = "dev-event-generator", "dev-realtime-data-pipeline"
STEPS = {
    f"send {TOPIC}",
    f"receive {SUBSCRIPTION}",
    f"process {SUBSCRIPTION}",
    f"write {BUCKET}",
    f"ack {SUBSCRIPTION}",
}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[LocalStack]:
    if environment.kind() != "embedded":
        pytest.skip(f"EMULATORS={environment.kind()}: no container could reach the receiver")
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    made = LocalStack(tmp_path_factory.mktemp("traces"), settings=told)
    try:
        made.up()
        yield made
    finally:
        made.stop()


def one_trace(spans: list[Span], name: str, **said: str) -> dict[str, Span]:
    """The spans of the trace whose span of this name says this, by name."""
    (trace,) = {
        each.trace
        for each in spans
        if each.name == name and said.items() <= each.attributes.items()
    }
    return {each.name: each for each in spans if each.trace == trace}


def test_an_event_is_one_trace_from_publish_to_ack(stack: LocalStack, receiver: Receiver) -> None:
    url = f"http://127.0.0.1:{stack.port('generator')}/generate/single/order"
    event_id = ask("POST", url)["event_id"]
    names = {*STEPS, "insert orders", f"send {REQUESTS}", f"process {REQUESTS}"}
    found = one_trace(
        receiver.wait(names, PATIENCE), f"send {TOPIC}", **{"pipeline.event_id": event_id}
    )
    assert set(found) == names
    assert {name: each.service for name, each in found.items()} == {
        **dict.fromkeys(names, JOB),
        f"send {TOPIC}": GENERATOR,
        f"process {REQUESTS}": "dev-bigquery-table-manager",
    }
    above = {each.id: name for name, each in found.items()}
    assert {name: above.get(each.parent) for name, each in found.items()} == {
        f"send {TOPIC}": None,
        f"receive {SUBSCRIPTION}": f"send {TOPIC}",
        f"process {SUBSCRIPTION}": f"send {TOPIC}",
        f"ack {SUBSCRIPTION}": f"send {TOPIC}",
        "insert orders": f"process {SUBSCRIPTION}",
        f"write {BUCKET}": f"process {SUBSCRIPTION}",
        f"send {REQUESTS}": f"process {SUBSCRIPTION}",
        f"process {REQUESTS}": f"send {REQUESTS}",
    }
    order = [f"send {TOPIC}", f"process {SUBSCRIPTION}", "insert orders", f"ack {SUBSCRIPTION}"]
    assert [found[name].began for name in order] == sorted(found[name].began for name in order)
    assert all(each.began <= each.ended for each in found.values())
    assert found[f"process {SUBSCRIPTION}"].attributes["pipeline.table"] == "orders"
    assert str(found[f"write {BUCKET}"].attributes["gcp.storage.object"]).startswith(
        "output/order/"
    )


@pytest.fixture
def stranger(stack: LocalStack, receiver: Receiver) -> Iterator[pubsub_v1.PublisherClient]:
    """Google's client, with its own spans, which it makes by the process's provider."""
    provider = TracerProvider(resource=Resource({"service.name": "stranger"}))
    exporter = OTLPSpanExporter(f"{receiver.endpoint}/v1/traces")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    options = pubsub_v1.types.PublisherOptions(enable_open_telemetry_tracing=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.json("env").items():
            patch.setenv(name, value)
        with pubsub_v1.PublisherClient(publisher_options=options) as publisher:
            yield publisher
    provider.shutdown()


def test_a_trace_of_google_s_client_goes_on_and_says_why_its_message_is_a_dead_letter(
    stranger: pubsub_v1.PublisherClient, receiver: Receiver
) -> None:
    stranger.publish(f"projects/local-project/topics/{TOPIC}", b"no event").result(30)
    made = {f"{TOPIC} create", "publisher flow control", "publisher batching"}
    steps = {*STEPS - {f"send {TOPIC}"}, "insert dead_letter_events"}
    (begun,) = {
        each.trace for each in receiver.wait(made, PATIENCE) if each.name == f"{TOPIC} create"
    }

    def found() -> dict[str, Span]:
        return {each.name: each for each in receiver.spans if each.trace == begun}

    until(lambda: set(found()) >= made | steps, PATIENCE, "all spans of the trace")
    spans = found()
    assert set(spans) - {f"{TOPIC} publish"} == made | steps
    processed = spans[f"process {SUBSCRIPTION}"]
    assert processed.parent == spans[f"{TOPIC} create"].id
    assert processed.failed
    assert processed.attributes["error.type"] == "not_json"
    assert not spans["insert dead_letter_events"].failed
