"""What a test does to an emulator from outside: it turns its clock, and throws faults.

`GET|POST /_emulator/clock` and `GET|PUT|DELETE /_emulator/faults`, on every emulator; no part of
any API of Google's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from localgcp.asgi import Application, Reply, Request, RequestError, Route
from localgcp.clock import CannotTurn, Clock
from localgcp.faults import CODES, BadFault, Faults, Thrown
from localgcp.guard import App, Receive, Scope, Send

MAX_BODY = 1 << 20


class NoClock(Exception):
    """Nothing here waits for time."""

    def __init__(self) -> None:
        super().__init__("not supported by the emulator: it does nothing by the time to turn")


class Controls:
    """The ASGI application that stands before an emulator's own, behind the guard."""

    def __init__(self, app: App, clock: Clock | None, faults: Faults) -> None:
        """Without a clock, the emulator does nothing by the time, and says so."""
        self._app, self._clock, self._faults = app, clock, faults
        self._own = Application(
            [
                Route("GET", "/_emulator/clock", self._time),
                Route("POST", "/_emulator/clock", self._advance),
                Route("GET", "/_emulator/faults", self._list),
                Route("PUT", "/_emulator/faults", self._throw),
                Route("DELETE", "/_emulator/faults", self._clear),
            ],
            _missing,
            _failed,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for itself, throw a fault that is due, or hand on."""
        if scope["path"] in ("/_emulator/clock", "/_emulator/faults"):
            await self._own(scope, receive, send)
            return
        try:
            await self._faults.meet(f"{scope['method']} {scope['path']}")
        except Thrown as fault:
            await _error(fault.http, fault.code, str(fault)).send(send)
            return
        await self._app(scope, receive, send)

    async def _time(self, request: Request) -> Reply:
        clock = self._turnable()
        now = datetime.fromtimestamp(clock(), UTC).isoformat()
        return Reply.json({"now": now, "turned_seconds": clock.turned})

    async def _advance(self, request: Request) -> Reply:
        asked = await request.json(MAX_BODY)
        await self._turnable().advance(asked.get("advance_seconds"))
        return await self._time(request)

    def _turnable(self) -> Clock:
        if self._clock is None:
            raise NoClock
        return self._clock

    async def _list(self, request: Request) -> Reply:
        return Reply.json(self._faults.as_json())

    async def _throw(self, request: Request) -> Reply:
        asked = await request.json(MAX_BODY)
        faults, seed = asked.get("faults"), asked.get("seed", 0)
        if not isinstance(faults, Sequence) or not all(isinstance(each, dict) for each in faults):
            raise BadFault("faults", faults, "should be a list of objects")
        if not isinstance(seed, int):
            raise BadFault("seed", seed, "should be a whole number")
        self._faults.throw(faults, seed)
        return await self._list(request)

    async def _clear(self, request: Request) -> Reply:
        self._faults.throw([])
        return await self._list(request)


async def _missing(request: Request) -> Reply:
    return _error(405, "UNIMPLEMENTED", f"{request.method} is no method of this page")


def _failed(error: Exception) -> Reply:
    if isinstance(error, RequestError | CannotTurn | BadFault):
        return _error(400, "INVALID_ARGUMENT", str(error))
    if isinstance(error, NoClock):
        return _error(501, "UNIMPLEMENTED", str(error))
    return _error(500, "INTERNAL", f"{type(error).__name__}: {error}")


def _error(status: int, code: str, text: str) -> Reply:
    """As Google's APIs tell an error; `reason` is what the BigQuery client retries by."""
    reason = {429: "rateLimitExceeded"}.get(status, "backendError" if status >= 500 else "invalid")
    detail = [{"reason": reason, "domain": "global", "message": text}]
    assert code in CODES
    return Reply.json(
        {"error": {"code": status, "message": text, "status": code, "errors": detail}}, status
    )
