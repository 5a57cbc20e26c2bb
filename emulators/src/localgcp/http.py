"""What the HTTP servers here share: a bounded head, and bodies read within a limit."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from localgcp.asgi import BodyTooLarge, ClientGone
from localgcp.guard import MAX_HEAD

Receive = Callable[[], Awaitable[dict[str, Any]]]


class BadGzip(Exception):
    """A body is called gzip and is not."""


async def read_body(receive: Receive, limit: int, encoding: str = "") -> bytes:
    """A request's body, unpacked where `encoding` (Content-Encoding) is gzip.

    Holds at most `limit` bytes, however small what came was. Raises BodyTooLarge, BadGzip,
    ClientGone.
    """
    unzip = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    parts, left, more, empty = [], limit, True, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientGone
        part, more = event.get("body", b""), event.get("more_body", False)
        empty = empty and not part
        try:
            part = unzip.decompress(part, left + 1) if unzip else part
        except zlib.error as error:
            raise BadGzip(f"Content-Encoding gzip: {error}") from error
        left -= len(part)
        if left < 0:
            raise BodyTooLarge(limit)
        parts.append(part)
    if unzip and not empty and (not unzip.eof or unzip.unused_data):
        raise BadGzip("Content-Encoding gzip: the body is not one whole gzip member")
    return b"".join(parts)


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
