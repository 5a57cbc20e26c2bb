"""What a client newer than the emulator, or one that is broken, is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from tests.emulators.pubsub.conftest import PROJECT, Clients
from tests.emulators.pubsub.processes import EmulatorProcess

# Field 99 with the number 1, which no message of the API has.
UNKNOWN = b"\x98\x06\x01"


@pytest.fixture
def channel(emulator: EmulatorProcess) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{emulator.port}") as opened:
        yield opened


def text(field: int, body: bytes) -> bytes:
    return bytes((field << 3 | 2, len(body))) + body


TOPIC = text(1, f"projects/{PROJECT}/topics/never".encode())


@pytest.mark.parametrize(
    ("method", "request_bytes", "named"),
    [
        ("Publisher/CreateTopic", TOPIC + UNKNOWN, "Field 99 of Topic"),
        ("Publisher/CreateTopic", TOPIC + text(3, UNKNOWN), "Field 99 of MessageStoragePolicy"),
        ("Publisher/Publish", TOPIC + text(2, UNKNOWN), "Field 99 of PubsubMessage"),
        ("Subscriber/Pull", UNKNOWN, "Field 99 of PullRequest"),
        ("Publisher/CreateTopic", b"\xff", "no Topic"),
    ],
)
def test_a_field_that_we_lack_is_an_invalid_argument(
    channel: grpc.Channel, method: str, request_bytes: bytes, named: str
) -> None:
    call = channel.unary_unary(f"/google.pubsub.v1.{method}")
    with pytest.raises(grpc.RpcError) as refusal:
        call(request_bytes, timeout=10)
    assert_named(refusal.value, named)


def test_so_it_is_in_a_stream(channel: grpc.Channel, clients: Clients) -> None:
    name = clients.subscription(clients.topic())
    first = text(1, name.encode()) + b"\x28\x0a"  # with a deadline of 10 s
    stream = channel.stream_stream("/google.pubsub.v1.Subscriber/StreamingPull")
    with pytest.raises(grpc.RpcError) as refusal:
        list(stream(iter([first, UNKNOWN]), timeout=10))
    assert_named(refusal.value, "Field 99 of StreamingPullRequest")


def assert_named(error: Any, named: str) -> None:
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert named in error.details()
