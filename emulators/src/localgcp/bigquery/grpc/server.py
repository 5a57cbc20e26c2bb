"""The gRPC server of the Storage APIs: calls run in threads, since DuckDB blocks.

What speaks the API, the message classes of the official package, is loaded with the first call:
it takes a second, which no start should wait for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import grpc
import grpc.aio

from localgcp.bigquery.errors import BigQueryError
from localgcp.bigquery.failures import translate
from localgcp.bigquery.service import Service
from localgcp.faults import Faults, Thrown

WORKERS = 16
_PACKAGE = "/google.cloud.bigquery.storage.v1."
_OPTIONS = (
    ("grpc.max_receive_message_length", 32 << 20),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
    # Writers keep idle streams open with pings; gRPC would cut them off as a nuisance.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 1000),
    ("grpc.http2.max_ping_strikes", 0),
)
_UNARY = {
    "BigQueryWrite/CreateWriteStream": "create_write_stream",
    "BigQueryWrite/GetWriteStream": "get_write_stream",
    "BigQueryWrite/FinalizeWriteStream": "finalize_write_stream",
    "BigQueryWrite/BatchCommitWriteStreams": "batch_commit_write_streams",
    "BigQueryWrite/FlushRows": "flush_rows",
    "BigQueryRead/CreateReadSession": "create_read_session",
    "BigQueryRead/SplitReadStream": "split_read_stream",
}
_END = object()


class Storage(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Both services, and a named refusal for any other method."""

    def __init__(self, service: Service, faults: Faults) -> None:
        self._service, self._faults = service, faults
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="bigquery-storage")

    def close(self) -> None:
        """Let the calls under way end."""
        self._workers.shutdown(wait=True)

    @cached_property
    def _parts(self) -> tuple[Any, Any]:
        from localgcp.bigquery.grpc.read import Read
        from localgcp.bigquery.grpc.write import Write

        return Write(self._service), Read(self._service)

    def service(self, handler_call_details: Any) -> Any:
        """The handler of a method."""
        method = handler_call_details.method.removeprefix(_PACKAGE)
        if method in _UNARY:
            return grpc.unary_unary_rpc_method_handler(self._unary(method))
        if method == "BigQueryRead/ReadRows":
            return grpc.unary_stream_rpc_method_handler(self._read_rows)
        if method == "BigQueryWrite/AppendRows":
            return grpc.stream_stream_rpc_method_handler(self._append_rows)

        async def refuse(request: bytes, context: Any) -> None:
            what = handler_call_details.method.removeprefix("/")
            await context.abort(
                grpc.StatusCode.UNIMPLEMENTED, f"not supported by the emulator: {what}"
            )

        return grpc.unary_unary_rpc_method_handler(refuse)

    async def _run(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._workers, function, *args)

    def _unary(self, method: str) -> Any:
        word = method.partition("/")[2]

        async def handle(request: bytes, context: Any) -> bytes | None:
            try:
                await self._faults.meet(word)
                answer: bytes = await self._run(self._call, method, request)
            except Exception as error:  # noqa: BLE001 - a bug of ours is this call's failure alone
                await _abort(context, error)
                return None
            return answer

        return handle

    def _call(self, method: str, request: bytes) -> bytes:
        from google.cloud.bigquery_storage_v1 import types

        service, _, name = method.partition("/")
        part = self._parts[0 if service == "BigQueryWrite" else 1]
        parsed = getattr(types, f"{name}Request").pb().FromString(request)
        answer: bytes = getattr(part, _UNARY[method])(parsed).SerializeToString()
        return answer

    async def _read_rows(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        try:
            await self._faults.meet("ReadRows")
            answers = await self._run(self._answers, request)
            while (answer := await self._run(next, answers, _END)) is not _END:
                yield answer
        except Exception as error:  # noqa: BLE001 - as above
            await _abort(context, error)

    def _answers(self, request: bytes) -> Iterator[bytes]:
        from google.cloud.bigquery_storage_v1 import types

        parsed = types.ReadRowsRequest.pb().FromString(request)
        return (answer.SerializeToString() for answer in self._parts[1].read_rows(parsed))

    async def _append_rows(
        self, requests: AsyncIterator[bytes], context: Any
    ) -> AsyncIterator[bytes]:
        try:
            await self._faults.meet("AppendRows")
            write = (await self._run(lambda: self._parts))[0]
            async for answer in write.append_rows(_parsed(requests), self._run):
                yield answer.SerializeToString()
        except Exception as error:  # noqa: BLE001 - as above
            await _abort(context, error)


async def _parsed(requests: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    from google.cloud.bigquery_storage_v1 import types

    parse = types.AppendRowsRequest.pb().FromString
    async for request in requests:
        yield parse(request)


async def _abort(context: Any, error: Exception) -> None:
    """End the call by what went wrong."""
    if isinstance(error, Thrown):
        await context.abort(grpc.StatusCode[error.code], str(error))
    failure = error if isinstance(error, BigQueryError) else translate(error)
    failure = failure or BigQueryError(f"internal error: {type(error).__name__}: {error}")
    from google.protobuf import message

    from localgcp.bigquery.grpc.error_codes import code_of

    if isinstance(error, message.DecodeError):
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    await context.abort(code_of(failure), failure.message)


def build(storage: Storage) -> grpc.aio.Server:
    """The gRPC server, with no port yet."""
    server = grpc.aio.server(options=_OPTIONS)
    server.add_generic_rpc_handlers((storage,))
    return server
