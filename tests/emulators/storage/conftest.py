from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from localgcp.guard import Allowed
from localgcp.storage.emulator import StorageEmulator


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageEmulator]:
    made = StorageEmulator(
        data_dir=tmp_path_factory.mktemp("storage") / "data", allowed=Allowed.of(hosts=["storage"])
    )
    made.start()
    yield made
    made.stop()


@pytest.fixture
def data_dir(emulator: StorageEmulator) -> Path:
    assert isinstance(emulator._data_dir, Path)
    return emulator._data_dir


@pytest.fixture(scope="module")
def client(emulator: StorageEmulator) -> Iterator[storage.Client]:
    made = storage.Client(
        project="local-project",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": f"http://{emulator.host}:{emulator.port}"},
    )
    yield made
    made.close()


@pytest.fixture
def bucket(client: storage.Client) -> storage.Bucket:
    return client.create_bucket(f"test-{uuid.uuid4().hex[:12]}")
