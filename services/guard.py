"""Who may ask a service that runs on a laptop: its own programs, and no web page.

The rules are those of ADR 10 and of the emulators' guard, from which services import nothing; one
table of cases tests both. On Google Cloud IAM and Google's own names stand before a service: there
ALLOW_HOST=* leaves all to them.
"""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from functools import cache, lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/?#@\[\],]+)(?::[0-9]*)?")
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json", re.IGNORECASE)


@dataclass(frozen=True)
class Allowed:
    """Whom a service answers besides this machine's programs."""

    hosts: frozenset[str] = frozenset()
    """Names by which it may be asked; with "*" something else guards it."""
    origins: frozenset[str] = frozenset()
    """Pages that may ask it, each as SCHEME://HOST[:PORT], or null."""

    def host(self, name: str) -> bool:
        """Whether this service may be asked by this name."""
        return name in self.hosts or is_loopback(name) or _own_name() == name

    def origin(self, origin: str) -> bool:
        """Whether a page of this origin may ask."""
        return bool(self.origins & {origin.lower(), "*"})


NOBODY_ELSE = Allowed()


class Asked(NamedTuple):
    """What of a request tells who asks. A header that came twice has both values, by commas."""

    method: str
    host: str = ""
    origin: str = ""
    site: str = ""
    """Sec-Fetch-Site."""
    followed: bool = False
    """A link was followed: a navigation of the whole window."""
    content_type: str = ""
    has_body: bool = False
    preflight: bool = False

    @classmethod
    def of(cls, method: str, headers: Iterable[tuple[bytes, bytes]]) -> Asked:
        """From the headers as ASGI has them: names in lower case."""
        text: dict[str, str] = {}
        for raw, value in headers:
            name, said = raw.decode("latin-1"), value.decode("latin-1").strip()
            text[name] = f"{text[name]}, {said}" if name in text else said
        return cls(
            method,
            text.get("host", ""),
            text.get("origin", ""),
            text.get("sec-fetch-site", ""),
            (text.get("sec-fetch-mode"), text.get("sec-fetch-dest")) == ("navigate", "document"),
            text.get("content-type", ""),
            text.get("content-length", "0") != "0" or "transfer-encoding" in text,
            "access-control-request-method" in text,
        )


class Refusal(NamedTuple):
    """Why a request is not answered."""

    status: int
    text: str


@lru_cache(maxsize=256)
def decide(asked: Asked, allowed: Allowed) -> Refusal | None:
    """None if the request may be answered."""
    if "*" in allowed.hosts:
        return None
    match = _HOST.fullmatch(asked.host)
    name = match.group(1).lower().rstrip(".") if match else ""
    if not name or not allowed.host(name):
        return _refusal("the Host", asked.host, "ALLOW_HOST")
    if asked.origin and asked.origin.lower().partition("://")[2] != asked.host.lower():
        if allowed.origin(asked.origin):
            return _type(asked)
        # Another program's page on this machine may look, like any program, but change nothing.
        if asked.preflight or asked.method not in _SAFE or not _is_local_page(asked.origin):
            return _refusal("a page of the Origin", asked.origin, "ALLOW_ORIGIN")
    elif asked.site == "cross-site" and not (asked.followed and asked.method in _SAFE):
        return _refusal("a page by Sec-Fetch-Site", asked.site, "ALLOW_ORIGIN")
    return _type(asked)


def is_loopback(name: str) -> bool:
    """Whether a Host's name means this machine, whatever any DNS says."""
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761, section 6.3
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _type(asked: Asked) -> Refusal | None:
    """A form, or plain text, is what a page may send to anyone without being asked first."""
    if asked.method in _SAFE or not asked.has_body:
        return None
    essence = asked.content_type.partition(";")[0].strip()
    if "," not in asked.content_type and _JSON.fullmatch(essence):
        return None
    said = asked.content_type or "none"
    add = (
        "send the header content-type: application/json (curl: -H 'content-type: application/json')"
    )
    return Refusal(415, f"Content-Type {said!r} is refused: a body here is JSON; {add}")


def _refusal(what: str, value: str, variable: str) -> Refusal:
    text = f"{what} {value!r} is refused: it is not of this machine; {variable} names who else may"
    return Refusal(403, text)


def _is_local_page(origin: str) -> bool:
    try:
        return is_loopback(urlsplit(origin.lower()).hostname or "")
    except ValueError:
        return False


@cache
def _own_name() -> str:
    return socket.gethostname().lower()


def cors(asked: Asked, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """What lets a page of an allowed origin ask and read (Fetch standard, "HTTP responses")."""
    origin = asked.origin.encode("latin-1")
    may = [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
    if not asked.preflight:
        return [*may, (b"access-control-expose-headers", b"*")]
    wanted = dict(headers)
    asking = b"access-control-request-headers"
    return [
        *may,
        (b"access-control-allow-methods", wanted[b"access-control-request-method"]),
        (b"access-control-allow-headers", wanted.get(asking, b"")),
        (b"access-control-allow-private-network", b"true"),
        (b"access-control-max-age", b"600"),
    ]


def problem(refusal: Refusal, path: str) -> bytes:
    """RFC 9457's problem details."""
    title = HTTPStatus(refusal.status).phrase
    about = {"type": "about:blank", "title": title, "status": refusal.status, "errors": []}
    return json.dumps({**about, "detail": refusal.text, "instance": path}).encode()


class Guard:
    """The ASGI application that stands before another one and answers for it when it refuses."""

    def __init__(self, app: App, allowed: Allowed) -> None:
        self._app, self._allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, answer a preflight, or let the request through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers: Headers = scope["headers"]
        asked = Asked.of(scope.get("method", "GET"), headers)
        refusal = decide(asked, self._allowed)
        may = cors(asked, headers) if asked.origin and self._allowed.origin(asked.origin) else []
        if refusal is not None:
            kind = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
            await _reply(send, refusal.status, problem(refusal, scope["path"]), kind)
        elif asked.preflight and may:
            await _reply(send, HTTPStatus.NO_CONTENT, b"", may)
        else:
            await self._app(scope, receive, _with(send, may) if may else send)


def _with(send: Send, may: Headers) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *may]}
        await send(message)

    return sending


async def _reply(send: Send, status: int, body: bytes, headers: Headers) -> None:
    length = [(b"content-length", b"%d" % len(body))] if body else []
    start = {"type": "http.response.start", "status": int(status)}
    await send({**start, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})
