"""uvicorn, run inside an emulator's thread: no signal handlers, no log, an orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from localgcp.base import LOOPBACK
from localgcp.front import Front

if TYPE_CHECKING:
    import uvicorn

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

    server = uvicorn.Server(_config(application, host, port))
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


async def run_with_grpc(
    application: Any,
    grpc_server: Any,
    host: str,
    port: int,
    listening: Callable[[], None],
    stopping: asyncio.Event,
) -> None:
    """As `run`, with a gRPC server (`grpc.aio`, without a port yet) behind the same port."""
    from uvicorn.server import ServerState

    from localgcp.http import BoundedHttp

    config, state = _config(application, host, port), ServerState()
    config.load()
    inner = grpc_server.add_insecure_port(f"{LOOPBACK}:0")
    await grpc_server.start()
    connections: WeakSet[asyncio.Transport] = WeakSet()
    front = await asyncio.get_running_loop().create_server(
        lambda: Front((LOOPBACK, inner), lambda: BoundedHttp(config, state, {}), connections),
        host,
        port,
    )
    listening()
    await stopping.wait()
    front.close()
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        await asyncio.wait(list(state.tasks), timeout=GRACE_SECONDS)
    await grpc_server.stop(grace=None)
    for transport in list(connections):
        transport.close()


def _config(application: Any, host: str, port: int) -> uvicorn.Config:
    import uvicorn

    from localgcp.http import BoundedHttp

    return uvicorn.Config(
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
