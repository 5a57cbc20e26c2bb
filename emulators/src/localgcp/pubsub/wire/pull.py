"""Pull: the messages that are ready, or the first that come while the client still waits."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.errors import InvalidArgument
from localgcp.pubsub.wire.consumer import Consumer
from localgcp.pubsub.wire.effects import Effects
from localgcp.pubsub.wire.encoding import CLIENT_LIMIT, received_messages
from localgcp.pubsub.wire.protos import Proto

WAIT_WITHOUT_DEADLINE = 1.0


async def pull(
    broker: Broker,
    request: Proto,
    wait: float,
    effects: Effects,
    client_limit: float = CLIENT_LIMIT,
) -> bytes:
    """A serialized PullResponse, empty if nothing came in `wait` seconds.

    `client_limit` is how many bytes the client receives at most, as far as is known.
    Raises NotFound, InvalidArgument, WrongState.
    """
    if request.max_messages <= 0:
        raise InvalidArgument(
            "You have passed an invalid argument to the service "
            f"(argument=max_messages, value={request.max_messages}); it must be positive."
        )
    subscription = broker.subscription(request.subscription)
    subscription.check_pullable()
    # It lives as long as the call, and its leases end without it: so it counts nothing after.
    consumer = Consumer(subscription, broker.clock, max_messages=request.max_messages)
    entries: list[Entry] = []
    if wait <= 0 or request.return_immediately:
        entries = consumer.take()
    else:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                entries = await consumer.batch()
    response = received_messages(
        subscription, effects.ordered("Pull", subscription, entries), client_limit
    )
    effects.delivered("Pull", subscription, entries)
    return response
