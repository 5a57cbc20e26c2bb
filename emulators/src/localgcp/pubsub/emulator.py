"""The face of the Pub/Sub emulator: a gRPC and REST server in a thread of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localgcp import environment
from localgcp.base import StartFailed
from localgcp.pubsub.disk.journal import JournalDamaged, JournalInUse
from localgcp.pubsub.server import serve
from localgcp.threaded import ThreadedEmulator


class PubSubEmulator(ThreadedEmulator):
    """Pub/Sub on host:port; port 0 takes a free one. With a data_dir, state outlives a kill."""

    name = "pubsub"
    health_path = "/_emulator/subscriptions"

    async def serve(
        self, data_dir: Path | None, listening: Callable[[], None], stopping: asyncio.Event
    ) -> None:
        """Both protocols, over one broker. Raises StartFailed for a journal that can't be used."""
        try:
            await serve(self.host, self.port, data_dir, self.allowed, listening, stopping)
        except (JournalInUse, JournalDamaged) as error:
            raise StartFailed(self.name, str(error)) from error

    def figures(self, answer: dict[str, Any]) -> dict[str, int | float | str]:
        """How many messages wait, and how many of them are lent to clients."""
        rows = answer["subscriptions"]
        return {
            "subscriptions": len(rows),
            "backlog": sum(row["backlog"] for row in rows),
            "outstanding": sum(row["outstanding"] for row in rows),
        }

    def variables(self, address: str) -> dict[str, str]:
        """For the Google clients and gcloud."""
        return environment.pubsub(address)
