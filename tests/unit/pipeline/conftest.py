"""The graph's surroundings: a scripted insertAll behind the official client, real files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery, storage

from localgcp.storage.emulator import StorageEmulator
from pipeline import bigquery_sink, storage_sink
from pipeline.insert_all import InsertAll as InsertAllSender
from pipeline.insertion import Inserter, Target
from tests.unit.pipeline.fakes import DATASET, PROJECT, TOPIC, Asked, Clock, InsertAll


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def insert_all() -> InsertAll:
    return InsertAll()


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def inserter(
    insert_all: InsertAll, asked: Asked, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Inserter:
    """Inserts into `insert_all`, and asks `asked`; the graph's DoFns find it too."""
    credentials = AnonymousCredentials()
    session = AuthorizedSession(credentials)
    session.mount("https://", insert_all)
    client = bigquery.Client(PROJECT, credentials, session)
    sender = InsertAllSender(DATASET, client, clock)
    one = Inserter(Target(PROJECT, DATASET, TOPIC, 300.0), sender, asked, clock, clock.sleep)
    monkeypatch.setattr(bigquery_sink, "inserter", lambda target: one)
    return one


@pytest.fixture(scope="session")
def storage_emulator() -> Iterator[StorageEmulator]:
    emulator = StorageEmulator()
    emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture
def bucket(
    storage_emulator: StorageEmulator,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> storage.Bucket:
    """An empty bucket on the real fake-gcs-server, found by the sink as on a laptop."""
    for name, value in storage_emulator.env().items():
        monkeypatch.setenv(name, value)
    storage_sink.files.cache_clear()
    client = storage.Client(project=PROJECT)
    name = f"bucket-{abs(hash(request.node.nodeid)):x}"
    return client.create_bucket(name)
