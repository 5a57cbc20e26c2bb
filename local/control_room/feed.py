"""Looks at the stack once a second while a page is open, and tells every page by events."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator
from typing import Any

from local.alerts import Alerts
from local.control_room.account import Account
from local.control_room.sampling import Sampler

log = logging.getLogger(__name__)

WATCHED_SECONDS, IDLE_SECONDS = 1.0, 5.0
"""Between two looks: with a page open, and without, so that a new one has lines to draw."""


class Feed:
    """The looks, for any number of pages (WHATWG HTML, "Server-sent events")."""

    def __init__(self, sampler: Sampler, account: Account, alerts: Alerts) -> None:
        self._sampler, self._account, self._alerts = sampler, account, alerts
        self._run = secrets.token_hex(8)
        self._pages: set[asyncio.Event] = set()
        self._last: dict[str, Any] | None = None
        self._hurry = asyncio.Event()
        self._closing = False

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            self._hurry.clear()
            try:
                await self._look()
            except Exception:  # a page that stands still would show a lie
                log.exception("this look at the stack failed; the next one comes")
            wait = WATCHED_SECONDS if self._pages else IDLE_SECONDS
            try:
                async with asyncio.timeout(wait):
                    await self._hurry.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        sample = await asyncio.to_thread(self._sampler.look)
        if self._pages:
            self._account.note(sample)
        self._alerts.note(sample)
        told = {"ledger": self._account.as_json(), "alerts": self._alerts.as_json()}
        self._last = {**sample, **told}
        for page in self._pages:
            page.set()

    def close(self) -> None:
        """End the streams, so that the server can end."""
        self._closing = True
        for page in self._pages:
            page.set()

    async def stream(self) -> AsyncIterator[bytes]:
        """What one page is sent: `hello` with the last minutes' points, then each look.

        `run` tells a page that this server is another than the one it came from.
        """
        fresh = asyncio.Event()
        self._pages.add(fresh)
        self._hurry.set()
        try:
            yield _event("hello", {"run": self._run, "points": list(self._sampler.points)})
            while not self._closing:
                await fresh.wait()
                fresh.clear()
                if self._last is not None and not self._closing:
                    look = {"look": self._last, "point": self._sampler.points[-1]}
                    yield _event("look", look)
        finally:
            self._pages.discard(fresh)


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
