"""A test double of the wire: AppendRows and GetWriteStream over gRPC, from the official messages.

It stands in where the emulator's Storage Write API cannot: it fails a given request, refuses a
given row, and drops a column behind the writer's back. It decodes each row by the writer's own
schema, holds it to a table's, and answers as the API's reference says. What it does not know of the
real service (quotas, flushing, latency) no test of it can show.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient, types
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import (
    BigQueryWriteGrpcTransport,
)
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, json_format, message_factory
from google.rpc import code_pb2

SERVICE = "google.cloud.bigquery.storage.v1.BigQueryWrite"
Field = types.TableFieldSchema


class WriteApi(grpc.GenericRpcHandler):
    """Tables by full name, what is in them, and the faults of the next appends."""

    def __init__(self) -> None:
        self.schemas: dict[str, types.TableSchema] = {}
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.requests: list[Any] = []
        self.looks = 0
        self.faults: list[int] = []
        """gRPC codes with which the next appends' answers fail."""
        self.bad: set[str] = set()
        """Event ids of rows that are refused."""
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((self,))
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.client = BigQueryWriteClient(
            transport=BigQueryWriteGrpcTransport(channel=self._channel)
        )

    def close(self) -> None:
        """End the server and the client's channel."""
        self._channel.close()
        self._server.stop(None).wait()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if details.method == f"/{SERVICE}/AppendRows":
            return grpc.stream_stream_rpc_method_handler(
                self._append_rows,
                types.AppendRowsRequest.pb().FromString,
                types.AppendRowsResponse.pb().SerializeToString,
            )
        if details.method == f"/{SERVICE}/GetWriteStream":
            return grpc.unary_unary_rpc_method_handler(
                self._get_write_stream,
                types.GetWriteStreamRequest.pb().FromString,
                types.WriteStream.pb().SerializeToString,
            )
        return None

    def _get_write_stream(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.looks += 1
        table, _, stream = request.name.partition("/streams/")
        assert (stream, request.view) == ("_default", types.WriteStreamView.FULL)
        if table not in self.schemas:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Requested entity was not found: {table}")
        return types.WriteStream.pb()(
            name=request.name, table_schema=types.TableSchema.pb(self.schemas[table])
        )

    def _append_rows(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        table, descriptor = "", descriptor_pb2.DescriptorProto()
        for request in requests:
            table = request.write_stream.removesuffix("/streams/_default") or table
            if request.proto_rows.HasField("writer_schema"):
                descriptor = request.proto_rows.writer_schema.proto_descriptor
            if not request.proto_rows.rows.serialized_rows:
                continue  # the official writer opens a connection with its schema alone
            self.requests.append(request)
            yield self._answer(table, descriptor, list(request.proto_rows.rows.serialized_rows))

    def _answer(
        self, table: str, descriptor: descriptor_pb2.DescriptorProto, rows: list[bytes]
    ) -> Any:
        answer = types.AppendRowsResponse.pb()()
        answer.write_stream = f"{table}/streams/_default"
        if self.faults:
            answer.error.code, answer.error.message = self.faults.pop(0), "told to fail"
            return answer
        if not _names(descriptor) <= _columns(self.schemas[table].fields):
            answer.error.code = code_pb2.INVALID_ARGUMENT
            answer.error.message = "Input schema has more fields than BigQuery schema"
            detail = types.StorageError.pb()(
                code=types.StorageError.StorageErrorCode.SCHEMA_MISMATCH_EXTRA_FIELDS, entity=table
            )
            packed = any_pb2.Any()
            packed.Pack(detail)
            answer.error.details.append(packed)
            return answer
        decoded = [_decoded(descriptor, row) for row in rows]
        wrong = [index for index, row in enumerate(decoded) if row["event_id"] in self.bad]
        if wrong:
            answer.error.code = code_pb2.INVALID_ARGUMENT
            answer.error.message = "Errors found while processing rows."
            for index in wrong:
                answer.row_errors.add(
                    index=index, code=types.RowError.RowErrorCode.FIELDS_ERROR, message="Bad value"
                )
            return answer
        self.rows.setdefault(table, []).extend(decoded)
        answer.append_result.SetInParent()
        return answer


def schema(fields: list[dict[str, Any]]) -> types.TableSchema:
    """A table's schema in the Write API's words, from those of the REST API."""
    return types.TableSchema(fields=[_field(each) for each in fields])


def _field(field: dict[str, Any]) -> types.TableFieldSchema:
    names = {"INTEGER": "INT64", "FLOAT": "DOUBLE", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
    return Field(
        name=field["name"],
        type_=Field.Type[names.get(field["type"], field["type"])],
        mode=Field.Mode[field["mode"]],
        fields=[_field(each) for each in field.get("fields", [])],
    )


def _names(descriptor: descriptor_pb2.DescriptorProto, path: str = "") -> set[str]:
    nested = {each.name: each for each in descriptor.nested_type}
    found = set()
    for field in descriptor.field:
        found.add(path + field.name)
        if field.type_name:
            found |= _names(nested[field.type_name.rpartition(".")[2]], f"{path}{field.name}.")
    return found


def _columns(fields: Any, path: str = "") -> set[str]:
    found = set()
    for field in fields:
        found |= {path + field.name, *_columns(field.fields, f"{path}{field.name}.")}
    return found


def _decoded(descriptor: descriptor_pb2.DescriptorProto, row: bytes) -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name="double.proto", message_type=[descriptor])
    pool.Add(file)
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName(descriptor.name))()
    message.ParseFromString(row)
    decoded: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return decoded
