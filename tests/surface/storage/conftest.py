from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from localgcp.pubsub.emulator import PubSubEmulator
from localgcp.storage.emulator import StorageEmulator

PROJECT = "local-project"


@pytest.fixture(scope="session")
def pubsub_address() -> Iterator[str]:
    made = PubSubEmulator()
    made.start()
    yield f"{made.host}:{made.port}"
    made.stop()


@pytest.fixture(scope="session")
def endpoint(pubsub_address: str) -> Iterator[str]:
    made = StorageEmulator(pubsub=pubsub_address)
    made.start()
    yield f"http://{made.host}:{made.port}"
    made.stop()


@pytest.fixture(scope="session")
def client(endpoint: str) -> Iterator[storage.Client]:
    made = storage.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": endpoint},
    )
    yield made
    made.close()


@pytest.fixture
def bucket(client: storage.Client) -> storage.Bucket:
    return client.create_bucket(f"surface-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def blob(bucket: storage.Bucket) -> storage.Blob:
    made = bucket.blob("folder/file.txt")
    made.upload_from_string("hello", content_type="text/plain")
    return made
