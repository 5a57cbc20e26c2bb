"""Spans as a collector receives them, and what a message bears of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from apache_beam.io.gcp.pubsub import PubsubMessage
from google.api_core.exceptions import ServiceUnavailable
from google.pubsub_v1.types import PubsubMessage as Published
from google.pubsub_v1.types import ReceivedMessage

import settings
import telemetry
from event_types import registry
from pipeline import tracing
from pipeline.events import Route
from pipeline.insertion import Fault
from pipeline.record import Message, Row
from pipeline.storage_sink import Gather
from telemetry import Exporting, Recorder, traceparent
from tests.otlp import Receiver, receiving

TOPIC, SUBSCRIPTION = "projects/shop/topics/orders", "projects/shop/subscriptions/orders-job"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNSAMPLED = PARENT[:-1] + "0"
NOW = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def to(receiver: Receiver) -> Exporting:
    return Exporting(f"{receiver.endpoint}/v1/traces", "shop-job", "dev", "shop")


@pytest.fixture
def told(to: Exporting) -> Iterator[Recorder]:
    """The process's recorder for this endpoint, as the code under test finds it."""
    made = telemetry.recorder(to)
    yield made
    made.close()


def row(trace: str, table: str = "orders") -> Row:
    message = Message("one", b"{}", {}, NOW, trace)
    return Row(table, {"reason": "not_json", "detail": "at 1"}, "output/order", b"{}", message)


def test_a_message_bears_the_trace_of_its_publishing(told: Recorder, receiver: Receiver) -> None:
    span, attributes = told.send(TOPIC, {"event_id": "one"}, 2, "a key")
    span.end()
    told.flush()
    (found,) = receiver.spans
    assert attributes == {"event_id": "one", "traceparent": traceparent(span)}
    assert attributes["traceparent"][:-2] == f"00-{found.trace}-{found.id}-"
    assert int(attributes["traceparent"][-2:], 16) & 1, "sampled"
    assert (found.service, found.name, found.kind) == ("shop-job", "send orders", "PRODUCER")
    assert found.attributes == {
        "messaging.system": "gcp_pubsub",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "orders",
        "gcp.project_id": "shop",
        "messaging.message.body.size": 2,
        "messaging.gcp_pubsub.message.ordering_key": "a key",
        "pipeline.event_id": "one",
    }


@pytest.mark.parametrize("parent", ["", "nonsense", "00-0-0-01", "\0" * 55])
def test_a_parent_that_can_t_be_read_begins_a_trace(
    told: Recorder, receiver: Receiver, parent: str
) -> None:
    told.start("step", "INTERNAL", {}, parent).end()
    told.flush()
    assert [each.parent for each in receiver.spans] == [""]


def test_what_its_publisher_does_not_sample_is_not_told_but_goes_on_so(
    told: Recorder, receiver: Receiver
) -> None:
    span, attributes = told.send(TOPIC, {}, 0, parent=UNSAMPLED)
    span.end()
    told.flush()
    assert receiver.spans == []
    assert attributes["traceparent"].startswith(UNSAMPLED[:36])
    assert attributes["traceparent"].endswith("-00")


