"""The BigQuery emulator's face: requests come in by REST, rows end in one DuckDB file."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from emulators.base import (
    LOOPBACK,
    Health,
    LoopThread,
    NotStarted,
    StartFailed,
    claim_port,
    data_directory,
)

if TYPE_CHECKING:
    from emulators.bigquery.service import Service

DATABASE = "bigquery.duckdb"
_GRACE_S = 5


class BigQueryEmulator:
    """BigQuery on loopback; `BIGQUERY_EMULATOR_HOST` leads the official clients here."""

    name = "bigquery"

    def __init__(
        self, host: str = LOOPBACK, port: int = 0, data_dir: Path | str | None = None
    ) -> None:
        self.host, self.port = host, port
        self._data_dir = data_dir
        self._thread: LoopThread | None = None

    def start(self) -> None:
        """Return once it listens. Raises PortBusy, StartFailed (the data directory is in use)."""
        self.port = claim_port(self.name, self.host, self.port)
        self._thread = LoopThread(self.name, self._serve)
        self._thread.start()

    def stop(self) -> None:
        """Answer what is under way, fold the log into the file, let it go."""
        if self._thread is not None:
            self._thread.stop()

    def alive(self) -> bool:
        """Whether the server thread runs."""
        return self._thread is not None and self._thread.alive()

    def health(self) -> Health:
        """Ask over HTTP."""
        try:
            with urllib.request.urlopen(f"{self._url()}/health", timeout=2) as response:
                answer = json.load(response)
        except (OSError, ValueError, NotStarted) as error:
            return Health(False, str(error))
        return Health(True, "serving", {"tables": answer["tables"]})

    def env(self) -> dict[str, str]:
        """BIGQUERY_EMULATOR_HOST. Raises NotStarted."""
        return {"BIGQUERY_EMULATOR_HOST": self._url()}

    def _url(self) -> str:
        if self._thread is None:
            raise NotStarted(self.name)
        return f"http://{self.host}:{self.port}"

    async def _serve(self, listening: Callable[[], None], stopping: asyncio.Event) -> None:
        import uvicorn

        from emulators.bigquery.server import Server
        from emulators.bigquery.service import Service
        from emulators.bigquery.store import StoreBusy

        directory = data_directory(self._data_dir)
        try:
            service = Service(directory / DATABASE if directory else None)
        except StoreBusy as error:
            raise StartFailed(self.name, str(error)) from error
        application = Server(service, lambda: f"{self._url()}/")
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
    from emulators.bigquery.expiry import SWEEP_EVERY_S

    while True:
        await asyncio.to_thread(service.sweep)
        await asyncio.sleep(SWEEP_EVERY_S)


def _warm_up() -> None:
    """Load what the first query and the first insert need, once we listen."""

    def load() -> None:
        import pyarrow.compute  # noqa: F401

        import emulators.bigquery.googlesql.statements  # noqa: F401

    threading.Thread(target=load, name="bigquery-warm-up", daemon=True).start()
