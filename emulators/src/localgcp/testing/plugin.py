"""The pytest plugin: fixtures that give a test its topic, dataset and bucket.

The official clients find the emulators by themselves: the fixtures set what those read. EMULATORS
chooses where they run: embedded (default), testcontainers, compose or upstream. Each process of
pytest-xdist has emulators of its own, or shares the compose stack under names of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest

from localgcp.testing.backends import SERVICES, Here, chosen
from localgcp.testing.cloud import PROJECT_ID, Cloud
from localgcp.testing.hands import ThrownFaults, TurnableClock


@pytest.fixture(scope="session")
def gcp_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The session's cloud, in which nothing runs before it is needed."""
    backend = chosen()
    with pytest.MonkeyPatch.context() as patch:
        try:
            yield Cloud(backend, tmp_path_factory.mktemp("gcp"), patch.setenv)
        finally:
            backend.stop()


@pytest.fixture(scope="session")
def gcp_stack(gcp_services: Cloud) -> Cloud:
    """The session's cloud with Pub/Sub, Cloud Storage and BigQuery running."""
    gcp_services.need(*SERVICES)
    return gcp_services


@pytest.fixture(scope="session")
def gcp_here(gcp_services: Cloud) -> Here:
    """Where a test's own push endpoint listens, and the name that Pub/Sub reaches it by."""
    return gcp_services.here()


@pytest.fixture
def pubsub_topic(gcp_services: Cloud) -> Iterator[str]:
    """The full name of a topic for one test: projects/PROJECT/topics/TOPIC."""
    with gcp_services.topic() as name:
        yield name


@pytest.fixture(scope="session")
def session_pubsub_topic(gcp_services: Cloud) -> Iterator[str]:
    """The same for a whole session."""
    with gcp_services.topic() as name:
        yield name


@pytest.fixture
def bigquery_dataset(gcp_services: Cloud) -> Iterator[str]:
    """The id of a dataset for one test: PROJECT.DATASET."""
    with gcp_services.dataset() as name:
        yield name


@pytest.fixture(scope="session")
def session_bigquery_dataset(gcp_services: Cloud) -> Iterator[str]:
    """The same for a whole session."""
    with gcp_services.dataset() as name:
        yield name


@pytest.fixture
def gcs_bucket(gcp_services: Cloud) -> Iterator[str]:
    """The name of a bucket for one test."""
    with gcp_services.bucket() as name:
        yield name


@pytest.fixture(scope="session")
def session_gcs_bucket(gcp_services: Cloud) -> Iterator[str]:
    """The same for a whole session."""
    with gcp_services.bucket() as name:
        yield name


@pytest.fixture
def gcp_project(gcp_services: Cloud, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project id of this test's own, which clients take by default.

    Tests that share the emulators never meet: no name in it is another test's.
    """
    name = f"test-{uuid4().hex[:12]}"
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", name)
    return name


@pytest.fixture
def gcp_clock(gcp_services: Cloud) -> TurnableClock:
    """The time of Pub/Sub and BigQuery: `advance(seconds)` lets deadlines pass and things expire.

    It only goes forward, and stays so for the session.
    """
    return TurnableClock(gcp_services)


@pytest.fixture
def gcp_faults(gcp_services: Cloud) -> Iterator[ThrownFaults]:
    """Errors and delays on purpose, over when the test is.

    `throw("pubsub", {"match": "Publish", "code": "UNAVAILABLE", "times": 2})`.
    """
    faults = ThrownFaults(gcp_services)
    yield faults
    faults.clear()


@pytest.fixture
def gcloud_environ(gcp_services: Cloud, request: pytest.FixtureRequest) -> dict[str, str]:
    """The variables for a process such as gcloud, bq or gsutil, to add to its environment."""
    own = "gcp_project" in request.fixturenames
    return gcp_services.environ(request.getfixturevalue("gcp_project") if own else PROJECT_ID)


@pytest.fixture
def bigquery_seed(bigquery_dataset: str) -> Callable[..., str]:
    """Makes a table with rows in the test's dataset, and gives its id.

    `bigquery_seed("orders", [{"id": 1}])`, with a schema as SchemaFields, or one made of the rows.
    """

    def seed(table: str, rows: Sequence[Mapping[str, Any]], schema: Any = None) -> str:
        from google.cloud import bigquery

        name = f"{bigquery_dataset}.{table}"
        config = bigquery.LoadJobConfig(schema=schema, autodetect=schema is None)
        client = bigquery.Client(project=bigquery_dataset.partition(".")[0])
        client.load_table_from_json(rows, name, job_config=config).result()
        client.close()
        return name

    return seed


@pytest.fixture
def pubsub_async_publisher(gcp_services: Cloud) -> Callable[[], Any]:
    """Makes a google.pubsub_v1.PublisherAsyncClient on the emulator; call it inside your loop."""
    return lambda: _async_client(gcp_services, "Publisher")


@pytest.fixture
def pubsub_async_subscriber(gcp_services: Cloud) -> Callable[[], Any]:
    """Makes a google.pubsub_v1.SubscriberAsyncClient on the emulator; call it inside your loop."""
    return lambda: _async_client(gcp_services, "Subscriber")


def _async_client(cloud: Cloud, service: str) -> Any:
    import grpc.aio
    from google import pubsub_v1

    client = getattr(pubsub_v1, f"{service}AsyncClient")
    # The async clients do not read PUBSUB_EMULATOR_HOST, so they are given their channel.
    channel = grpc.aio.insecure_channel(cloud.address("pubsub"))
    return client(transport=client.get_transport_class("grpc_asyncio")(channel=channel))