def test_the_environment_has_the_last_word_on_the_service_s_name(
    to: Exporting, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    told = Recorder(to)
    told.start("step", "INTERNAL", {}).end()
    told.close()
    assert [each.service for each in receiver.spans] == ["mine"]


def test_an_error_marks_its_span_and_passes(told: Recorder, receiver: Receiver) -> None:
    with pytest.raises(ValueError, match="no"), told.doing("step", "INTERNAL", {}, PARENT):
        raise ValueError("no")
    told.flush()
    (found,) = receiver.spans
    assert found.failed
    assert found.attributes == {"error.type": "ValueError"}


def test_a_routed_event_is_told_of(to: Exporting, told: Recorder, receiver: Receiver) -> None:
    route = Route(registry.ALL, 1000, subscription=SUBSCRIPTION, exporting=to)
    route.start_bundle()
    sent = {"event_id": "one", "traceparent": PARENT}
    (routed,) = route.process(PubsubMessage(b"{", sent, "4711", NOW))
    told.flush()
    (found,) = receiver.spans
    assert (found.name, found.kind, found.failed) == ("process orders-job", "CONSUMER", True)
    assert (found.trace, found.parent) == (PARENT[3:35], PARENT[36:52])
    assert found.attributes["pipeline.event_id"] == "one"
    assert found.attributes["error.type"] == "not_json"
    letter: Any = routed
    assert letter.value.message.trace == f"00-{found.trace}-{found.id}-01"


def test_without_an_endpoint_a_message_has_no_trace() -> None:
    route = Route(registry.ALL, 1000)
    route.start_bundle()
    routed: Any = next(route.process(PubsubMessage(b"{", {"traceparent": PARENT}, "4711", NOW)))
    assert routed.value.message.trace == ""


class Sends:
    """A way into tables that refuses some rows, or fails."""

    def __init__(self, wrong: list[Row], error: Exception | None = None) -> None:
        self.wrong, self.error = wrong, error

    def send(self, table: str, rows: list[Row]) -> list[Fault]:
        if self.error is not None:
            raise self.error
        return [Fault(each, "too long") for each in self.wrong]


def test_each_traced_row_of_a_request_is_told_of(
    to: Exporting, told: Recorder, receiver: Receiver
) -> None:
    good, bad, silent = row(PARENT), row(PARENT), row("")
    tracing.TracedSender(Sends([bad]), to, "events").send("orders", [good, silent, bad])
    told.flush()
    assert [(each.name, each.failed) for each in receiver.spans] == [
        ("insert orders", False),
        ("insert orders", True),
    ]
    assert receiver.spans[0].attributes["db.operation.batch.size"] == 3


def test_a_request_that_fails_is_told_of_with_what_it_raised(
    to: Exporting, told: Recorder, receiver: Receiver
) -> None:
    sender = tracing.TracedSender(Sends([], ServiceUnavailable("away")), to, "events")
    with pytest.raises(ServiceUnavailable):
        sender.send("orders", [row(PARENT)])
    told.flush()
    assert [each.failed for each in receiver.spans] == [True]


def test_a_line_s_trace_stands_beside_it_and_never_in_a_file() -> None:
    gather = Gather(60)
    gather.start_bundle()
    for trace in (PARENT, ""):
        list(gather.process(row(trace)))
    (gathered,) = gather.finish_bundle()
    lines, traces = tracing.unmarked([gathered.value[1]])
    assert (lines, traces) == ([[b"{}", b"{}"]], [PARENT])


def test_a_pull_and_its_ack_are_told_of_once(
    to: Exporting, told: Recorder, receiver: Receiver
) -> None:
    watch = tracing.PullsAndAcks(to)
    came = [
        ReceivedMessage.pb(ReceivedMessage(ack_id=id_, message=Published(attributes=sent)))
        for id_, sent in [
            ("a", {"traceparent": PARENT}),
            ("b", {}),
            ("c", {"traceparent": UNSAMPLED}),
        ]
    ]
    watch.received(SUBSCRIPTION, came, telemetry.now())
    for _ in range(2):
        watch.acked(SUBSCRIPTION, ["a", "b", "c", "another"], telemetry.now())
    told.flush()
    assert [(each.name, each.kind) for each in receiver.spans] == [
        ("receive orders-job", "CONSUMER"),
        ("ack orders-job", "CLIENT"),
    ]
    assert {each.trace for each in receiver.spans} == {PARENT[3:35]}
    assert receiver.spans[1].attributes["messaging.operation.type"] == "settle"


def test_traceparent_is_w3c_s(told: Recorder) -> None:
    span = told.start("step", "INTERNAL", {}, PARENT)
    assert traceparent(span)[:36] == PARENT[:36]
    assert len(traceparent(span)) == len(PARENT)


def test_a_part_without_an_endpoint_exports_nothing() -> None:
    here = settings.load({"PROJECT_ID": "shop-1234"})
    assert Exporting.of(here, "job") is None
    here = replace(here, traces_endpoint="http://collector:4318/v1/traces")
    assert Exporting.of(here, "job") == Exporting(
        "http://collector:4318/v1/traces", "job", "dev", "shop-1234"
    )
