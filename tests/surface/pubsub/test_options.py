"""The clients' own settings, each seen in what reaches the emulator or the caller."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.publisher.exceptions import FlowControlLimitError
from google.cloud.pubsub_v1.types import (
    BatchSettings,
    FlowControl,
    LimitExceededBehavior,
    PublisherOptions,
    PublishFlowControl,
)

from tests.emulators.pubsub.conftest import PROJECT, Clients
from tests.emulators.pubsub.processes import EmulatorProcess
from tests.surface.introspect import covers
from tests.surface.pubsub.overview import until
from tests.surface.pubsub.streams import streaming

NEVER = 3600.0


@contextmanager
def publisher(
    batch: BatchSettings | tuple[()] = (), options: PublisherOptions | tuple[()] = ()
) -> Iterator[PublisherClient]:
    client = PublisherClient(batch, options)
    yield client
    client.transport.close()


@covers(BatchSettings, "max_messages", "max_bytes", "max_latency")
@pytest.mark.parametrize(
    "batch",
    [
        BatchSettings(max_messages=2, max_latency=NEVER),
        BatchSettings(max_bytes=150, max_latency=NEVER),
        BatchSettings(max_latency=0.02),
    ],
    ids=["max_messages", "max_bytes", "max_latency"],
)
def test_a_batch_goes_when_it_is_full_or_old(clients: Clients, batch: BatchSettings) -> None:
    topic = clients.topic()
    with publisher(batch) as client:
        assert client.batch_settings == batch
        assert batch.max_messages and batch.max_bytes and batch.max_latency
        futures = [client.publish(topic, b"x" * 100) for _ in range(2)]
        assert futures[0].result(timeout=10).isdecimal()
        client.stop()
        assert futures[1].result(timeout=10).isdecimal()


def flow(behavior: LimitExceededBehavior, **limits: int) -> PublisherOptions:
    control = PublishFlowControl(limit_exceeded_behavior=behavior, **limits)
    return PublisherOptions(flow_control=control)


@covers(PublisherOptions, "flow_control")
@covers(PublishFlowControl, "message_limit", "byte_limit", "limit_exceeded_behavior")
@covers(LimitExceededBehavior, "ERROR", "IGNORE")
@pytest.mark.parametrize("limits", [{"message_limit": 1}, {"byte_limit": 150}])
def test_what_is_beyond_the_limits_fails_or_goes(clients: Clients, limits: dict[str, int]) -> None:
    topic, later = clients.topic(), BatchSettings(max_latency=NEVER)
    with publisher(later, flow(LimitExceededBehavior.ERROR, **limits)) as client:
        control = client.publisher_options.flow_control
        assert control.limit_exceeded_behavior is LimitExceededBehavior.ERROR
        assert set(limits.values()) <= {control.message_limit, control.byte_limit}
        first, second = (client.publish(topic, b"x" * 100) for _ in range(2))
        with pytest.raises(FlowControlLimitError):
            second.result(timeout=10)
        client.stop()
        assert first.result(timeout=10).isdecimal()
    with publisher(later, flow(LimitExceededBehavior.IGNORE, **limits)) as client:
        futures = [client.publish(topic, b"x" * 100) for _ in range(2)]
        client.stop()
        assert all(future.result(timeout=10).isdecimal() for future in futures)


@covers(LimitExceededBehavior, "BLOCK")
def test_what_is_beyond_the_limits_waits(clients: Clients) -> None:
    topic, options = clients.topic(), flow(LimitExceededBehavior.BLOCK, message_limit=1)
    with publisher(BatchSettings(max_latency=0.01), options) as client:
        futures = [client.publish(topic, b"x") for _ in range(3)]
        assert [future.done() for future in futures[:2]] == [True, True]
        assert futures[2].result(timeout=10).isdecimal()


@covers(PublisherOptions, "enable_message_ordering")
def test_ordering_must_be_enabled(clients: Clients) -> None:
    topic = clients.topic()
    with publisher() as client, pytest.raises(ValueError, match="ordering is not enabled"):
        client.publish(topic, b"a", ordering_key="k")
    with publisher(options=PublisherOptions(enable_message_ordering=True)) as client:
        future = client.publish(topic, b"a", ordering_key="k")
        assert future.result(timeout=10).isdecimal()


@covers(PublisherOptions, "retry", "timeout")
def test_a_retry_of_ones_own(clients: Clients) -> None:
    topic, tries = clients.publisher.topic_path(PROJECT, "made-at-the-second-try"), []

    def made_now(error: Exception) -> bool:
        tries.append(error)
        clients.publisher.create_topic(name=topic)
        return isinstance(error, exceptions.NotFound)

    retry = Retry(predicate=made_now, initial=0.01, timeout=20)
    with publisher(options=PublisherOptions(retry=retry, timeout=10)) as client:
        assert client.publish(topic, b"a").result(timeout=20).isdecimal()
    assert len(tries) == 1
    clients.publisher.delete_topic(topic=topic)


@covers(PublisherOptions, "enable_open_telemetry_tracing")
def test_tracing_changes_no_message(clients: Clients) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    with publisher(options=PublisherOptions(enable_open_telemetry_tracing=True)) as client:
        assert client.open_telemetry_enabled
        client.publish(topic, b"a", k="v").result(timeout=10)
    [received] = clients.pull(name)
    assert (received.message.data, received.message.attributes["k"]) == (b"a", "v")


@covers(FlowControl, "max_messages", "max_bytes")
@pytest.mark.parametrize("limits", [{"max_messages": 2}, {"max_bytes": 1000}])
@pytest.mark.parametrize("by_client_alone", [False, True])
def test_no_more_is_lent_than_the_client_takes(
    emulator: EmulatorProcess, clients: Clients, limits: dict[str, int], by_client_alone: bool
) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, *[b"x" * 600] * 6)
    control = FlowControl(**limits)
    assert set(limits.values()) <= {control.max_messages, control.max_bytes}
    options: dict[str, Any] = {"use_legacy_flow_control": by_client_alone}
    with streaming(clients, name, flow_control=control, **options) as stream:
        held = [stream.take(), stream.take()]
        assert stream.came() == 0
        if not by_client_alone:
            until(emulator, name, outstanding=2, delivered=2)
        for message in held:
            message.ack()
        for _ in range(4):
            stream.take().ack()
        until(emulator, name, backlog=0, acked=6)


@covers(FlowControl, "max_lease_duration")
@covers(FlowControl, "min_duration_per_lease_extension", "max_duration_per_lease_extension")
def test_leases_are_extended_as_long_as_is_said(
    emulator: EmulatorProcess, clients: Clients
) -> None:
    topic = clients.topic()
    name = clients.subscription(topic)
    clients.publish(topic, b"a")
    control = FlowControl(
        max_lease_duration=1,
        min_duration_per_lease_extension=10,
        max_duration_per_lease_extension=600,
    )
    assert control.max_lease_duration == 1
    assert control.min_duration_per_lease_extension == 10
    assert control.max_duration_per_lease_extension == 600
    with streaming(clients, name, flow_control=control) as stream:
        began = time.monotonic()
        message = stream.take()
        # The client lets go after a second, and the lease of ten that it asked for runs out.
        again = stream.take()
        assert again.message_id == message.message_id
        assert time.monotonic() - began >= 9
        again.ack()
        until(emulator, name, backlog=0, redelivered=1)
