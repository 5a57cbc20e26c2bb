"""One port for gRPC and REST: the first bytes tell which, and the rest goes there untouched.

gRPC's core wants a port of its own, so its connections are relayed to it; HTTP/1 connections are
handed to the HTTP server's protocol in this process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast
from weakref import WeakSet

# RFC 9113, section 3.4: what every HTTP/2 client sends first. No HTTP/1 method begins so.
_HTTP2_PREFACE = b"PRI"

MakeProtocol = Callable[[], asyncio.Protocol]


class SharedPort(asyncio.Protocol):
    """A new connection, until its first three bytes are in."""

    def __init__(
        self,
        grpc_address: tuple[str, int],
        make_http: MakeProtocol,
        connections: WeakSet[asyncio.Transport],
    ) -> None:
        self._grpc_address, self._make_http = grpc_address, make_http
        self._connections = connections
        self._first = b""
        self._joining: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for bytes; the connection is listed, whoever has it later."""
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self._transport)

    def data_received(self, data: bytes) -> None:
        """Decide, and hand the connection over."""
        self._first += data
        if len(self._first) < len(_HTTP2_PREFACE):
            return
        if self._first.startswith(_HTTP2_PREFACE):
            self._transport.pause_reading()
            self._joining = asyncio.get_running_loop().create_task(self._join())
        else:
            _hand_over(self._transport, self._make_http(), self._first)

    def connection_lost(self, exc: Exception | None) -> None:
        """It ended before it said what it was, or while gRPC was called."""
        if self._joining is not None:
            self._joining.cancel()

    async def _join(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            inner, _ = await loop.create_connection(
                lambda: Relay(self._transport), *self._grpc_address
            )
        except OSError:
            self._transport.close()
            return
        self._transport.resume_reading()
        _hand_over(self._transport, Relay(inner), self._first)


class Relay(asyncio.Protocol):
    """One direction: what arrives here is written to `peer`, no faster than it takes it."""

    def __init__(self, peer: asyncio.Transport) -> None:
        self._peer = peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Nothing to do until bytes come."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self._peer.write(data)

    def pause_writing(self) -> None:
        """This side is slow, so the other stops reading."""
        self._peer.pause_reading()

    def resume_writing(self) -> None:
        """This side has caught up."""
        self._peer.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """An end that is gone takes the other with it, once what was written is out."""
        self._peer.close()


def _hand_over(transport: asyncio.Transport, protocol: asyncio.Protocol, first: bytes) -> None:
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    protocol.data_received(first)
