"""The face of the Pub/Sub emulator: a gRPC and REST server in a thread of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Unpack

from localgcp import environment
from localgcp.base import StartFailed
from localgcp.pubsub.disk.journal import JournalDamaged, JournalInUse
from localgcp.pubsub.disk.keeper import Fsync
from localgcp.pubsub.disk.segment import NotAJournal
from localgcp.pubsub.server import Kept, serve
from localgcp.pubsub.wire.exports import Destinations
from localgcp.threaded import ThreadedEmulator, Where


class PubSubEmulator(ThreadedEmulator):
    """Pub/Sub on host:port; port 0 takes a free one. With a data_dir, state outlives a kill.

    `fsync` says what outlives a power cut besides; `salvage` goes on with what reads back of a
    damaged journal. Subscriptions may be written into the BigQuery and the Cloud Storage at
    `bigquery` and `storage`, HOST:PORT; without them, into those that BIGQUERY_EMULATOR_HOST and
    STORAGE_EMULATOR_HOST name.
    """

    name = "pubsub"
    health_path = "/health"

    def __init__(
        self,
        fsync: str = Fsync.NEVER.value,
        salvage: bool = False,
        bigquery: str | None = None,
        storage: str | None = None,
        **where: Unpack[Where],
    ) -> None:
        super().__init__(**where)
        self._bigquery, self._storage = bigquery, storage
        self._fsync, self._salvage = Fsync(fsync), salvage

    async def serve(
        self, data_dir: Path | None, listening: Callable[[], None], stopping: asyncio.Event
    ) -> None:
        """Both protocols, over one broker. Raises StartFailed for a journal that can't be used."""
        kept = None if data_dir is None else Kept(data_dir, self._fsync, self._salvage)
        destinations = Destinations(
            _url(self._bigquery) or environment.bigquery_endpoint(),
            _url(self._storage) or environment.storage_endpoint(),
        )
        try:
            await serve(self.host, self.port, kept, self.allowed, destinations, listening, stopping)
        except (JournalInUse, JournalDamaged, NotAJournal) as error:
            raise StartFailed(self.name, str(error)) from error

    def figures(self, answer: dict[str, Any]) -> dict[str, int | float | str]:
        """How many messages wait, and how many of them are lent to clients."""
        return {name: answer[name] for name in ("subscriptions", "backlog", "outstanding")}

    def variables(self, address: str) -> dict[str, str]:
        """For the Google clients and gcloud."""
        return environment.pubsub(address)


def _url(address: str | None) -> str | None:
    return f"http://{address}" if address else None
