"""1 · Messages without an order come in one by one; they leave in requests of many, until taken.

The official client's `publish` makes a future, a proto-plus message and two locks for each message,
and a thread for each batch: more than all else that an event costs. This sends raw protobuf over
that client's own channel, by a few threads, with the same retries.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from typing import Any, Generic, TypeVar
from urllib.parse import quote

Token = TypeVar("Token")

# 20 ms of 2,000 events/s fill a tenth of a batch: latency stays low, and a backlog goes in large
# requests.
BATCH_MESSAGES, BATCH_BYTES, BATCH_SECONDS = 500, 1_000_000, 0.02
SENDERS = 4
"""Requests under way at once. While Pub/Sub is away no more are tried, whatever comes in."""
MOST_BYTES = 10_000_000
"""In one request (Pub/Sub quotas, "Publish request size")."""


class MessageTooLarge(ValueError):
    """No request can hold a message."""

    def __init__(self, size: int) -> None:
        super().__init__(f"message of {size} bytes: a publish request holds {MOST_BYTES}")


class Batches(Generic[Token]):
    """Sends messages to one topic; `settled` is told of each request's, by the tokens they bear."""

    def __init__(
        self,
        send: Callable[[list[Any]], list[str]],
        settled: Callable[[list[Token], list[str] | Exception], object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`send` takes raw PubsubMessages, and gives their ids, or raises once it has given up."""
        self._send, self._settled, self._monotonic = send, settled, monotonic
        self._more = Condition()
        self._open: list[tuple[Any, Token]] = []
        self._open_bytes, self._since = 0, 0.0
        self._full: deque[list[tuple[Any, Token]]] = deque()
        self._closing = False
        self.senders = [
            Thread(target=self._deliver, name=f"publish-{number}", daemon=True)
            for number in range(SENDERS)
        ]
        for sender in self.senders:
            sender.start()

    def add(self, message: Any, size: int, token: Token) -> None:
        """Have a raw PubsubMessage sent, `size` bytes long. Raises MessageTooLarge."""
        if size > MOST_BYTES:
            raise MessageTooLarge(size)
        with self._more:
            if self._open and self._open_bytes + size > BATCH_BYTES:
                self._cut()
            if not self._open:
                self._since = self._monotonic()
                self._more.notify()
            self._open.append((message, token))
            self._open_bytes += size
            if len(self._open) >= BATCH_MESSAGES:
                self._cut()

    def close(self) -> None:
        """Send what is there without delay, and take no more."""
        with self._more:
            self._closing = True
            self._more.notify_all()

    def _cut(self) -> None:
        self._full.append(self._open)
        self._open, self._open_bytes = [], 0
        self._more.notify()

    def _next(self) -> list[tuple[Any, Token]] | None:
        """The next request's messages, once they are to go; None when all is over."""
        with self._more:
            while not self._full:
                if self._open:
                    rest = self._since + BATCH_SECONDS - self._monotonic()
                    if rest <= 0 or self._closing:
                        self._cut()
                    else:
                        self._more.wait(rest)
                elif self._closing:
                    return None
                else:
                    self._more.wait()
            return self._full.popleft()

    def _deliver(self) -> None:
        while batch := self._next():
            tokens = [token for _, token in batch]
            try:
                ids: list[str] | Exception = self._send([message for message, _ in batch])
            except Exception as error:  # noqa: BLE001 - told to whoever waits for these
                ids = error
            self._settled(tokens, ids)


def sender(client: Any, topic: str, retry: Any, seconds: float) -> Callable[[list[Any]], list[str]]:
    """How a PublisherClient's channel publishes to a topic, with its retries.

    What it gives raises google.api_core's errors.
    """
    # Imported on first use: it takes a second, and a service should listen before that.
    from google.api_core.gapic_v1.method import wrap_method
    from google.pubsub_v1.types import PublishRequest, PublishResponse

    request, response = PublishRequest.pb(), PublishResponse.pb()
    call = wrap_method(
        client.transport.grpc_channel.unary_unary(
            "/google.pubsub.v1.Publisher/Publish",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        ),
        default_retry=retry,
        default_timeout=seconds,
    )
    metadata = (("x-goog-request-params", f"topic={quote(topic, safe='')}"),)

    def send(messages: list[Any]) -> list[str]:
        answer = call(request(topic=topic, messages=messages), metadata=metadata)
        return list(answer.message_ids)

    return send
