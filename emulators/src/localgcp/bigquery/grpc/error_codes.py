"""What each domain error is in gRPC, with the API's StorageError where there is one."""

from __future__ import annotations

from typing import Any

import grpc
from google.cloud.bigquery_storage_v1 import types
from google.protobuf import any_pb2
from google.rpc import code_pb2, status_pb2

from localgcp.bigquery.errors import (
    Aborted,
    AlreadyExists,
    BigQueryError,
    Invalid,
    InvalidQuery,
    NotFound,
    NotSupported,
    ResourcesExceeded,
    SqlNotSupported,
    Unavailable,
)
from localgcp.bigquery.streams.faults import OffsetBeyond, StreamFault

_CODES: tuple[tuple[type[BigQueryError], grpc.StatusCode], ...] = (
    (OffsetBeyond, grpc.StatusCode.OUT_OF_RANGE),
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (NotSupported, grpc.StatusCode.UNIMPLEMENTED),
    (SqlNotSupported, grpc.StatusCode.UNIMPLEMENTED),
    (ResourcesExceeded, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (Aborted, grpc.StatusCode.ABORTED),
    (Unavailable, grpc.StatusCode.UNAVAILABLE),
    (Invalid, grpc.StatusCode.INVALID_ARGUMENT),
    (InvalidQuery, grpc.StatusCode.INVALID_ARGUMENT),
)


def code_of(error: BigQueryError) -> grpc.StatusCode:
    """The code that a failure is told by."""
    return next(
        (code for kind, code in _CODES if isinstance(error, kind)), grpc.StatusCode.INTERNAL
    )


def status_of(error: BigQueryError) -> Any:
    """google.rpc.Status, as an answer of AppendRows carries it."""
    made = status_pb2.Status(code=code_pb2.Code.Value(code_of(error).name), message=error.message)
    if isinstance(error, StreamFault):
        packed = any_pb2.Any()
        packed.Pack(storage_error(error))
        made.details.append(packed)
    return made


def storage_error(error: StreamFault) -> Any:
    """StorageError."""
    codes = types.StorageError.StorageErrorCode
    return types.StorageError.pb()(
        code=codes[error.code], entity=error.entity, error_message=error.message
    )
