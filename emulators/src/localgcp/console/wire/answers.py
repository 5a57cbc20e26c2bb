"""From the domain to HTTP: errors to statuses, as Google's JSON APIs tell them (AIP-193)."""

from __future__ import annotations

import logging

from localgcp.asgi import BodyTooLarge, Reply, RequestError
from localgcp.console.errors import Invalid, NotFound, NotNow, NotSupported, Silent

log = logging.getLogger(__name__)
MOST_BODY = 10 << 20
"""Cloud Logging, "Quotas and limits": the size of an entries.write request."""
_STATUSES: tuple[tuple[type[Exception], int, str], ...] = (
    (NotSupported, 501, "UNIMPLEMENTED"),
    (Invalid, 400, "INVALID_ARGUMENT"),
    (NotFound, 404, "NOT_FOUND"),
    (NotNow, 400, "FAILED_PRECONDITION"),
    (Silent, 503, "UNAVAILABLE"),
    (BodyTooLarge, 413, "INVALID_ARGUMENT"),
    (RequestError, 400, "INVALID_ARGUMENT"),
)


def failed(error: Exception) -> Reply:
    """Google's JSON of an error, with its status."""
    status, code = next(
        ((status, code) for kind, status, code in _STATUSES if isinstance(error, kind)),
        (500, "INTERNAL"),
    )
    text = str(error)
    if status == 500:
        log.error("internal error", exc_info=error)
        text = f"internal error: {type(error).__name__}: {error}"
    return Reply.json({"error": {"code": status, "message": text, "status": code}}, status)
