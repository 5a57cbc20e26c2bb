"""google.cloud.bigquery.storage.v1.BigQueryRead."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from google.cloud.bigquery_storage_v1 import types

from localgcp.bigquery.errors import BadValue, NotSupported
from localgcp.bigquery.grpc.names import project_of, table_of
from localgcp.bigquery.rows.api_arrow import arrow_field
from localgcp.bigquery.rows.avro_schema import records, schema_of
from localgcp.bigquery.service import Service
from localgcp.bigquery.streams.read_sessions import Session, Wanted

if TYPE_CHECKING:
    import pyarrow as pa

# A client that was given a plain channel takes 4 MiB at most.
ANSWER_BYTES = 2 * 1024 * 1024
_FORMATS = types.DataFormat
_CODECS = {1: "lz4", 2: "zstd"}


class Read:
    """The methods: a request in, an answer or several out; all of them block."""

    def __init__(self, service: Service) -> None:
        self._sessions = service.read_sessions

    def create_read_session(self, request: Any) -> Any:
        """A session over a table's rows as of now."""
        asked = request.read_session
        form = _FORMATS(asked.data_format)
        if form not in (_FORMATS.ARROW, _FORMATS.AVRO):
            raise BadValue("read_session.data_format", asked.data_format, "ARROW or AVRO")
        options, modifiers = asked.read_options, asked.table_modifiers
        if options.sample_percentage:
            raise NotSupported("sample_percentage of a read session", "read_options")
        snapshot = modifiers.snapshot_time if modifiers.HasField("snapshot_time") else None
        wanted = Wanted(
            table=table_of(asked.table, "read_session.table"),
            selected=tuple(options.selected_fields),
            restriction=options.row_restriction,
            snapshot_ms=snapshot.ToMilliseconds() if snapshot is not None else None,
            max_streams=max(request.max_stream_count, request.preferred_min_stream_count),
            avro=form == _FORMATS.AVRO,
            compression=_CODECS.get(options.arrow_serialization_options.buffer_compression),
        )
        made = self._sessions.create(project_of(request.parent, "parent"), wanted)
        return self._resource(made, asked)

    def read_rows(self, request: Any) -> Iterator[Any]:
        """A stream's rows, some to an answer; the first has the schema."""
        session, start, end = self._sessions.find(request.read_stream)
        done, total = request.offset, max(end - start, 1)
        first = True
        for batch in self._sessions.read(request.read_stream, request.offset):
            for part in _parts(batch):
                answer = types.ReadRowsResponse.pb()(row_count=part.num_rows)
                if not session.wanted.avro:
                    data = _arrow(part, session.wanted.compression)
                    answer.arrow_record_batch.serialized_record_batch = data
                    answer.arrow_record_batch.row_count = part.num_rows
                    if first:
                        answer.arrow_schema.serialized_schema = _arrow_schema(session)
                else:
                    answer.avro_rows.serialized_binary_rows = _avro(session, part)
                    answer.avro_rows.row_count = part.num_rows
                    if first:
                        answer.avro_schema.schema = _avro_schema(session)
                answer.stats.progress.at_response_start = done / total
                done += part.num_rows
                answer.stats.progress.at_response_end = done / total
                first = False
                yield answer

    def split_read_stream(self, request: Any) -> Any:
        """Never splits: an answer without streams says that it cannot be split further."""
        self._sessions.find(request.name)
        return types.SplitReadStreamResponse.pb()()

    def _resource(self, session: Session, asked: Any) -> Any:
        made = types.ReadSession.pb()(
            name=session.name,
            data_format=asked.data_format,
            table=asked.table,
            read_options=asked.read_options,
            estimated_row_count=session.rows,
            estimated_total_bytes_scanned=session.size,
            trace_id=asked.trace_id,
        )
        if asked.HasField("table_modifiers"):
            made.table_modifiers.CopyFrom(asked.table_modifiers)
        made.expire_time.FromMilliseconds(session.expires_ms)
        for id_ in session.streams:
            made.streams.add(name=f"{session.name}/streams/{id_}")
        if asked.data_format == _FORMATS.ARROW:
            made.arrow_schema.serialized_schema = _arrow_schema(session)
        else:
            made.avro_schema.schema = _avro_schema(session)
        return made


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """At least one row each, and otherwise no more than fits an answer."""
    rows = batch.num_rows
    size = max(1, rows * ANSWER_BYTES // max(batch.nbytes, 1))
    for start in range(0, rows, size):
        yield batch.slice(start, size)


def _schema(session: Session) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([arrow_field(field) for field in session.fields])


def _arrow_schema(session: Session) -> bytes:
    data: bytes = _schema(session).serialize().to_pybytes()
    return data


def _arrow(batch: pa.RecordBatch, compression: str | None) -> bytes:
    """One encapsulated message, its buffers compressed as was asked."""
    import pyarrow as pa

    data: bytes
    if compression is None:
        data = batch.serialize().to_pybytes()
        return data
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    messages = pa.ipc.MessageReader.open_stream(sink.getvalue())
    messages.read_next_message()  # the schema's
    data = messages.read_next_message().serialize().to_pybytes()
    return data


def _avro_schema(session: Session) -> str:
    return json.dumps(schema_of(session.fields, True, "__root__"))


def _avro(session: Session, batch: pa.RecordBatch) -> bytes:
    import fastavro

    file = io.BytesIO()
    schema = fastavro.parse_schema(schema_of(session.fields, True, "__root__"))
    for record in records(session.fields, batch, True):
        fastavro.schemaless_writer(file, schema, record)
    return file.getvalue()
