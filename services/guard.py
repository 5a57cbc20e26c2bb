"""Who may ask a service that runs on a laptop: its own programs, and no web page.

The rules are those of `localgcp.guard` (ADR 10), which is imported late: on Google Cloud IAM and
Google's own names stand before a service, ALLOW_HOST=* leaves all to them, and no file of localgcp
is needed there.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from types import ModuleType
from typing import Any, NamedTuple

App = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

EVERYONE = "*"
"""As a host that is allowed: something else asks who is there."""
PROBLEM = "application/problem+json"


class NoGuard(Exception):
    """Nobody would ask who is there."""

    def __init__(self) -> None:
        super().__init__(
            "localgcp, whose guard asks who is there, is not installed: on Google Cloud, where IAM "
            f"asks, set ALLOW_HOST={EVERYONE}"
        )


class Refused(NamedTuple):
    """Why a request is not answered: a status, and RFC 9457's problem details."""

    status: int
    body: bytes


def middleware(hosts: frozenset[str], origins: frozenset[str]) -> Callable[[App], App]:
    """What stands before an ASGI application and answers for it. Raises NoGuard."""
    if EVERYONE in hosts:
        return lambda app: app
    guard = _guard()
    allowed = guard.Allowed(hosts, origins)
    return lambda app: guard.Guard(
        app, allowed, tell=lambda *refusal: (PROBLEM, _problem(*refusal))
    )


def gate(
    hosts: frozenset[str], origins: frozenset[str]
) -> Callable[[str, Headers, str], Refused | None]:
    """What refuses a request by its method, its headers (names in lower case) and its path.

    Raises NoGuard.
    """
    if EVERYONE in hosts:
        return lambda method, headers, path: None
    guard = _guard()
    allowed = guard.Allowed(hosts, origins)

    def refuse(method: str, headers: Headers, path: str) -> Refused | None:
        refusal = guard.decide(guard.Asked.of(method, headers), allowed)
        return refusal and Refused(refusal.status, _problem(refusal.status, refusal.text, path))

    return refuse


def _guard() -> ModuleType:
    try:
        from localgcp import guard
    except ModuleNotFoundError as error:
        raise NoGuard from error
    return guard


def _problem(status: int, text: str, path: str) -> bytes:
    title = HTTPStatus(status).phrase
    about = {"type": "about:blank", "title": title, "status": status, "errors": []}
    return json.dumps({**about, "detail": text, "instance": path}).encode()
