"""The gRPC side: the API's services, and a named refusal for every method they lack."""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.errors import Unsupported
from localgcp.pubsub.wire import error_codes
from localgcp.pubsub.wire.effects import Effects
from localgcp.pubsub.wire.grpc_streaming_pull import streaming_pull_handler
from localgcp.pubsub.wire.grpc_unary import method_handler, pull_handler
from localgcp.pubsub.wire.methods import SERVICES, SUBSCRIBER

# A publish request may have 10 MB; a little more, so that the domain gets to say what is wrong.
_MAX_RECEIVE_BYTES = 16 << 20

_OPTIONS = (
    ("grpc.max_receive_message_length", _MAX_RECEIVE_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
    # Clients keep idle streams open with pings; gRPC would cut them off as a nuisance.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 1000),
    ("grpc.http2.max_ping_strikes", 0),
)


class Refusals(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Answers every other method with UNIMPLEMENTED, by its name."""

    def service(self, handler_call_details: Any) -> Any:
        """A handler for whatever method was called."""
        method = handler_call_details.method.removeprefix("/")

        async def refuse(request: bytes, context: Any) -> None:
            error = Unsupported(method)
            await context.abort(error_codes.of(error).grpc, str(error))

        return grpc.unary_unary_rpc_method_handler(refuse)


def build(broker: Broker, effects: Effects) -> grpc.aio.Server:
    """The gRPC server, with no port yet; a fault is matched by the method's name."""
    server = grpc.aio.server(options=_OPTIONS)
    handlers = {
        service: {
            name: method_handler(broker, each, effects, name) for name, each in methods.items()
        }
        for service, methods in SERVICES.items()
    }
    handlers[SUBSCRIBER]["Pull"] = pull_handler(broker, effects)
    handlers[SUBSCRIBER]["StreamingPull"] = streaming_pull_handler(broker, effects)
    server.add_generic_rpc_handlers(
        (*map(grpc.method_handlers_generic_handler, handlers, handlers.values()), Refusals())
    )
    return server
