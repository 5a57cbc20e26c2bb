"""Small questions to the stack's parts, as JSON over HTTP."""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

QUICK_SECONDS, ACTION_SECONDS = 2.0, 30.0
MOST_TEXT = 400


class Refused(Exception):
    """A part did not do what it was asked; the text is its own."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


class Unreachable(Refused):
    """No answer at all."""

    def __init__(self, url: str, why: object) -> None:
        self.why = why
        super().__init__(502, f"{url} does not answer: {why}")


def get(url: str) -> dict[str, Any] | None:
    """What a part tells, or None where it does not answer with JSON; never raises."""
    try:
        with urlopen(url, timeout=QUICK_SECONDS) as reply:
            answer: dict[str, Any] = json.load(reply)
            return answer
    except (URLError, OSError, HTTPException, ValueError):
        return None


class Lines:
    """Connections that stay open, for who asks the same parts again and again.

    A question costs either side half of one by `get`. Safe from many threads: each has its own.
    """

    def __init__(self) -> None:
        self._mine = threading.local()

    def ask(self, url: str) -> tuple[int, bytes]:
        """Status and body. Raises OSError and HTTPException where there is no answer."""
        parts = urlsplit(url)
        place, path = parts.netloc, urlunsplit(("", "", parts.path, parts.query, ""))
        held: dict[str, HTTPConnection] = self._mine.__dict__
        if place in held:
            try:
                return _answer(held[place], path)
            except (OSError, HTTPException):
                held.pop(place).close()  # and a new one: its part may have started again
        held[place] = HTTPConnection(place, timeout=QUICK_SECONDS)
        return _answer(held[place], path)

    def get(self, url: str) -> dict[str, Any] | None:
        """What a part tells, or None where it does not answer with JSON; never raises."""
        try:
            status, body = self.ask(url)
            answer: dict[str, Any] = json.loads(body)
        except (OSError, HTTPException, ValueError):
            return None
        return answer if status < HTTPStatus.BAD_REQUEST else None


def _answer(line: HTTPConnection, path: str) -> tuple[int, bytes]:
    line.request("GET", path)
    reply = line.getresponse()
    return reply.status, reply.read()


def ask(method: str, url: str, body: Any = None, seconds: float = ACTION_SECONDS) -> Any:
    """Ask a part to do something; gives its JSON. Raises Refused with what it says, Unreachable."""
    request = Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={} if body is None else {"content-type": "application/json"},
    )
    try:
        with urlopen(request, timeout=seconds) as reply:
            text = reply.read()
            return json.loads(text) if text else None
    except HTTPError as refusal:
        with refusal:
            raise Refused(refusal.code, _said(refusal.read())) from None
    except (URLError, OSError, HTTPException, ValueError) as error:
        raise Unreachable(url, getattr(error, "reason", None) or error) from None


def _said(raw: bytes) -> str:
    """The message of Google's errors, the detail of RFC 9457's, or the text itself."""
    text = raw.decode(errors="replace")
    try:
        found = json.loads(text)
    except ValueError:
        return text[:MOST_TEXT]
    match found:
        case {"error": {"message": str(message)}} | {"detail": str(message)}:
            return message
    return text[:MOST_TEXT]
