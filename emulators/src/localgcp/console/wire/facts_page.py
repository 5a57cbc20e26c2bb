"""`GET|PUT /_emulator/facts`: whoever runs a job, functions and services tells them here.

No part of any API of Google's; docs/coverage.md has the document.
"""

from __future__ import annotations

from localgcp.asgi import Reply, Request, Route
from localgcp.console.disk.kept import Kept
from localgcp.console.domain.facts import Facts, MayAsk
from localgcp.console.domain.running import Running
from localgcp.console.wire.answers import MOST_BODY


class FactsPage:
    """The facts of one console."""

    def __init__(self, running: Running, kept: Kept, may_ask: MayAsk) -> None:
        """`kept` keeps what is told; `may_ask` says which addresses it may name."""
        self._running, self._kept, self._may_ask = running, kept, may_ask

    def routes(self) -> list[Route]:
        """Both methods."""
        return [
            Route("GET", "/_emulator/facts", self._show),
            Route("PUT", "/_emulator/facts", self._take),
        ]

    async def _show(self, request: Request) -> Reply:
        return Reply.json(self._running.facts.as_json())

    async def _take(self, request: Request) -> Reply:
        facts = Facts.of(await request.json(MOST_BODY), self._may_ask)
        self._kept.put(facts)
        self._running.facts = facts
        return await self._show(request)
