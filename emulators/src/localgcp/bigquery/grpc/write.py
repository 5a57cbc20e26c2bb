"""google.cloud.bigquery.storage.v1.BigQueryWrite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from google.cloud.bigquery_storage_v1 import types

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import BadValue, BigQueryError, Invalid, MissingField
from localgcp.bigquery.failures import translate
from localgcp.bigquery.grpc.error_codes import status_of, storage_error
from localgcp.bigquery.grpc.names import stream_of, table_of
from localgcp.bigquery.rows.appending import to_arrow
from localgcp.bigquery.service import Service
from localgcp.bigquery.streams.arrow_rows import read_batch
from localgcp.bigquery.streams.faults import RowFaults
from localgcp.bigquery.streams.proto_rows import read_rows
from localgcp.bigquery.streams.write_streams import Stream, Type

_TYPES = types.WriteStream.Type
_FIELD, _SCHEMA = types.TableFieldSchema.pb(), types.TableSchema.pb()
_NAMES = {"INTEGER": "INT64", "FLOAT": "DOUBLE", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
_FULL = types.WriteStreamView.FULL
Run = Callable[..., Any]


class Write:
    """The methods: a request in, an answer out; blocking, but for `append_rows`."""

    def __init__(self, service: Service) -> None:
        self._service, self._streams = service, service.write_streams

    def create_write_stream(self, request: Any) -> Any:
        """A stream of the type asked for."""
        table = table_of(request.parent, "parent")
        try:
            type_ = Type[_TYPES(request.write_stream.type_).name]
        except (KeyError, ValueError) as error:
            given = request.write_stream.type_
            raise BadValue("write_stream.type", given, f"one of {', '.join(Type)}") from error
        return self._resource(*self._streams.create(table, type_), full=True)

    def get_write_stream(self, request: Any) -> Any:
        """A stream; its table's schema in the FULL view alone."""
        name, id_ = stream_of(request.name, "name")
        return self._resource(*self._streams.get(name, id_), full=request.view == _FULL)

    def finalize_write_stream(self, request: Any) -> Any:
        """Let nothing more be appended."""
        rows = self._streams.finalize(*stream_of(request.name, "name"))
        return types.FinalizeWriteStreamResponse.pb()(row_count=rows)

    def batch_commit_write_streams(self, request: Any) -> Any:
        """Have the rows of streams seen, all at once."""
        parent = table_of(request.parent, "parent")
        if not request.write_streams:
            raise MissingField("write_streams")
        ids = []
        for text in request.write_streams:
            table, id_ = stream_of(text, "write_streams")
            if table != parent:
                raise BadValue("write_streams", text, f"a stream of {request.parent}")
            ids.append(id_)
        now_ms, faults = self._streams.commit(parent, ids)
        answer = types.BatchCommitWriteStreamsResponse.pb()()
        if faults:
            answer.stream_errors.extend(storage_error(fault) for fault in faults)
        else:
            answer.commit_time.FromMilliseconds(now_ms)
        return answer

    def flush_rows(self, request: Any) -> Any:
        """Have a buffered stream's rows seen, up to an offset."""
        if not request.HasField("offset"):
            raise MissingField("offset")
        name, id_ = stream_of(request.write_stream, "write_stream")
        self._streams.flush(name, id_, request.offset.value)
        return types.FlushRowsResponse.pb()(offset=request.offset.value)

    async def append_rows(self, requests: AsyncIterator[Any], run: Run) -> AsyncIterator[Any]:
        """Answer each request in turn; what it leaves out is as in the one before."""
        connection = Connection(self._service)
        async for request in requests:
            yield await run(connection.answer, request)

    def _resource(self, stream: Stream, table: Table, full: bool) -> Any:
        made = types.WriteStream.pb()(name=stream.name, type_=_TYPES[stream.type.name])
        made.create_time.FromMilliseconds(stream.created_ms)
        if stream.committed_ms is not None:
            made.commit_time.FromMilliseconds(stream.committed_ms)
        made.write_mode = types.WriteStream.WriteMode.INSERT
        parent = self._service.catalog.dataset(table.name.project, table.name.dataset)
        made.location = parent.location.lower()
        if full:
            made.table_schema.CopyFrom(table_schema(table.fields))
        return made


