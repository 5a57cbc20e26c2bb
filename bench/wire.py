"""Pub/Sub in raw protobuf over a plain channel: as fast as Python gets to it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf import empty_pb2
from google.pubsub_v1 import types

from bench.events import Message

REQUEST_MESSAGES = 1000
"""Pub/Sub takes no more in one publish request, and gives no more in one pull."""
SECONDS = 60.0
_PUBLISHER, _SUBSCRIBER = "/google.pubsub.v1.Publisher/", "/google.pubsub.v1.Subscriber/"
_PublishRequest, _PublishResponse = types.PublishRequest.pb(), types.PublishResponse.pb()
_PullRequest, _PullResponse = types.PullRequest.pb(), types.PullResponse.pb()
_AcknowledgeRequest = types.AcknowledgeRequest.pb()
PubsubMessage = types.PubsubMessage.pb()
SENT = "sent"
"""Attribute with the moment of publishing, in seconds of the machine's monotonic clock."""


class Wire:
    """One channel to the Pub/Sub at `address`; closed at the end of the block."""

    def __init__(self, address: str) -> None:
        unlimited = ("grpc.max_receive_message_length", -1)
        self._channel = grpc.insecure_channel(address, options=[unlimited])
        self._publish = self._method(f"{_PUBLISHER}Publish", _PublishRequest, _PublishResponse)
        self._pull = self._method(f"{_SUBSCRIBER}Pull", _PullRequest, _PullResponse)
        self._ack = self._method(f"{_SUBSCRIBER}Acknowledge", _AcknowledgeRequest, empty_pb2.Empty)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._channel.close()

    def publish(self, topic: str, messages: Iterable[Message]) -> int:
        """Publish, 1,000 a request, one request after another; gives how many."""
        count = 0
        for request in requests(topic, messages):
            self.send(request)
            count += len(request.messages)
        return count

    def send(self, request: Any) -> None:
        """One publish request."""
        self._publish(request, timeout=SECONDS)

    def publish_now(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        """One message, with the moment of its publishing."""
        moment = {SENT: repr(time.monotonic())}
        message = PubsubMessage(data=data, attributes={**attributes, **moment})
        self.send(_PublishRequest(topic=topic, messages=[message]))

    def pull(self, subscription: str) -> Any:
        """The future of one pull: a PullResponse of up to 1,000 messages."""
        request = _PullRequest(subscription=subscription, max_messages=REQUEST_MESSAGES)
        return self._pull.future(request, timeout=SECONDS)

    def ack(self, subscription: str, received: Iterable[Any]) -> Any:
        """The future of the acks of what a pull gave."""
        ack_ids = [each.ack_id for each in received]
        request = _AcknowledgeRequest(subscription=subscription, ack_ids=ack_ids)
        return self._ack.future(request, timeout=SECONDS)

    def _method(self, name: str, request: Any, response: Any) -> Any:
        return self._channel.unary_unary(
            name,
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )


def requests(topic: str, messages: Iterable[Message]) -> Iterator[Any]:
    """PublishRequests of 1,000 messages each."""
    rest = iter(messages)
    while some := [PubsubMessage(data=m.data, attributes=m.attributes) for m in _take(rest)]:
        yield _PublishRequest(topic=topic, messages=some)


def _take(rest: Iterator[Message]) -> Iterator[Message]:
    return islice(rest, REQUEST_MESSAGES)
