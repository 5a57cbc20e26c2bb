"""One port for gRPC and REST: the first bytes tell which, and the rest goes there untouched.

gRPC's core wants a port of its own, so its connections are relayed to it; HTTP/1 connections are
handed to the HTTP server's protocol in this process. A CONNECT is answered here (`tunnel.py`).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from typing import cast
from weakref import WeakSet

# RFC 9113, section 3.4: what every HTTP/2 client sends first. No HTTP/1 method begins so.
_HTTP2_PREFACE = b"PRI"
_CONNECT = b"CON"
_MAX_CONNECT = 8192  # bytes of its head

MakeProtocol = Callable[[], asyncio.Protocol]
Tunnels = Callable[[str], ssl.SSLContext | None]
"""The TLS of a HOST:PORT that a CONNECT may ask for; None if it may not."""


def no_tunnels(target: str) -> None:
    """Refuses every CONNECT."""


class SharedPort(asyncio.Protocol):
    """A new connection, until its first three bytes are in."""

    def __init__(
        self,
        grpc_address: tuple[str, int],
        make_http: MakeProtocol,
        connections: WeakSet[asyncio.Transport],
        tunnels: Tunnels = no_tunnels,
    ) -> None:
        self._grpc_address, self._make_http, self._tunnels = grpc_address, make_http, tunnels
        self._connections = connections
        self._first = b""
        self._transport: asyncio.Transport | None = None
        self._joining: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for bytes; the connection is listed, whoever has it later."""
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self._transport)
        if self._first:
            self._decide(self._transport)

    def data_received(self, data: bytes) -> None:
        """Keep it until it tells what this is; within TLS, the first may come before it is made."""
        self._first += data
        if self._transport is not None:
            self._decide(self._transport)

    def _decide(self, transport: asyncio.Transport) -> None:
        """Hand the connection over, if enough is there."""
        if len(self._first) < len(_HTTP2_PREFACE):
            return
        if self._first.startswith(_HTTP2_PREFACE):
            transport.pause_reading()
            self._begin(self._join(transport))
        elif self._first.startswith(_CONNECT):
            if b"\r\n\r\n" in self._first or len(self._first) > _MAX_CONNECT:
                self._connect(transport)
        else:
            _hand_over(transport, self._make_http(), self._first)

    def _connect(self, transport: asyncio.Transport) -> None:
        """A proxy's CONNECT, whose whole head is in: TLS from here on, or a refusal."""
        _, _, rest = self._first.partition(b" ")
        target = rest.split(maxsplit=1)[0].decode("latin-1") if rest[:1].strip() else ""
        tls = self._tunnels(target)
        if tls is None:
            said = f"not supported by the emulator: a connection to {target}\n"
            head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(said)}\r\n\r\n"
            transport.write((head + said).encode())
            transport.close()
            return
        transport.pause_reading()
        transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self._begin(self._secure(transport, tls))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        self._joining = asyncio.get_running_loop().create_task(work)

    async def _secure(self, transport: asyncio.Transport, tls: ssl.SSLContext) -> None:
        """The same again within TLS; a client that does not trust it has gone."""
        inner = SharedPort(self._grpc_address, self._make_http, self._connections)
        loop = asyncio.get_running_loop()
        try:
            made = await loop.start_tls(transport, inner, tls, server_side=True)
        except (OSError, ssl.SSLError):
            transport.close()
            return
        if made is not None:
            inner.connection_made(made)

    def connection_lost(self, exc: Exception | None) -> None:
        """It ended before it said what it was, or while gRPC was called."""
        if self._joining is not None:
            self._joining.cancel()

    async def _join(self, transport: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        try:
            inner, _ = await loop.create_connection(lambda: Relay(transport), *self._grpc_address)
        except OSError:
            transport.close()
            return
        transport.resume_reading()
        _hand_over(transport, Relay(inner), self._first)


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
