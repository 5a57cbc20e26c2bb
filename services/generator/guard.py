"""1 · What stands before every route: the size of a body, and the token if one is set."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY_BYTES = 64 * 1024
_bearer = HTTPBearer(auto_error=False, description="The token that the service was started with.")


class BodyLimit:
    """Refuses a body of more than 64 KiB with 413, by its header or as it comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the body while the app reads it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        announced = Headers(scope=scope).get("content-length", "")
        size = int(announced) if announced.isdecimal() else 0

        async def counted() -> Message:
            nonlocal size
            if size > MOST_BODY_BYTES:
                raise _too_large()
            message = await receive()
            if not announced:
                size += len(message.get("body", b""))
                if size > MOST_BODY_BYTES:
                    raise _too_large()
            return message

        return await self._app(scope, counted, send)


def bearer_token(token: str) -> Callable[..., None]:
    """A dependency that wants this token."""

    def authorize(
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> None:
        credentials = given.credentials if given else ""
        if not hmac.compare_digest(credentials.encode(), token.encode()):
            raise HTTPException(
                HTTPStatus.UNAUTHORIZED,
                "a bearer token is needed, in the header Authorization",
                headers={"WWW-Authenticate": "Bearer"},
            )

    return authorize


def _too_large() -> HTTPException:
    return HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body may have {MOST_BODY_BYTES} bytes"
    )
