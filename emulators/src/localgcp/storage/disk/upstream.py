"""HTTP to the binary: connections that are kept, bodies that stream both ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import suppress
from typing import Any

import httptools
import orjson

from localgcp.storage.disk.process import HOST
from localgcp.storage.errors import BinaryFailed

PIECE = 64 * 1024
KEPT_CONNECTIONS = 32
MAX_DOCUMENT = 64 * 1024 * 1024
"""A metadata answer is held whole; the longest is a listing of 1,000 objects."""

Body = bytes | AsyncIterator[bytes]
Headers = Iterable[tuple[str, str]]


class _Parsed:
    """What httptools has found of one response."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.head = self.whole = self.kept_alive = False
        self.parser: httptools.HttpResponseParser | None = None

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.head = True

    def on_body(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        self.whole = True
        # Told truly only here: the parser is ready for the next message afterwards.
        self.kept_alive = self.parser is not None and bool(self.parser.should_keep_alive())


class Answer:
    """The binary's answer; its body is read once, or given up by `close()`."""

    def __init__(self, upstream: Upstream, connection: _Connection, method: str) -> None:
        self._upstream, self._connection = upstream, connection
        self._bodiless = method == "HEAD"
        self._parsed = _Parsed()
        self._parser = self._parsed.parser = httptools.HttpResponseParser(self._parsed)
        self.status = 0

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Names in lower case."""
        return self._parsed.headers

    def header(self, name: bytes) -> bytes:
        """The first of this name, or nothing."""
        return next((value for each, value in self.headers if each == name), b"")

    async def begin(self) -> None:
        """Read up to the body. Raises BinaryFailed."""
        while not self._parsed.head:
            await self._feed()
        self.status = self._parser.get_status_code()
        if self._bodiless:
            self._release()

    async def stream(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises BinaryFailed where the binary breaks off."""
        if self._bodiless:
            return
        try:
            while True:
                pieces, self._parsed.pieces = self._parsed.pieces, []
                for piece in pieces:
                    yield piece
                if self._parsed.whole:
                    break
                await self._feed()
        finally:
            self._release()

    async def body(self) -> bytes:
        """The whole body. Raises BinaryFailed."""
        pieces, size = [], 0
        async for piece in self.stream():
            size += len(piece)
            if size > MAX_DOCUMENT:
                self.close()
                raise BinaryFailed(f"an answer of over {MAX_DOCUMENT} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    async def json(self) -> dict[str, Any]:
        """The body as a JSON object; {} for none, or for null. Raises BinaryFailed."""
        raw = await self.body()
        try:
            found = orjson.loads(raw) if raw.strip() else None
        except orjson.JSONDecodeError as error:
            text = raw[:200].decode(errors="replace")
            raise BinaryFailed(f"fake-gcs-server answered {self.status}: {text}") from error
        return found if isinstance(found, dict) else {}

    def spoil(self) -> None:
        """Let nobody use this connection again: its request did not end."""
        self._connection.broken = True

    def close(self) -> None:
        """Give up the rest of the body."""
        self._connection.broken = True
        self._release()

    async def _feed(self) -> None:
        data = await self._connection.reader.read(PIECE)
        if not data:
            self.close()
            raise BinaryFailed("fake-gcs-server hung up")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.close()
            raise BinaryFailed(f"fake-gcs-server spoke no HTTP: {error}") from error

    def _release(self) -> None:
        if not (self._parsed.whole and self._parsed.kept_alive):
            self._connection.broken = True
        self._upstream.give_back(self._connection)


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.broken = self.idle = False


class Upstream:
    """The binary at `host`:`port`."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[_Connection] = []
        self._closed = False

    async def call(
        self, method: str, target: str, headers: Headers = (), body: Body = b""
    ) -> Answer:
        """Send one request and return once its answer begins.

        A body that is an iterator is sent chunked, as it yields; what it raises is raised here,
        and the binary then sees a request that breaks off, of which it keeps nothing.
        Raises BinaryFailed.
        """
        if not isinstance(body, bytes):
            body = await _whole_if_small(body)
        connection = await self._take()
        answer = Answer(self, connection, method)
        head = _head(method, target, headers, body)
        try:
            if isinstance(body, bytes):
                connection.writer.write(head + body)
                await connection.writer.drain()
                await answer.begin()
            else:
                await _exchange(answer, _send(connection.writer, head, body))
        except OSError as error:
            answer.close()
            raise BinaryFailed(f"fake-gcs-server does not take a request: {error}") from error
        except BaseException:
            answer.close()
            raise
        return answer

    async def document(
        self, method: str, target: str, document: bytes = b""
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a call whose answer is a document. Raises BinaryFailed."""
        headers = (("content-type", "application/json"),) if document else ()
        answer = await self.call(method, target, headers, document)
        return answer.status, await answer.json()

    def give_back(self, connection: _Connection) -> None:
        """Keep a connection for the next call, or close it."""
        if connection.idle:
            return
        connection.idle = True
        if connection.broken or self._closed or len(self._idle) >= KEPT_CONNECTIONS:
            connection.writer.transport.abort()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Close what is kept, and what is given back from now on."""
        self._closed = True
        for connection in self._idle:
            connection.writer.transport.abort()
        self._idle.clear()

    async def _take(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.reader.at_eof() and not connection.writer.is_closing():
                connection.idle = False
                return connection
            connection.writer.transport.abort()
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=PIECE)
        except OSError as error:
            raise BinaryFailed(f"fake-gcs-server does not listen: {error}") from error
        return _Connection(reader, writer)


def _head(method: str, target: str, headers: Headers, body: Body) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"host: {HOST}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if not isinstance(body, bytes):
        lines.append("transfer-encoding: chunked")
    elif body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"content-length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _whole_if_small(body: AsyncIterator[bytes]) -> Body:
    """A small body as bytes, which go out in one write with the head; a larger one as it was."""
    held = bytearray()
    async for piece in body:
        held += piece
        if len(held) > PIECE:
            return _chain(bytes(held), body)
    return bytes(held)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


async def _exchange(answer: Answer, send: Coroutine[None, None, None]) -> None:
    """Send while listening: an answer may come before the body is through, a refusal."""
    sending = asyncio.create_task(send)
    beginning = asyncio.create_task(answer.begin())
    try:
        await asyncio.wait({sending, beginning}, return_when=asyncio.FIRST_COMPLETED)
        if not beginning.done():
            await sending
        await beginning
    finally:
        for task in (sending, beginning):
            if not task.done():
                answer.spoil()
                task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _send(writer: asyncio.StreamWriter, head: bytes, body: AsyncIterator[bytes]) -> None:
    # Small pieces go out together: one write for a small object.
    pending = bytearray(head)
    async for piece in body:
        if piece:
            pending += b"%x\r\n%b\r\n" % (len(piece), piece)
        if len(pending) >= PIECE:
            writer.write(bytes(pending))
            pending.clear()
            await writer.drain()
    writer.write(bytes(pending) + b"0\r\n\r\n")
    await writer.drain()
