"""The official clients of the Storage APIs on a plain channel to the emulator's one port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from google.cloud.bigquery_storage_v1 import BigQueryReadClient, BigQueryWriteClient
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (
    BigQueryReadGrpcTransport,
)
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import (
    BigQueryWriteGrpcTransport,
)

from localgcp.bigquery.emulator import BigQueryEmulator
from tests.emulators.bigquery.conftest import Container


@contextmanager
def connected(
    emulator: BigQueryEmulator | Container,
) -> Iterator[tuple[BigQueryReadClient, BigQueryWriteClient]]:
    """Both clients; nothing but the address differs from the cloud's."""
    address = emulator.env()["BIGQUERY_EMULATOR_HOST"].removeprefix("http://")
    with grpc.insecure_channel(address) as channel:
        yield (
            BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel)),
            BigQueryWriteClient(transport=BigQueryWriteGrpcTransport(channel=channel)),
        )
