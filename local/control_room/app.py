"""The routes: the page and its files, the feed, and what the page asks and does."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from local.control_room import events, mending, messaging, page, running, stores, tending
from local.control_room.room import Api, BadCall, Call, Room, parsed
from local.errors import LocalError
from local.wire import Refused
from localgcp.guard import NOBODY_ELSE, Allowed, Guard
from settings import InvalidSetting

MOST_BODY_BYTES = 16 * 1024 * 1024
APIS: tuple[Iterable[Api], ...] = (
    running.APIS,
    events.APIS,
    mending.APIS,
    stores.APIS,
    messaging.APIS,
    tending.APIS,
)
NO_TOKEN = "this was not asked by the control room's own page: open the page anew"


def create_app(room: Room, allowed: Allowed = NOBODY_ELSE) -> Guard:
    """The application over a room, behind the guard of Host and Origin."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        looking = asyncio.create_task(room.feed.run())
        yield
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking

    async def index(_: Request) -> Response:
        return page.index(room.token)

    async def static(request: Request) -> Response:
        return page.file(request.path_params["path"])

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def feed(_: Request) -> Response:
        return StreamingResponse(
            room.feed.stream(), headers=page.HEADERS, media_type="text/event-stream"
        )

    routes = [
        Route("/", index),
        Route("/health", health),
        Route("/static/{path:path}", static),
        Route("/api/feed", feed),
        *(
            Route(api.path, _endpoint(room, api), methods=[api.method])
            for apis in APIS
            for api in apis
        ),
    ]
    return Guard(Starlette(routes=routes, lifespan=lifespan), allowed, tell=_refusal)


def _endpoint(room: Room, api: Api) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if api.method != "GET" and not page.may_act(request, room.token):
            return _error(403, NO_TOKEN)
        try:
            body = await _body(request)
            call = Call(request.path_params, dict(request.query_params), parsed(body))
            return _json(await asyncio.to_thread(api.work, room, call))
        except ClientDisconnect:
            return Response(status_code=499)
        except Refused as error:
            return _error(error.status, str(error))
        except (BadCall, LocalError, InvalidSetting) as error:
            return _error(400, str(error))

    return answer


async def _body(request: Request) -> bytes:
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > MOST_BODY_BYTES:
            raise BadCall("body", f"{size} bytes", f"may have {MOST_BODY_BYTES} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _json(document: object, status: int = 200) -> Response:
    return JSONResponse(document, status, page.HEADERS)


def _refusal(status: int, text: str, path: str) -> tuple[str, bytes]:
    return "application/json", json.dumps({"error": text}).encode()


def _error(status: int, text: str) -> Response:
    return _json({"error": text}, status)
