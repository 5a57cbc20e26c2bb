"""gRPC StreamingPull: messages go out as they come, acks and deadlines come in meanwhile.

With exactly-once delivery each ack and each deadline is confirmed, or told to be too late, out of
order, or worth another try (API reference: StreamingPullResponse).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial
from typing import Any

import grpc

from localgcp.faults import Thrown
from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.domain.subscription_config import check_ack_deadline
from localgcp.pubsub.errors import InvalidArgument, PubSubError, StorageFailed
from localgcp.pubsub.wire import error_codes, protos
from localgcp.pubsub.wire.consumer import Consumer
from localgcp.pubsub.wire.effects import Effects
from localgcp.pubsub.wire.encoding import properties, received_messages
from localgcp.pubsub.wire.protos import Proto


def streaming_pull_handler(broker: Broker, effects: Effects) -> Any:
    """The gRPC handler of StreamingPull; an error or a delay meets a stream as it opens."""

    async def handle(requests: AsyncIterator[bytes], context: Any) -> None:
        parsed = (
            effects.heard(protos.parse(protos.StreamingPullRequest, raw)) async for raw in requests
        )
        try:
            await effects.faults.meet("StreamingPull")
            await _serve(broker, parsed, context, effects)
        except PubSubError as error:
            await context.abort(error_codes.of(error).grpc, str(error), error_codes.trailing(error))
        except Thrown as fault:
            await context.abort(grpc.StatusCode[fault.code], str(fault))

    return grpc.stream_stream_rpc_method_handler(handle)


async def _serve(
    broker: Broker, requests: AsyncIterator[Proto], context: Any, effects: Effects
) -> None:
    first = await anext(requests, None)
    if first is None:
        return
    subscription = broker.subscription(first.subscription)
    subscription.check_pullable()
    check_ack_deadline(first.stream_ack_deadline_seconds)
    consumer = Consumer(
        subscription,
        broker.clock,
        max(first.max_outstanding_messages, 0),
        max(first.max_outstanding_bytes, 0),
        first.stream_ack_deadline_seconds,
    )
    out = _Out(subscription, context)
    # Whichever ends first ends the stream: the client hangs up, the subscription is deleted, or a
    # fault breaks it off.
    tasks = [
        asyncio.create_task(each)
        for each in (
            _read(broker, first, requests, consumer, out),
            _write(subscription, consumer, out, effects),
            effects.broken_off(),
        )
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Out:
    """The stream to the client; each response says how the subscription delivers."""

    def __init__(self, subscription: Subscription, context: Any) -> None:
        self._subscription, self._context = subscription, context
        self._writing = asyncio.Lock()

    async def write(self, response: bytes) -> None:
        """Send a response, once those before are sent."""
        async with self._writing:
            await self._context.write(response + properties(self._subscription.config))


async def _read(
    broker: Broker, first: Proto, requests: AsyncIterator[Proto], consumer: Consumer, out: _Out
) -> None:
    await _answer(broker, consumer.subscription, first, out)
    async for request in requests:
        if request.subscription:
            raise InvalidArgument("Only the first StreamingPullRequest may name a subscription.")
        if request.stream_ack_deadline_seconds:
            check_ack_deadline(request.stream_ack_deadline_seconds)
            consumer.ack_deadline = request.stream_ack_deadline_seconds
        await _answer(broker, consumer.subscription, request, out)


async def _answer(broker: Broker, subscription: Subscription, request: Proto, out: _Out) -> None:
    """Do what one request says of messages delivered before; an empty one keeps the line open."""
    name, response = subscription.name, protos.StreamingPullResponse()
    if request.ack_ids:
        told = response.acknowledge_confirmation
        lent, late = _sorted(subscription, request.ack_ids)
        told.invalid_ack_ids.extend(late)
        if subscription.config.enable_exactly_once_delivery:
            told.unordered_ack_ids.extend(subscription.unordered(lent))
            lent = _without(lent, told.unordered_ack_ids)
        _settle(subscription, lent, told, partial(broker.acknowledge, name, lent))
    deadlines, ack_ids = request.modify_deadline_seconds, request.modify_deadline_ack_ids
    if len(deadlines) != len(ack_ids):
        raise InvalidArgument(
            f"modify_deadline_seconds has {len(deadlines)} values, but "
            f"modify_deadline_ack_ids has {len(ack_ids)}; they must pair up."
        )
    by_seconds: dict[int, list[str]] = {}
    for seconds, ack_id in zip(deadlines, ack_ids, strict=True):
        by_seconds.setdefault(seconds, []).append(ack_id)
    for seconds, ids in by_seconds.items():
        told = response.modify_ack_deadline_confirmation
        lent, late = _sorted(subscription, ids)
        told.invalid_ack_ids.extend(late)
        modify = partial(broker.modify_ack_deadline, name, lent, seconds)
        _settle(subscription, lent, told, modify)
    if subscription.config.enable_exactly_once_delivery and response.ListFields():
        await broker.durable()
        await out.write(response.SerializeToString())


def _sorted(subscription: Subscription, ack_ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those to be answered, and, with exactly-once delivery, those whose lease has ended."""
    if not subscription.config.enable_exactly_once_delivery:
        return list(ack_ids), []
    late = subscription.not_lent(ack_ids)
    return _without(ack_ids, late), late


def _without(ack_ids: Iterable[str], left_out: Iterable[str]) -> list[str]:
    out = set(left_out)
    return [ack_id for ack_id in ack_ids if ack_id not in out]


def _settle(
    subscription: Subscription, ack_ids: list[str], told: Proto, settle: Callable[[], None]
) -> None:
    """Settle them and tell so. What can't be recorded has not happened: a client that is confirmed
    tries it again, any other gets the message again."""
    if not ack_ids:
        return
    try:
        settle()
    except StorageFailed:
        if not subscription.config.enable_exactly_once_delivery:
            raise
        told.temporary_failed_ack_ids.extend(ack_ids)
    else:
        told.ack_ids.extend(ack_ids)


async def _write(
    subscription: Subscription, consumer: Consumer, out: _Out, effects: Effects
) -> None:
    while True:
        batch = effects.ordered("StreamingPull", subscription, await consumer.batch())
        try:
            subscription.check_pullable()
            await out.write(received_messages(subscription, batch))
        except BaseException:
            # They never left, so they are not lent: whoever comes next gets them at once.
            subscription.take_back(batch)
            raise
        effects.delivered("StreamingPull", subscription, batch)
