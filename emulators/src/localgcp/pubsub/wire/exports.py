"""Subscriptions whose messages are written to BigQuery or to Cloud Storage."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.errors import NotFound, WrongState
from localgcp.pubsub.wire.bigquery_export import BigQueryExport
from localgcp.pubsub.wire.http_post import Poster
from localgcp.pubsub.wire.per_subscription import PerSubscription
from localgcp.pubsub.wire.storage_export import StorageExport

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Destinations:
    """Where BigQuery and Cloud Storage answer, as http://HOST:PORT; None where they do not."""

    bigquery: str | None = None
    storage: str | None = None


class Exports:
    """One export for each subscription that has one. In the event loop only."""

    def __init__(self, broker: Broker, destinations: Destinations) -> None:
        self._broker, self._destinations = broker, destinations
        self._tasks = PerSubscription("exporting")
        # Where they lead was set by whoever started the emulator.
        self._poster = Poster({"User-Agent": "CloudPubSub-Google"}, lambda host, address: True)
        self._turned = asyncio.Event()

    def sync(self, subscription: Subscription) -> None:
        """Start or stop writing, as the subscription now says."""
        config = subscription.config
        export = None if subscription.closed else self._made(subscription)
        wanted = export and (config.bigquery_config, config.cloud_storage_config)
        self._tasks.sync(subscription, wanted, lambda: _run(export))

    def turn(self) -> None:
        """The clock was turned."""
        self._turned.set()
        self._turned = asyncio.Event()

    async def _turn(self) -> None:
        await self._turned.wait()

    async def close(self) -> None:
        """Stop all; what was gathered and not written comes again after the next start."""
        await self._tasks.close()
        self._poster.close()

    def _made(self, subscription: Subscription) -> BigQueryExport | StorageExport | None:
        to = self._destinations
        if subscription.config.bigquery_config is not None and to.bigquery:
            return BigQueryExport(self._broker, subscription, self._poster, to.bigquery)
        if subscription.config.cloud_storage_config is not None and to.storage:
            return StorageExport(self._broker, subscription, self._poster, to.storage, self._turn)
        return None


async def _run(export: BigQueryExport | StorageExport | None) -> None:
    assert export is not None
    try:
        await export.run()
    except (NotFound, WrongState) as error:
        logger.info("nothing more is exported: %s", error)
