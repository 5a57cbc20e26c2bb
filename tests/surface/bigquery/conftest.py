from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from localgcp.testing.cloud import Cloud

Refused = Callable[[str], Any]


@pytest.fixture(scope="session")
def client(gcp_services: Cloud) -> Iterator[bigquery.Client]:
    gcp_services.need("bigquery")
    made = bigquery.Client(project=gcp_services.project_id)
    yield made
    made.close()


@pytest.fixture
def dataset(bigquery_dataset: str) -> bigquery.DatasetReference:
    return bigquery.DatasetReference.from_string(bigquery_dataset)


@pytest.fixture
def people(client: bigquery.Client, dataset: bigquery.DatasetReference) -> bigquery.Table:
    """A table with three rows: Ada 36, Bob 41, Cyd NULL."""
    schema = [
        bigquery.SchemaField("name", "STRING", "REQUIRED"),
        bigquery.SchemaField("age", "INTEGER"),
    ]
    table = client.create_table(bigquery.Table(dataset.table("people"), schema=schema))
    rows = [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 41}, {"name": "Cyd"}]
    assert client.insert_rows_json(table, rows) == []
    return client.get_table(table)


@pytest.fixture
def refused() -> Refused:
    """`with refused("what"):` expects the emulator to refuse something by that name."""
    return lambda what: pytest.raises(BadRequest, match=f"not supported by the emulator: .*{what}")


@contextmanager
def deprecated() -> Iterator[None]:
    """The client says that pandas-gbq does better what it still does itself."""
    with warnings.catch_warnings():
        for kind in (PendingDeprecationWarning, DeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", kind)
        yield
