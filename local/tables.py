"""Whole tables of the stack's BigQuery, as Arrow: by the Storage Read API, or else by a query."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
import pyarrow as pa
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import BigQueryReadClient, types
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (
    BigQueryReadGrpcTransport,
)

from settings import Settings

READ_SECONDS = 60.0
WHOLE_MESSAGES = [("grpc.max_receive_message_length", -1)]


class Tables:
    """Reads tables of the stack's dataset."""

    def __init__(self, names: Settings) -> None:
        self._names = names
        channel = grpc.insecure_channel(names.write_api or "", options=WHOLE_MESSAGES)
        self._reader = BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))

    def read(self, table: str, columns: Sequence[str] = ()) -> pa.Table | None:
        """All rows, of these columns or of all; None where there is no such table.

        By a query where the Read API is not served beside the REST API, as by another's emulator.
        """
        try:
            return self._read(table, columns)
        except NotFound:
            return None
        except GoogleAPICallError:
            return self._queried(table)

    def _read(self, table: str, columns: Sequence[str]) -> pa.Table:
        names = self._names
        wanted = types.ReadSession(
            table=f"projects/{names.project_id}/datasets/{names.dataset}/tables/{table}",
            data_format=types.DataFormat.ARROW,
            read_options=types.ReadSession.TableReadOptions(selected_fields=columns),
        )
        session = self._reader.create_read_session(
            parent=f"projects/{names.project_id}",
            read_session=wanted,
            max_stream_count=1,
            timeout=READ_SECONDS,
        )
        schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
        serialized = (
            page.arrow_record_batch.serialized_record_batch
            for stream in session.streams
            for page in self._reader.read_rows(stream.name, timeout=READ_SECONDS)
        )
        batches = [pa.ipc.read_record_batch(pa.py_buffer(each), schema) for each in serialized]
        return pa.Table.from_batches(batches, schema)

    def _queried(self, table: str) -> pa.Table | None:
        names = self._names
        client = bigquery.Client(project=names.project_id)
        try:
            found = client.query_and_wait(f"SELECT * FROM `{names.dataset}.{table}`")
            return found.to_arrow(create_bqstorage_client=False)
        except NotFound:
            return None
