"""What the HTTP servers share: a request, a reply, routes, and nothing else between us and ASGI.

Bodies stream both ways. A request's body is read once, either by `stream()`, piece by piece as it
comes in, or by `body(limit)`, whole; a reply's body is bytes or an async iterator of them. The
server below (uvicorn) stops reading from a client whose pieces nobody takes, and `send` waits for
a client that does not read, so a body of any size passes at flat memory.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import orjson

from localgcp.guard import Receive, Scope, Send

Headers = Sequence[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json; charset=UTF-8")


class RequestError(Exception):
    """Base of what is wrong with a request before anybody knows what it asks."""


class BodyTooLarge(RequestError):
    """The body is longer than its reader allows."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"the request's body is larger than {limit} bytes")


class NotUtf8(RequestError):
    """A part of the path or of the query is no UTF-8 once decoded."""

    def __init__(self, where: str, raw: bytes) -> None:
        super().__init__(f"{where} is not UTF-8: {raw!r}")


class NotJson(RequestError):
    """The body is no JSON object."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the request's body is not a JSON object: {why}")


class BadGzip(RequestError):
    """The body is called gzip and is not."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Content-Encoding gzip: {why}")


class ClientGone(Exception):
    """The client hung up before its request was whole; nobody is left to answer."""


class Request:
    """One HTTP request. `path` is as it came, undecoded: a route decodes each segment once."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.raw_headers: Headers = scope["headers"]
        self._query: bytes = scope["query_string"]
        self._scheme: str = scope.get("scheme", "http")
        self._server = scope.get("server") or ("", 0)
        self._receive = receive

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name; of a repeated one the first."""
        found: dict[str, str] = {}
        for name, value in self.raw_headers:
            found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
        return found

    @cached_property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """The query's pairs, decoded once, in order. Raises NotUtf8."""
        try:
            return parse_qsl(self._query.decode("ascii"), keep_blank_values=True, errors="strict")
        except UnicodeDecodeError as error:
            raise NotUtf8("the query", self._query) from error

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query by name; of a repeated name the first, as Go's and Java's servers take it."""
        found: dict[str, str] = {}
        for name, value in self.pairs:
            found.setdefault(name, value)
        return found

    @property
    def root(self) -> str:
        """`http://HOST` as the client called us: from outside a container it is not our own."""
        host = self.headers.get("host") or "{}:{}".format(*self._server)
        return f"{self._scheme}://{host}"

    @property
    def length(self) -> int | None:
        """The body's length where the client tells it."""
        told = self.headers.get("content-length", "")
        return int(told) if told.isascii() and told.isdigit() else None

    async def stream(self) -> AsyncIterator[bytes]:
        """The body's pieces as they come in. Raises ClientGone."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            if piece := message.get("body"):
                yield piece
            more = message.get("more_body", False)

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises BodyTooLarge, ClientGone."""
        if (self.length or 0) > limit:
            raise BodyTooLarge(limit)
        pieces, size = [], 0
        async for piece in self.stream():
            size += len(piece)
            if size > limit:
                raise BodyTooLarge(limit)
            pieces.append(piece)
        return b"".join(pieces)

    async def unpacked(self, limit: int) -> bytes:
        """The whole body, unpacked where Content-Encoding is gzip.

        Holds at most `limit` bytes, however small what came was. Raises BodyTooLarge, BadGzip,
        ClientGone.
        """
        if self.headers.get("content-encoding") != "gzip":
            return await self.body(limit)
        unzip, pieces, left, empty = zlib.decompressobj(wbits=31), [], limit, True
        async for packed in self.stream():
            try:
                piece = unzip.decompress(packed, left + 1)
            except zlib.error as error:
                raise BadGzip(str(error)) from error
            left, empty = left - len(piece), False
            if left < 0:
                raise BodyTooLarge(limit)
            pieces.append(piece)
        if not empty and (not unzip.eof or unzip.unused_data):
            raise BadGzip("the body is not one whole gzip member")
        return b"".join(pieces)

    async def gone(self) -> None:
        """Return once the client has hung up; for a handler that waits, its body read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def json(self, limit: int) -> dict[str, Any]:
        """The body as a JSON object, {} for none. Raises NotJson, BodyTooLarge, ClientGone."""
        return json_object(await self.body(limit))


def json_object(raw: bytes) -> dict[str, Any]:
    """Parse a JSON object, {} for nothing. Raises NotJson."""
    if not raw.strip():
        return {}
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotJson(str(error)) from error
    if not isinstance(found, dict):
        raise NotJson(f"it is a {type(found).__name__}")
    return found


@dataclass(frozen=True)
class Reply:
    """One answer: `body` is bytes, or an iterator that is sent as it yields."""

    status: int = 200
    body: bytes | AsyncIterator[bytes] = b""
    headers: Headers = ()

    @classmethod
    def json(cls, document: Any, status: int = 200, headers: Headers = ()) -> Reply:
        """A JSON document."""
        return cls(status, orjson.dumps(document), (JSON, *headers))

    async def send(self, send: Send, head_only: bool = False) -> None:
        """Send it, with a content-length unless it streams and does not name one."""
        headers = list(self.headers)
        if isinstance(self.body, bytes) and not _names(headers, b"content-length"):
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if isinstance(self.body, bytes):
            await send({"type": "http.response.body", "body": b"" if head_only else self.body})
            return
        async for piece in self.body:
            if piece and not head_only:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _names(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bool:
    return any(each.lower() == name for each, _ in headers)


Handler = Callable[..., Awaitable[Reply]]


class Route:
    """A method and a path such as `/b/{bucket}/o/{object}`; `{name}` is one segment.

    `{name*}` at the end takes the rest, slashes and all. A segment is decoded once, after the
    path was split, so an encoded slash is part of a name.
    """

    def __init__(self, method: str, path: str, handler: Handler) -> None:
        self.method, self.handler = method, handler
        pattern = re.sub(r"\{(\w+)\\\*\}", r"(?P<\1>.+)", _escaped(path))
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        self._pattern = re.compile(pattern.encode() + b"/?")

    def match(self, path: bytes) -> dict[str, str] | None:
        """The path's names, decoded, or None. Raises NotUtf8."""
        found = self._pattern.fullmatch(path)
        if found is None:
            return None
        return {name: _decoded(name, raw) for name, raw in found.groupdict().items()}