class Connection:
    """What one AppendRows call remembers: the stream, the writer's schema, the table's as told."""

    def __init__(self, service: Service) -> None:
        self._streams = service.write_streams
        self._stream = ""
        self._proto: bytes | None = None
        self._arrow: bytes | None = None
        self._told: dict[str, tuple[Field, ...]] = {}

    def answer(self, request: Any) -> Any:
        """One answer. Raises NotFound, Invalid for what ends the call."""
        switched = bool(request.write_stream) and request.write_stream != self._stream
        if switched:
            self._stream, self._proto, self._arrow = request.write_stream, None, None
        if not self._stream:
            raise MissingField("write_stream")
        name, id_ = stream_of(self._stream, "write_stream")
        self._streams.get(name, id_)
        answer = types.AppendRowsResponse.pb()(write_stream=self._stream)
        offset = request.offset.value if request.HasField("offset") else None
        try:
            read = self._reader(request, name)
            first, table = self._streams.append(name, id_, read, offset)
        except RowFaults as error:
            answer.error.CopyFrom(status_of(error))
            kind = types.RowError.RowErrorCode.FIELDS_ERROR
            for fault in error.faults:
                answer.row_errors.add(index=fault.index, code=kind, message=fault.message)
            return answer
        except Exception as error:  # noqa: BLE001 - this request fails, and the stream goes on
            failure = error if isinstance(error, BigQueryError) else translate(error)
            answer.error.CopyFrom(status_of(failure or BigQueryError(f"internal error: {error}")))
            return answer
        answer.append_result.SetInParent()
        if first is not None:
            answer.append_result.offset.value = first
        told = self._told.setdefault(self._stream, table.fields)
        if told != table.fields:
            answer.updated_schema.CopyFrom(table_schema(table.fields))
            self._told[self._stream] = table.fields
        return answer

    def _reader(self, request: Any, name: Name) -> Callable[[tuple[Field, ...]], Any]:
        """What makes the request's rows a table's. Raises Invalid."""
        told = f"projects/{name.project}/datasets/{name.dataset}/tables/{name.table}"
        if request.HasField("proto_rows"):
            data = request.proto_rows
            if data.HasField("writer_schema"):
                self._proto = data.writer_schema.proto_descriptor.SerializeToString()
            rows, proto = list(data.rows.serialized_rows), _needed(self._proto, "proto_rows")
            return lambda fields: to_arrow(fields, read_rows(proto, rows, fields, told))
        if request.HasField("arrow_rows"):
            arrow = request.arrow_rows
            if arrow.HasField("writer_schema"):
                self._arrow = arrow.writer_schema.serialized_schema
            batch, schema = arrow.rows.serialized_record_batch, _needed(self._arrow, "arrow_rows")
            if not batch:
                return lambda fields: to_arrow(fields, [])
            return lambda fields: read_batch(schema, batch, fields, told)
        raise MissingField("rows")


def _needed(schema: bytes | None, where: str) -> bytes:
    if schema is None:
        raise Invalid("The first request of a stream needs a writer_schema", where)
    return schema


def table_schema(fields: Iterable[Field]) -> Any:
    """TableSchema."""
    return _SCHEMA(fields=[_field(field) for field in fields])


def _field(field: Field) -> Any:
    kinds, modes = types.TableFieldSchema.Type, types.TableFieldSchema.Mode
    return _FIELD(
        name=field.name,
        type_=kinds[_NAMES.get(field.type, field.type)],
        mode=modes[field.mode],
        description=field.description,
        fields=[_field(member) for member in field.fields],
    )
