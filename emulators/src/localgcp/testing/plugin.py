"""The pytest plugin: fixtures that give a test its topic, dataset and bucket.

The official clients find the emulators by themselves: the fixtures set what those read. EMULATORS
chooses where they run: embedded (default), testcontainers, compose or upstream. Each process of
pytest-xdist has emulators of its own, or shares the compose stack under names of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localgcp.testing.backends import SERVICES, chosen
from localgcp.testing.cloud import Cloud


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
