"""The BigQuery emulator's face: requests come in by REST, rows end in one DuckDB file."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from localgcp import environment, room, tunnel
from localgcp.base import StartFailed
from localgcp.guard import Guard
from localgcp.threaded import ThreadedEmulator, Where

if TYPE_CHECKING:
    from localgcp.bigquery.googlesql.reference.client import Reference
    from localgcp.bigquery.service import Service
    from localgcp.clock import Clock

DATABASE = "bigquery.duckdb"
WARM_UP_SECONDS = 5.0
"""From when it listens: until then the rest of a stack starts, and needs the processor more."""


class BigQueryEmulator(ThreadedEmulator):
    """BigQuery on host:port; with a data_dir, datasets and rows outlive a kill."""

    name = "bigquery"
    health_path = "/health"

    def __init__(
        self, memory_limit: int | None = None, storage: str | None = None, **where: Unpack[Where]
    ) -> None:
        """`memory_limit` is DuckDB's, in bytes (None: 1 GB); queries may take twice that in all.

        Jobs read and write the objects of `storage`, HOST:PORT; without it, of the Cloud Storage
        that STORAGE_EMULATOR_HOST names while they run.
        """
        super().__init__(**where)
        self._memory_limit, self._storage = memory_limit, storage

    async def serve(
        self, data_dir: Path | None, listening: Callable[[], None], stopping: asyncio.Event
    ) -> None:
        """REST and gRPC over one service. Raises StartFailed where the data is in use."""
        from localgcp.bigquery.googlesql.reference import client
        from localgcp.bigquery.grpc import server as grpc_side
        from localgcp.bigquery.rest.refusing import EFFECTS
        from localgcp.bigquery.rest.upload_calls import takes_files
        from localgcp.bigquery.server import Server
        from localgcp.clock import Clock
        from localgcp.controls import Controls
        from localgcp.faults import Faults
        from localgcp.http_server import run_with_grpc

        clock, faults, reference = Clock(), Faults(EFFECTS), client.shared()
        service = self._service(data_dir, clock, reference)
        application = Server(service, lambda: room.trouble(data_dir), faults)
        clock.on_turn = lambda: asyncio.to_thread(service.sweep)
        guarded = Guard(Controls(application, clock, faults), self.allowed, takes_files)
        storage = grpc_side.Storage(service, faults)

        def ready() -> None:
            listening()
            asyncio.get_running_loop().call_later(WARM_UP_SECONDS, _warm_up, reference)

        sweeping = asyncio.create_task(_sweep(service))
        try:
            server = grpc_side.build(storage)
            await run_with_grpc(
                guarded, server, self.host, self.port, ready, stopping, tunnels=_tunnel
            )
        finally:
            sweeping.cancel()
            storage.close()
            application.close()
            service.close()

    def _service(self, data_dir: Path | None, clock: Clock, reference: Reference) -> Service:
        from localgcp.bigquery.service import Service
        from localgcp.bigquery.store import MEMORY_LIMIT, StoreBusy

        path = data_dir / DATABASE if data_dir else None
        limit = self._memory_limit or MEMORY_LIMIT
        try:
            return Service(path, clock, clock.uptime, limit, self._cloud_storage, reference)
        except StoreBusy as error:
            raise StartFailed(self.name, str(error)) from error

    def _cloud_storage(self) -> str | None:
        """The base URL of Cloud Storage, if there is one."""
        return f"http://{self._storage}" if self._storage else environment.storage_endpoint()

    def figures(self, answer: dict[str, Any]) -> dict[str, int | float | str]:
        """How many tables there are."""
        return {"tables": answer["tables"]}

    def variables(self, address: str) -> dict[str, str]:
        """For the Google clients."""
        return environment.bigquery(address)


def _tunnel(target: str) -> ssl.SSLContext | None:
    """The Storage APIs' clients come to this emulator by a CONNECT, and no other does."""
    if target != f"{tunnel.HOST}:443":
        return None
    return tunnel.context(environment.cache_folder())


async def _sweep(service: Service) -> None:
    """Delete what has expired, now and then."""
    from localgcp.bigquery.catalog.expiry import SWEEP_EVERY_S

    while True:
        await asyncio.to_thread(service.sweep)
        await asyncio.sleep(SWEEP_EVERY_S)


def _warm_up(reference: Reference) -> None:
    """Load what the first query and the first insert need, if they have not come meanwhile."""

    def load() -> None:
        reference.start()
        import pyarrow.compute  # noqa: F401

    threading.Thread(target=load, name="bigquery-warm-up", daemon=True).start()
