"""The page's own files, the policy that nothing else may run in it, and its token."""

from __future__ import annotations

import hmac
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

STATIC = Path(__file__).parent / "static"
TOKEN_HEADER = "x-control-room-token"
# Trusted Types: no text of a payload can become markup, even by a slip of ours.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".html": "text/html",
    ".woff2": "font/woff2",
}


def index(token: str) -> Response:
    """The one document; it carries the token that each action has to bring."""
    text = (STATIC / "index.html").read_text().replace("{{token}}", token)
    return HTMLResponse(text, headers={**HEADERS, "cache-control": "no-store"})


def file(path: str) -> Response:
    """One of the page's files; 404 for what is none."""
    found = (STATIC / path).resolve()
    if not found.is_relative_to(STATIC) or not found.is_file() or found.suffix not in TYPES:
        return Response("no such file", 404, HEADERS, "text/plain")
    return FileResponse(found, headers=HEADERS, media_type=TYPES[found.suffix])


def may_act(request: Request, token: str) -> bool:
    """Whether a request that changes something came from a page that this server gave out."""
    given = request.headers.get(TOKEN_HEADER, "")
    return hmac.compare_digest(given.encode(), token.encode())
