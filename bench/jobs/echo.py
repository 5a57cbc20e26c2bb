"""A server that keeps nothing: what gRPC in Python costs, with no Pub/Sub behind it.

Parses each request as Pub/Sub must, and answers in its shape: publish with as many ids, pull with
the same 1,000 messages each time, acknowledge with nothing.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc.aio
from google.pubsub_v1 import types

from bench.events import messages
from bench.wire import REQUEST_MESSAGES, PubsubMessage
from localgcp.base import LOOPBACK

_PublishRequest, _PublishResponse = types.PublishRequest.pb(), types.PublishResponse.pb()
_PullRequest, _PullResponse = types.PullRequest.pb(), types.PullResponse.pb()
_AcknowledgeRequest, _ReceivedMessage = types.AcknowledgeRequest.pb(), types.ReceivedMessage.pb()


def main(port: str) -> None:
    """Serve until killed."""
    asyncio.run(_serve(int(port)))


async def _serve(port: int) -> None:
    full = _full_pull()

    async def publish(request: Any, context: object) -> bytes:
        ids = [str(number) for number in range(len(request.messages))]
        answer: bytes = _PublishResponse(message_ids=ids).SerializeToString()
        return answer

    async def pull(request: Any, context: object) -> bytes:
        return full

    async def acknowledge(request: Any, context: object) -> bytes:
        return b""

    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers(
        (
            _service("Publisher", Publish=(_PublishRequest, publish)),
            _service(
                "Subscriber",
                Pull=(_PullRequest, pull),
                Acknowledge=(_AcknowledgeRequest, acknowledge),
            ),
        )
    )
    server.add_insecure_port(f"{LOOPBACK}:{port}")
    await server.start()
    await server.wait_for_termination()


def _service(name: str, **methods: tuple[Any, Any]) -> Any:
    return grpc.method_handlers_generic_handler(
        f"google.pubsub.v1.{name}",
        {
            method: grpc.unary_unary_rpc_method_handler(
                handler, request_deserializer=request.FromString
            )
            for method, (request, handler) in methods.items()
        },
    )


def _full_pull() -> bytes:
    received = [
        _ReceivedMessage(
            ack_id=f"ack-{number}",
            message=PubsubMessage(data=each.data, attributes=each.attributes, message_id="1"),
        )
        for number, each in enumerate(messages(REQUEST_MESSAGES, "echo"))
    ]
    answer: bytes = _PullResponse(received_messages=received).SerializeToString()
    return answer
