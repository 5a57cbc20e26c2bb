"""What each domain error is on the wire, in gRPC and in HTTP (google.rpc.Code)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from localgcp.pubsub import errors


@dataclass(frozen=True)
class Code:
    """One canonical code: gRPC's, and HTTP's for the REST API."""

    grpc: grpc.StatusCode
    http: int

    @property
    def name(self) -> str:
        """As the REST API spells it, e.g. NOT_FOUND."""
        return str(self.grpc.name)


_DOMAIN = "pubsub.googleapis.com"

_BY_ERROR: dict[type[errors.PubSubError], Code] = {
    errors.NotFound: Code(grpc.StatusCode.NOT_FOUND, 404),
    errors.AlreadyExists: Code(grpc.StatusCode.ALREADY_EXISTS, 409),
    errors.InvalidArgument: Code(grpc.StatusCode.INVALID_ARGUMENT, 400),
    errors.InvalidMessage: Code(grpc.StatusCode.INVALID_ARGUMENT, 400),
    errors.AckIdsFailed: Code(grpc.StatusCode.INVALID_ARGUMENT, 400),
    errors.TransformFailed: Code(grpc.StatusCode.INVALID_ARGUMENT, 400),
    errors.Conflict: Code(grpc.StatusCode.ABORTED, 409),
    errors.WrongState: Code(grpc.StatusCode.FAILED_PRECONDITION, 400),
    errors.Unsupported: Code(grpc.StatusCode.UNIMPLEMENTED, 501),
    errors.StorageFailed: Code(grpc.StatusCode.UNAVAILABLE, 503),
}


def of(error: errors.PubSubError) -> Code:
    """The code to answer a domain error with."""
    return _BY_ERROR[type(error)]


def details(error: errors.PubSubError) -> list[dict[str, Any]]:
    """The error's details as the REST API shows them."""
    if not isinstance(error, errors.Detailed):
        return []
    info = {"reason": error.reason, "domain": _DOMAIN, "metadata": error.metadata}
    return [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", **info}]


def trailing(error: errors.PubSubError) -> tuple[tuple[str, bytes], ...]:
    """The error's details as gRPC carries them: trailing metadata with a google.rpc.Status."""
    if not isinstance(error, errors.Detailed):
        return ()
    packed = any_pb2.Any()
    packed.Pack(ErrorInfo(reason=error.reason, domain=_DOMAIN, metadata=error.metadata))
    code = of(error).grpc.value[0]
    whole = Status(code=code, message=str(error), details=[packed])
    return (("grpc-status-details-bin", whole.SerializeToString()),)
