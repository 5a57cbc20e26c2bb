"""Small questions to the stack's parts, as JSON over HTTP."""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
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
