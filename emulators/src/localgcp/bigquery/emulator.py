"""The BigQuery emulator's face: requests come in by REST, rows end in one DuckDB file."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localgcp import environment
from localgcp.base import StartFailed
from localgcp.threaded import ThreadedEmulator

if TYPE_CHECKING:
    from localgcp.bigquery.service import Service

DATABASE = "bigquery.duckdb"
_GRACE_S = 5


class BigQueryEmulator(ThreadedEmulator):
    """BigQuery on host:port; with a data_dir, datasets and rows outlive a kill."""

    name = "bigquery"
    health_path = "/health"

    async def serve(
        self, data_dir: Path | None, listening: Callable[[], None], stopping: asyncio.Event
    ) -> None:
        """The REST API over one service. Raises StartFailed where the data is in use."""
        import uvicorn

        from localgcp.bigquery.server import Server
        from localgcp.bigquery.service import Service
        from localgcp.bigquery.store import StoreBusy

        try:
            service = Service(data_dir / DATABASE if data_dir else None)
        except StoreBusy as error:
            raise StartFailed(self.name, str(error)) from error
        application = Server(service, lambda: f"http://{self.host}:{self.port}/")
        config = uvicorn.Config(
            application,
            host=self.host,
            port=self.port,
            log_level="error",
            lifespan="off",
            timeout_graceful_shutdown=_GRACE_S,
        )
        sweeping = asyncio.create_task(_sweep(service))
        try:
            await _run(uvicorn.Server(config), listening, stopping)
        finally:
            sweeping.cancel()
            application.close()
            service.close()

    def figures(self, answer: dict[str, Any]) -> dict[str, int | float | str]:
        """How many tables there are."""
        return {"tables": answer["tables"]}

    def variables(self, address: str) -> dict[str, str]:
        """For the Google clients."""
        return environment.bigquery(address)


async def _run(server: object, listening: Callable[[], None], stopping: asyncio.Event) -> None:
    """uvicorn without its signal handlers, which belong to the program that runs us."""
    from uvicorn import Server

    assert isinstance(server, Server)
    serving = asyncio.create_task(server._serve())
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    if not serving.done():
        listening()
        _warm_up()
        stop = asyncio.create_task(stopping.wait())
        await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stop.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def _sweep(service: Service) -> None:
    """Delete what has expired, now and then."""
    from localgcp.bigquery.catalog.expiry import SWEEP_EVERY_S

    while True:
        await asyncio.to_thread(service.sweep)
        await asyncio.sleep(SWEEP_EVERY_S)


def _warm_up() -> None:
    """Load what the first query and the first insert need, once we listen."""

    def load() -> None:
        import pyarrow.compute  # noqa: F401

    threading.Thread(target=load, name="bigquery-warm-up", daemon=True).start()
