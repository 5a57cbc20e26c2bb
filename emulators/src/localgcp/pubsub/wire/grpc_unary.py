"""gRPC for the methods that answer once: parse, call the domain, map its error to a status."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty

from localgcp.faults import Thrown
from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.errors import PubSubError
from localgcp.pubsub.wire import error_codes, protos
from localgcp.pubsub.wire.effects import Effects
from localgcp.pubsub.wire.methods import Method
from localgcp.pubsub.wire.pull import WAIT_WITHOUT_DEADLINE, pull

# A reply must reach the client before its own deadline does.
_MARGIN = 0.25


def method_handler(broker: Broker, method: Method, effects: Effects, name: str) -> Any:
    """The gRPC handler of a method from the table of methods."""

    async def handle(request: bytes, context: Any) -> Any:
        try:
            await effects.faults.meet(name)
            if effects.lost(name):
                return Empty()
            answer = method.answer_bytes(broker, request)
            await broker.durable()
            return answer
        except PubSubError as error:
            await context.abort(error_codes.of(error).grpc, str(error), error_codes.trailing(error))
        except Thrown as fault:
            await context.abort(grpc.StatusCode[fault.code], str(fault))

    return grpc.unary_unary_rpc_method_handler(
        handle, response_serializer=lambda response: response.SerializeToString()
    )


def pull_handler(broker: Broker, effects: Effects) -> Any:
    """The gRPC handler of Pull, which may wait; its response is encoded already."""

    async def handle(request: bytes, context: Any) -> Any:
        left = context.time_remaining()
        wait = WAIT_WITHOUT_DEADLINE if left is None else left - _MARGIN
        try:
            await effects.faults.meet("Pull")
            return await pull(broker, protos.parse(protos.PullRequest, request), wait, effects)
        except PubSubError as error:
            await context.abort(error_codes.of(error).grpc, str(error))
        except Thrown as fault:
            await context.abort(grpc.StatusCode[fault.code], str(fault))

    return grpc.unary_unary_rpc_method_handler(handle)
