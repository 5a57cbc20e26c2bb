"""Who may ask: this machine's own programs, and no web page that its user happens to have open.

It stands alone, for the application's services on a laptop import it too.

A page can send requests to 127.0.0.1, and can make a name of its own lead there (DNS rebinding). A
browser tells on it: by Host, Origin and Sec-Fetch-Site (Fetch standard, "Origin header"; W3C,
"Fetch Metadata Request Headers"). The official clients send a loopback Host, no Origin, and JSON.
"""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

MAX_HEAD = 64 * 1024
"""Bytes that a request's target and headers may have together."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]
Tell = Callable[[int, str, str], tuple[str, bytes]]
"""A refusal's status, its text and the path that was asked -> a content type and a body."""

_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/?#@\[\],]+)(?::[0-9]*)?")
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json", re.IGNORECASE)
_STATUS = {403: "PERMISSION_DENIED", 415: "INVALID_ARGUMENT", 431: "INVALID_ARGUMENT"}


def _names(values: Iterable[str]) -> frozenset[str]:
    return frozenset(value.strip().lower().rstrip("./") for value in values if value.strip())


@dataclass(frozen=True)
class Allowed:
    """Whom a server deals with besides this machine; "*" stands for everyone."""

    hosts: frozenset[str] = frozenset()
    """Names by which it may be asked, without a port."""
    origins: frozenset[str] = frozenset()
    """Pages that may ask it, each as SCHEME://HOST[:PORT], or null."""
    push: frozenset[str] = frozenset()
    """Names that Pub/Sub may push to."""

    @classmethod
    def of(
        cls, hosts: Iterable[str] = (), origins: Iterable[str] = (), push: Iterable[str] = ()
    ) -> Allowed:
        """From what a user wrote: any case, a dot or a slash at the end."""
        return cls(_names(hosts), _names(origins), _names(push))

    def with_host(self, name: str) -> Allowed:
        """The same, and the name by which what the server listens on is reached."""
        return replace(self, hosts=self.hosts | _names([name]))

    def host(self, name: str) -> bool:
        """Whether this server may be asked by this name."""
        return is_loopback(name) or _own_name() == name or bool(self.hosts & {name, "*"})

    def origin(self, origin: str) -> bool:
        """Whether a page of this origin may ask."""
        return bool(self.origins & {origin, "*"})


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
        """From the headers of an ASGI scope: names in lower case."""
        found: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in _TELLING:
                found[name] = found[name] + b", " + value if name in found else value
        text = {name: value.decode("latin-1").strip() for name, value in found.items()}
        return cls(
            method,
            text.get(b"host", ""),
            text.get(b"origin", ""),
            text.get(b"sec-fetch-site", ""),
            (text.get(b"sec-fetch-mode"), text.get(b"sec-fetch-dest")) == ("navigate", "document"),
            text.get(b"content-type", ""),
            text.get(b"content-length", "0") != "0" or b"transfer-encoding" in text,
            b"access-control-request-method" in text,
        )


