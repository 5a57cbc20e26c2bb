from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud import pubsub_v1
from google.pubsub_v1 import PublisherClient as GapicPublisher

from localgcp import environment
from tests.emulators.elsewhere import elsewhere
from tests.emulators.pubsub.processes import EmulatorProcess

PROJECT = "demo-project"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """One emulator for all tests that need not kill it; they keep apart by names."""
    process = EmulatorProcess(tmp_path_factory.mktemp("pubsub"))
    if environment.kind() != "embedded":
        with elsewhere("pubsub") as (process.port, process.env):
            yield process
        return
    process.start()
    yield process
    assert process.stop() == 0


@pytest.fixture
def killable(tmp_path: Path) -> Iterator[EmulatorProcess]:
    process = EmulatorProcess(tmp_path)
    process.start()
    yield process
    process.stop()


class Clients:
    """The official clients, led to an emulator by the variable they read."""

    def __init__(self, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulator.env["PUBSUB_EMULATOR_HOST"])
        ordered = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
        self.publisher = pubsub_v1.PublisherClient(publisher_options=ordered)
        self.subscriber = pubsub_v1.SubscriberClient()

    def topic(self, **settings: Any) -> str:
        name = f"projects/{PROJECT}/topics/topic-{next(_numbers)}"
        self.publisher.create_topic(request={"name": name} | settings)
        return name

    def subscription(self, topic: str, **settings: Any) -> str:
        name = f"projects/{PROJECT}/subscriptions/sub-{next(_numbers)}"
        self.subscriber.create_subscription(request={"name": name, "topic": topic} | settings)
        return name

    def publish(self, topic: str, *payloads: bytes, **attributes: str) -> list[str]:
        futures = [self.publisher.publish(topic, data, **attributes) for data in payloads]
        return [future.result(timeout=20) for future in futures]

    def publish_request(self, topic: str, messages: list[Any], timeout: float = 20) -> list[str]:
        """One Publish request as it stands, past the client's own batching."""
        published = GapicPublisher.publish(
            self.publisher, topic=topic, messages=messages, timeout=timeout
        )
        return list(published.message_ids)

    def pull(self, subscription: str, limit: int = 1000, timeout: float = 5) -> list[Any]:
        response = self.subscriber.pull(
            subscription=subscription, max_messages=limit, timeout=timeout
        )
        return list(response.received_messages)

    def pull_all(self, subscription: str, count: int) -> list[Any]:
        received: list[Any] = []
        while len(received) < count:
            batch = self.pull(subscription)
            assert batch, f"{len(received)} of {count} came"
            received += batch
        return received

    def close(self) -> None:
        self.publisher.stop()
        self.publisher.transport.close()
        self.subscriber.close()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[EmulatorProcess], Clients]]:
    opened: list[Clients] = []

    def open_clients(emulator: EmulatorProcess) -> Clients:
        opened.append(Clients(emulator, monkeypatch))
        return opened[-1]

    yield open_clients
    for clients in opened:
        clients.close()


@pytest.fixture
def clients(emulator: EmulatorProcess, connect: Callable[[EmulatorProcess], Clients]) -> Clients:
    return connect(emulator)
