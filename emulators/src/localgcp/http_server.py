"""uvicorn as the emulators run it, inside their own threads.

No signal handlers, no log, an orderly end, and a bound for the head of a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from localgcp.base import LOOPBACK
from localgcp.guard import MAX_HEAD
from localgcp.shared_port import SharedPort, Tunnels, no_tunnels

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
    grace_seconds: int = GRACE_SECONDS,
    tunnels: Tunnels = no_tunnels,
) -> None:
    """As `run`, with a gRPC server (`grpc.aio`, without a port yet) behind the same port.

    Requests by HTTP that are under way at the end may take `grace_seconds`; calls by gRPC, which
    wait for messages as long as they like, are cancelled. `tunnels` tells what gRPC's clients may
    be led to through the port, as a proxy.
    """
    config, state = _config(application, host, port), ServerState()
    config.load()
    inner = grpc_server.add_insecure_port(f"{LOOPBACK}:0")
    await grpc_server.start()
    connections: WeakSet[asyncio.Transport] = WeakSet()
    shared = await asyncio.get_running_loop().create_server(
        lambda: SharedPort(
            (LOOPBACK, inner), lambda: BoundedHttp(config, state, {}), connections, tunnels
        ),
        host,
        port,
    )
    listening()
    await stopping.wait()
    shared.close()
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        await asyncio.wait(list(state.tasks), timeout=grace_seconds)
    await grpc_server.stop(grace=None)
    for transport in list(connections):
        transport.close()


def _config(application: Any, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=BoundedHttp,
        ws="none",
        host=host,
        port=port,
        log_config=None,
        log_level="error",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol, which by itself gathers a head without end.

    A head that is whole is measured by the guard.
    """

    _in_head, _turns, _head = True, 0, 0
    """Whether a head is coming, how often one or its body ended, and the head's bytes so far."""

    def data_received(self, data: bytes) -> None:
        """Give up on a head that has become too long."""
        before = self._turns
        super().data_received(data)
        # Of a chunk that ended something, what follows is less than one read gives.
        if self._turns != before or not self._in_head:
            self._head = 0
            return
        self._head += len(data)
        if self._head > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response(f"the request's head is longer than {MAX_HEAD} bytes")

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head, self._turns = False, self._turns + 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next head begins."""
        self._in_head, self._turns = True, self._turns + 1
        super().on_message_complete()