_TELLING = frozenset(
    (
        *(b"host", b"origin", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest"),
        *(b"content-type", b"content-length", b"transfer-encoding"),
        b"access-control-request-method",
    )
)


class Refusal(NamedTuple):
    """Why a request is not answered: a status and a text that names value and setting."""

    status: int
    text: str


@lru_cache(maxsize=1024)
def decide(asked: Asked, allowed: Allowed, any_type: bool = False) -> Refusal | None:
    """None if the request may be answered; `any_type` is for a path that takes files."""
    name = _host_name(asked.host)
    if name is None or not allowed.host(name):
        return _refusal("the Host", asked.host, "allow-host", name or "NAME")
    if asked.origin and not _same_origin(asked):
        if allowed.origin(asked.origin.lower()):
            return None if any_type else _type(asked)
        # Another program's page on this machine may look, like any program, but change nothing.
        if asked.preflight or asked.method not in _SAFE or not _is_local_page(asked.origin):
            return _refusal("a page of the Origin", asked.origin, "allow-origin", asked.origin)
    elif asked.site == "cross-site" and not (asked.followed and asked.method in _SAFE):
        return _refusal("a page by Sec-Fetch-Site", asked.site, "allow-origin", "ORIGIN")
    return None if any_type else _type(asked)


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


def _refusal(what: str, value: str, setting: str, fitting: str) -> Refusal:
    variable = setting.upper().replace("-", "_")
    text = (
        f"{what} {value!r} is refused: it is not of this machine; "
        f"if you know it, start with --{setting} {fitting}, or set {variable}={fitting}"
    )
    return Refusal(403, text)


def _host_name(host: str) -> str | None:
    """The name in a Host header, in lower case; None where there is none."""
    match = _HOST.fullmatch(host)
    return match.group(1).lower().rstrip(".") if match else None


def _same_origin(asked: Asked) -> bool:
    return asked.origin.lower().partition("://")[2] == asked.host.lower()


def _is_local_page(origin: str) -> bool:
    try:
        return is_loopback(urlsplit(origin.lower()).hostname or "")
    except ValueError:
        return False


@cache
def _own_name() -> str:
    return socket.gethostname().lower()


class Guard:
    """The ASGI application that stands before another one and answers for it when it refuses."""

    def __init__(
        self,
        app: App,
        allowed: Allowed,
        any_type: Callable[[str], bool] = lambda path: False,
        tell: Tell | None = None,
    ) -> None:
        """`any_type` tells which paths take files, whose content types are their own.

        `tell` writes a refusal's answer; by default it is one of Google's.
        """
        self._app, self._allowed, self._any_type = app, allowed, any_type
        self._tell = tell or _as_google

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, answer a preflight, or let the request through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = scope["headers"]
        asked = Asked.of(scope.get("method", "GET"), headers)
        refusal = _too_long(scope) or decide(asked, self._allowed, self._any_type(scope["path"]))
        if refusal is not None:
            kind, body = self._tell(refusal.status, refusal.text, scope["path"])
            await _reply(send, refusal.status, body, [(b"content-type", kind.encode())])
        elif not asked.origin or _same_origin(asked):
            await self._app(scope, receive, send)
        else:
            may = cors(asked, headers) if self._allowed.origin(asked.origin.lower()) else []
            if asked.preflight:
                await _reply(send, 204, b"", may)
            else:
                await self._app(scope, receive, _with_cors(send, may))


def cors(asked: Asked, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What lets a page of an allowed origin ask and read (Fetch standard, "HTTP responses")."""
    origin = [
        (b"access-control-allow-origin", asked.origin.encode("latin-1")),
        (b"vary", b"Origin"),
    ]
    if not asked.preflight:
        return [*origin, (b"access-control-expose-headers", b"*")]
    wanted = dict(headers)
    preflight = [
        *origin,
        (b"access-control-allow-methods", wanted[b"access-control-request-method"]),
        (b"access-control-max-age", b"600"),
    ]
    if b"access-control-request-headers" in wanted:
        names = wanted[b"access-control-request-headers"]
        preflight.append((b"access-control-allow-headers", names))
    if b"access-control-request-private-network" in wanted:
        preflight.append((b"access-control-allow-private-network", b"true"))
    return preflight


def _with_cors(send: Send, may: list[tuple[bytes, bytes]]) -> Send:
    """The application's own word on who may read is taken out."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            own = [
                (name, value)
                for name, value in message.get("headers", ())
                if not name.lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": [*own, *may]}
        await send(message)

    return sending


def _too_long(scope: Mapping[str, Any]) -> Refusal | None:
    size = sum(len(name) + len(value) for name, value in scope["headers"])
    size += len(scope.get("raw_path") or b"") + len(scope["query_string"])
    if size <= MAX_HEAD:
        return None
    return Refusal(431, f"target and headers have {size} bytes; {MAX_HEAD} are allowed")


def _as_google(status: int, text: str, path: str) -> tuple[str, bytes]:
    """As Google's APIs tell an error, so that every client shows the text."""
    reason = "forbidden" if status == 403 else "invalid"
    error = {
        "code": status,
        "message": text,
        "status": _STATUS[status],
        "errors": [{"reason": reason, "domain": "global", "message": text}],
    }
    return "application/json", json.dumps({"error": error}).encode()


async def _reply(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    # Whatever body still comes is not read: the connection ends with the answer.
    length = [(b"content-length", b"%d" % len(body))] if status != 204 else []
    more = [(b"connection", b"close")] if status != 204 else []
    start = {"type": "http.response.start", "status": status}
    await send({**start, "headers": [*headers, *length, *more]})
    await send({"type": "http.response.body", "body": body})
