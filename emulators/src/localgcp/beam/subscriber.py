"""One subscription, over the channel of the official client, in raw protobuf."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.cloud.pubsub_v1 import SubscriberClient
from google.protobuf import empty_pb2
from google.pubsub_v1.types import (
    AcknowledgeRequest,
    ModifyAckDeadlineRequest,
    PullRequest,
    PullResponse,
)

from localgcp.beam.errors import SubscriptionUnusable
from localgcp.beam.failures import Backoff, Trouble
from localgcp.logs import Seldom

log = logging.getLogger(__name__)

_PULL = PullRequest.pb()
_PULLED = PullResponse.pb()
_ACK = AcknowledgeRequest.pb()
_MODACK = ModifyAckDeadlineRequest.pb()
_SERVICE = "/google.pubsub.v1.Subscriber/"

PULL_SECONDS = 20.0
"""How long one pull stays open. Each end of a pull may strand a message until its deadline: the
server had sent it, the client had gone. So pulls are long, and waits on them short."""

UNARY_SECONDS = 10.0

MOST_PAUSE_SECONDS = 3.0
"""Between pulls that fail: so soon after Pub/Sub is back work goes on."""

AWAITING_SECONDS = 0.1
"""Between pulls of a subscription that is not there yet."""

MOST_ACK_IDS = 1000
"""Ack ids in one request; Pub/Sub takes 512 KiB."""

_HOPELESS = {
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNIMPLEMENTED,
}
_NOT_YET = {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE}


@dataclass(frozen=True)
class Polled:
    """What a look at the subscription brought."""

    messages: list[Any] = field(default_factory=list)
    """ReceivedMessage protobufs."""
    empty: bool = False
    """Whether the server had nothing to give; False also if it could not be asked."""


class Subscriber:
    """Pulls, acks and extends deadlines. Pulls from one thread, the rest from another."""

    def __init__(
        self,
        subscription: str,
        client: SubscriberClient,
        clock: Callable[[], float],
        patience: float = 0.0,
    ) -> None:
        """`clock` gives monotonic seconds; for `patience` seconds the subscription may be absent.

        That it was there once ends the patience: deleted, it does not come back.
        """
        self.subscription = subscription
        self._clock = clock
        self._awaited_until = clock() + patience
        channel = client.transport.grpc_channel
        self._pull = channel.unary_unary(
            f"{_SERVICE}Pull",
            request_serializer=_PULL.SerializeToString,
            response_deserializer=_PULLED.FromString,
        )
        self._ack = channel.unary_unary(
            f"{_SERVICE}Acknowledge",
            request_serializer=_ACK.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self._modack = channel.unary_unary(
            f"{_SERVICE}ModifyAckDeadline",
            request_serializer=_MODACK.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self._metadata = (("x-goog-request-params", f"subscription={subscription}"),)
        self._open: Any = None
        self._most = MOST_ACK_IDS
        self._backoff = Backoff(first=0.1, most=MOST_PAUSE_SECONDS)
        self._silent_until = 0.0
        self._seldom = Seldom(log, clock)
        self._failing: tuple[float, str] | None = None
        """Since when no pull was answered, and how the last one failed."""

    def poll(self, limit: int, wait: float) -> Polled:
        """Up to `limit` messages, waiting up to `wait` seconds. Raises SubscriptionUnusable."""
        if self._open is None:
            if self._clock() < self._silent_until:
                return Polled()
            request = _PULL(subscription=self.subscription, max_messages=min(limit, self._most))
            self._open = self._pull.future(request, timeout=PULL_SECONDS, metadata=self._metadata)
        try:
            response = self._open.result(timeout=wait)
        except grpc.FutureTimeoutError:
            return Polled(empty=True)
        except grpc.RpcError as error:
            self._open = None
            return self._failed(error)
        self._open, self._failing = None, None
        self._awaited_until = 0.0
        self._backoff.reset()
        self._most = min(MOST_ACK_IDS, self._most * 2)
        return Polled(list(response.received_messages), not response.received_messages)

    def trouble(self) -> Trouble | None:
        """Why nothing can be pulled; None if a pull was answered last. From any thread."""
        failing = self._failing
        if failing is None:
            return None
        return Trouble(
            self._clock() - failing[0], f"no pull from {self.subscription}: {failing[1]}"
        )

    def acknowledge(self, ack_ids: list[str]) -> bool:
        """Ack up to MOST_ACK_IDS; False if it must be tried again."""
        request = _ACK(subscription=self.subscription, ack_ids=ack_ids)
        return self._call(self._ack, request, "ack")

    def extend(self, ack_ids: list[str], seconds: int) -> bool:
        """Set the deadline of up to MOST_ACK_IDS to `seconds` from now; 0 gives them back."""
        request = _MODACK(
            subscription=self.subscription, ack_ids=ack_ids, ack_deadline_seconds=seconds
        )
        return self._call(self._modack, request, "extend")

    def close(self) -> None:
        """End the open pull; messages that it just brought are given back."""
        if self._open is not None and self._open.done() and self._open.code() is grpc.StatusCode.OK:
            brought = [one.ack_id for one in self._open.result().received_messages]
            if brought:
                self.extend(brought, 0)
        elif self._open is not None:
            self._open.cancel()
        self._open = None

    def _failed(self, error: Any) -> Polled:
        code, now = error.code(), self._clock()
        is_awaited = code in _NOT_YET and now < self._awaited_until
        if code in _HOPELESS and not is_awaited:
            raise SubscriptionUnusable(self.subscription, code.name, error.details()) from error
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            self._failing, self._awaited_until = None, 0.0
            return Polled(empty=True)
        since = now if self._failing is None else self._failing[0]
        self._failing = (since, f"{code.name}: {error.details()}")
        if is_awaited:
            self._silent_until = now + AWAITING_SECONDS
            return Polled()
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            # The response was larger than the channel takes: ask for fewer.
            self._most = max(1, self._most // 2)
        self._silent_until = now + self._backoff.next()
        self._seldom.warn(
            ("pull", code),
            "pull from %s failed (%s: %s); it is tried again and again, at least each %.0f s",
            self.subscription, code.name, error.details(), MOST_PAUSE_SECONDS,
        )  # fmt: skip
        return Polled()

    def _call(self, method: Any, request: Any, what: str) -> bool:
        try:
            method(request, timeout=UNARY_SECONDS, metadata=self._metadata)
        except grpc.RpcError as error:
            self._seldom.warn(
                (what, error.code()),
                "%s of %d messages of %s failed (%s: %s)",
                what, len(request.ack_ids), self.subscription, error.code().name, error.details(),
            )  # fmt: skip
            return False
        return True
