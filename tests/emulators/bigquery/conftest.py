from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from localgcp import environment
from localgcp.bigquery.emulator import BigQueryEmulator
from tests.emulators.elsewhere import elsewhere

PROJECT = "demo-project"
_numbers = itertools.count(1)


class Container:
    """One that EMULATORS puts elsewhere."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = environ

    def env(self) -> dict[str, str]:
        return self._environ


def address_of(emulator: BigQueryEmulator | Container) -> str:
    """HOST:PORT."""
    return emulator.env()["BIGQUERY_EMULATOR_HOST"].removeprefix("http://")


def connect(emulator: BigQueryEmulator | Container) -> bigquery.Client:
    return bigquery.Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=emulator.env()["BIGQUERY_EMULATOR_HOST"]),
    )


@pytest.fixture(scope="session")
def emulator() -> Iterator[BigQueryEmulator | Container]:
    """One emulator for all tests; they keep apart by datasets."""
    if environment.kind() != "embedded":
        with elsewhere("bigquery") as (_, environ):
            yield Container(environ)
        return
    made = BigQueryEmulator()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def client(emulator: BigQueryEmulator | Container) -> Iterator[bigquery.Client]:
    made = connect(emulator)
    yield made
    made.close()


@pytest.fixture
def dataset(client: bigquery.Client) -> str:
    """A new, empty dataset's id."""
    name = f"ds_{next(_numbers)}"
    client.create_dataset(name)
    return name


@pytest.fixture
def orders(client: bigquery.Client, dataset: str) -> str:
    """A table like those of the pipeline; its full id."""
    field = bigquery.SchemaField
    table = bigquery.Table(
        f"{PROJECT}.{dataset}.orders",
        schema=[
            field("event_id", "STRING", "REQUIRED", description="the publisher's id"),
            field(
                "items",
                "RECORD",
                "REPEATED",
                fields=(
                    field("product_id", "STRING", "REQUIRED"),
                    field("quantity", "INT64", "REQUIRED"),
                    field("price", "FLOAT64", "REQUIRED"),
                ),
            ),
            field("address", "RECORD", "REQUIRED", fields=(field("city", "STRING", "REQUIRED"),)),
            field("total", "FLOAT64", "REQUIRED"),
            field("processed", "TIMESTAMP", "REQUIRED"),
            field("event_date", "DATE", "REQUIRED"),
        ],
    )
    table.time_partitioning = bigquery.TimePartitioning(field="event_date")
    table.clustering_fields = ["event_id"]
    table.labels = {"team": "data"}
    table.description = "Orders"
    client.create_table(table)
    return f"{PROJECT}.{dataset}.orders"


def order(number: int, **changes: object) -> dict[str, object]:
    """A row of `orders`."""
    row: dict[str, object] = {
        "event_id": f"e{number}",
        "items": [{"product_id": "p", "quantity": 2, "price": 29.99}],
        "address": {"city": "Test City"},
        "total": 59.98,
        "processed": "2024-01-15T10:30:00.123456Z",
        "event_date": "2024-01-15",
    }
    return row | changes
