"""What each domain error is on the wire, in gRPC and in HTTP (google.rpc.Code)."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from localgcp.pubsub import errors


@dataclass(frozen=True)
class Status:
    """One canonical code: gRPC's, and HTTP's for the REST API."""

    grpc: grpc.StatusCode
    http: int

    @property
    def name(self) -> str:
        """As the REST API spells it, e.g. NOT_FOUND."""
        return str(self.grpc.name)


_BY_ERROR: dict[type[errors.PubSubError], Status] = {
    errors.NotFound: Status(grpc.StatusCode.NOT_FOUND, 404),
    errors.AlreadyExists: Status(grpc.StatusCode.ALREADY_EXISTS, 409),
    errors.InvalidArgument: Status(grpc.StatusCode.INVALID_ARGUMENT, 400),
    errors.WrongState: Status(grpc.StatusCode.FAILED_PRECONDITION, 400),
    errors.Unsupported: Status(grpc.StatusCode.UNIMPLEMENTED, 501),
    errors.StorageFailed: Status(grpc.StatusCode.UNAVAILABLE, 503),
}


def of(error: errors.PubSubError) -> Status:
    """The status to answer a domain error with."""
    return _BY_ERROR[type(error)]
