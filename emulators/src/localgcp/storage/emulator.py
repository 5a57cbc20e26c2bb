"""The Cloud Storage emulator: our front outward, the fake-gcs-server binary behind it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from localgcp import environment
from localgcp.guard import Guard
from localgcp.threaded import ThreadedEmulator, Where

if TYPE_CHECKING:
    from localgcp.storage.disk.process import BinaryProcess

_WATCH_S = 0.2


class StorageEmulator(ThreadedEmulator):
    """Cloud Storage on `host`:`port`; its buckets are folders below `data_dir`.

    Notifications of its buckets go to `pubsub`, HOST:PORT; without one they are refused.
    """

    name = "storage"
    health_path = "/health"

    def __init__(self, pubsub: str | None = None, **where: Unpack[Where]) -> None:
        super().__init__(**where)
        self._pubsub = pubsub

    async def serve(
        self, data_dir: Path | None, listening: Callable[[], None], stopping: asyncio.Event
    ) -> None:
        """Serve until `stopping`, or until the binary ends. Raises NoBinary, StartFailed."""
        from localgcp.controls import Controls
        from localgcp.faults import Faults
        from localgcp.http_server import run
        from localgcp.storage import server
        from localgcp.storage.disk import remains
        from localgcp.storage.disk.process import BinaryProcess

        with tempfile.TemporaryDirectory(prefix="storage-emulator-") as temporary:
            root = data_dir or Path(temporary)
            remains.put_aside(root)
            binary = BinaryProcess(root)
            binary.start()
            ended = asyncio.create_task(_ended(binary, stopping))
            try:
                async with server.opened(binary, root, self._pubsub) as application:
                    controlled = Controls(application, None, Faults())
                    guarded = Guard(controlled, self.allowed, _takes_files)
                    await run(guarded, self.host, self.port, listening, stopping)
            finally:
                ended.cancel()
                binary.stop()

    def figures(self, answer: dict[str, Any]) -> dict[str, int | float | str]:
        """How many buckets there are."""
        return {"buckets": answer["buckets"]}

    def variables(self, address: str) -> dict[str, str]:
        """For the client libraries and for gcloud storage."""
        return environment.storage(address)


def _takes_files(path: str) -> bool:
    """Uploads, batches and the XML API; what else there is takes a resource, which is JSON."""
    return not path.startswith("/storage/v1/")


async def _ended(binary: BinaryProcess, stopping: asyncio.Event) -> None:
    """Without the binary there is nothing to serve."""
    while binary.alive():
        await asyncio.sleep(_WATCH_S)
    stopping.set()