def _escaped(path: str) -> str:
    return re.escape(path).replace(r"\{", "{").replace(r"\}", "}")


def _decoded(name: str, raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise NotUtf8(name, raw) from error


class Application:
    """Routes to handlers: `handler(request, **names)`. What one raises, `failed` answers."""

    def __init__(
        self,
        routes: Iterable[Route],
        missing: Handler,
        failed: Callable[[Exception], Reply],
        prefix: str = "",
    ) -> None:
        """`prefix` is what a path may begin with before that of a route."""
        self._routes, self._missing, self._failed = list(routes), missing, failed
        self._prefix = prefix.encode()

    def add(self, *routes: Route) -> None:
        """Try these too, after those before."""
        self._routes += routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; any failure before the answer's first byte is an answer as well."""
        request = Request(scope, receive)
        try:
            reply = await self.answer(request)
        except ClientGone:
            return
        await reply.send(send, head_only=request.method == "HEAD")

    async def answer(self, request: Request) -> Reply:
        """The reply to one request, failures included. Raises ClientGone alone."""
        try:
            path = request.path.removeprefix(self._prefix)
            for route in self._routes:
                if route.method == request.method:
                    names = route.match(path)
                    if names is not None:
                        return await route.handler(request, **names)
            return await self._missing(request)
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001 - a bug of ours is this request's failure alone
            return self._failed(error)
