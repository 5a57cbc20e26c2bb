"""Push delivery: each message is POSTed to its subscription's endpoint until one accepts it."""

from __future__ import annotations

import asyncio
import logging

from localgcp.logs import Seldom
from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.errors import NotFound, StorageFailed
from localgcp.pubsub.wire import push_request
from localgcp.pubsub.wire.consumer import Consumer
from localgcp.pubsub.wire.http_post import Poster, PostFailed
from localgcp.pubsub.wire.per_subscription import PerSubscription
from localgcp.pubsub.wire.push_tokens import PushTokens

# Page "Push subscriptions", section "Receive push messages": these acknowledge.
ACCEPTED = frozenset((102, 200, 201, 202, 204))
MAX_IN_FLIGHT = 32

_HEADERS = {"User-Agent": "CloudPubSub-Google"}
logger = logging.getLogger(__name__)
_seldom = Seldom(logger)


class Pushers:
    """One Pusher for each subscription that has an endpoint. In the event loop only."""

    def __init__(self, broker: Broker, tokens: PushTokens) -> None:
        self._broker, self._tokens = broker, tokens
        self._tasks = PerSubscription("pushing")
        self._poster = Poster(_HEADERS, broker.targets.reaches)

    def sync(self, subscription: Subscription) -> None:
        """Start or stop pushing, as the subscription now says.

        What has an endpoint that may not be pushed to keeps its messages, and the log says why.
        """
        wanted = bool(subscription.config.push_endpoint)
        if wanted and (why_not := self._broker.targets.why_not(subscription.config.push_endpoint)):
            logger.warning("%s keeps its messages: %s", subscription.name, why_not)
            wanted = False
        pusher = Pusher(self._broker, subscription, self._poster, self._tokens)
        self._tasks.sync(subscription, wanted or None, pusher.run)

    async def close(self) -> None:
        """Stop all; what was under way is delivered again after the next start."""
        await self._tasks.close()
        self._poster.close()


class Pusher:
    """Pushes the messages of one subscription, at most MAX_IN_FLIGHT at a time."""

    def __init__(
        self, broker: Broker, subscription: Subscription, poster: Poster, tokens: PushTokens
    ) -> None:
        self._broker, self._subscription, self._poster = broker, subscription, poster
        self._tokens = tokens
        self._consumer = Consumer(subscription, broker.clock, max_messages=MAX_IN_FLIGHT)

    async def run(self) -> None:
        """Push until it is cancelled or the subscription is deleted."""
        try:
            async with asyncio.TaskGroup() as deliveries:
                while True:
                    for lane in _lanes(await self._consumer.batch()):
                        deliveries.create_task(self._deliver_in_order(lane))
        except* NotFound:
            logger.info("%s was deleted, so nothing more is pushed", self._subscription.name)

    async def _deliver_in_order(self, entries: list[Entry]) -> None:
        for entry in entries:
            # A failed one takes the rest of its ordering key back with it.
            if entry.lease:
                await self._deliver(entry)

    async def _deliver(self, entry: Entry) -> None:
        name, ack_id = self._subscription.name, entry.ack_id
        accepted = await self._post(*push_request.laid_out(self._subscription, entry))
        try:
            if accepted:
                self._broker.acknowledge(name, [ack_id])
            else:
                self._broker.modify_ack_deadline(name, [ack_id], 0)
        except StorageFailed as error:
            logger.error("%s: an accepted push was not recorded: %s", name, error)

    async def _post(self, body: bytes, headers: dict[str, str]) -> bool:
        endpoint = self._subscription.config.push_endpoint
        push = self._subscription.config.push_config
        if push is not None and push.oidc_token is not None:
            audience = push.oidc_token.audience or endpoint
            token = self._tokens.token(push.oidc_token.service_account_email, audience)
            headers = headers | {"Authorization": f"Bearer {token}"}
        try:
            async with asyncio.timeout(self._subscription.ack_deadline):
                code = await self._poster.post(endpoint, body, headers)
        except (PostFailed, TimeoutError) as error:
            kind = type(error).__name__
            _seldom.warn((endpoint, kind), "push to %s failed: %s %s", endpoint, kind, error)
            return False
        if code not in ACCEPTED:
            _seldom.warn((endpoint, code), "push to %s was answered %d", endpoint, code)
        return code in ACCEPTED


def _lanes(entries: list[Entry]) -> list[list[Entry]]:
    """Messages of one ordering key together, to go one after the other; the rest side by side."""
    keyed: dict[str, list[Entry]] = {}
    alone = []
    for entry in entries:
        if entry.message.ordering_key:
            keyed.setdefault(entry.message.ordering_key, []).append(entry)
        else:
            alone.append([entry])
    return [*keyed.values(), *alone]
