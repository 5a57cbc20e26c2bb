"""uvicorn, run inside an emulator's thread: no signal handlers, no log, an orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

GRACE_SECONDS = 5
KEEP_ALIVE_SECONDS = 600
"""As Google's front ends: a client that sends on a connection just closed sees a broken pipe."""


async def run(
    application: Any,
    host: str,
    port: int,
    listening: Callable[[], None],
    stopping: asyncio.Event,
) -> None:
    """Serve an ASGI application until `stopping`; `listening()` is called once it listens."""
    import uvicorn

    from localgcp.http import BoundedHttp

    config = uvicorn.Config(
        application,
        http=BoundedHttp,
        ws="none",
        host=host,
        port=port,
        log_level="error",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = uvicorn.Server(config)
    # Its handlers belong to the program that runs us, so not serve(), which installs them.
    serving = asyncio.create_task(server._serve())
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    if not serving.done():
        listening()
        stop = asyncio.create_task(stopping.wait())
        await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stop.cancel()
    with suppress(asyncio.CancelledError):
        await serving
