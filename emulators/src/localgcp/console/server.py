"""The wire: the routes of the four APIs over what runs."""

from __future__ import annotations

import re
from collections.abc import Callable

from localgcp.asgi import Application, Reply, Request, Route
from localgcp.console.disk.kept import Kept
from localgcp.console.domain.facts import MayAsk
from localgcp.console.domain.logs import Logs
from localgcp.console.domain.running import Running
from localgcp.console.errors import NotSupported
from localgcp.console.wire.answers import failed
from localgcp.console.wire.dataflow import DataflowCalls
from localgcp.console.wire.facts_page import FactsPage
from localgcp.console.wire.functions import FunctionCalls
from localgcp.console.wire.logging_calls import LoggingCalls
from localgcp.console.wire.run import RunCalls
from localgcp.guard import App, Receive, Scope, Send

_ABSOLUTE = re.compile(rb"http://[^/]+(?=/)")


def application(
    running: Running, logs: Logs, kept: Kept, may_ask: MayAsk, trouble: Callable[[], str | None]
) -> App:
    """The ASGI application; `trouble` tells why nothing more can be kept, if so."""

    async def health(request: Request) -> Reply:
        why, facts = trouble(), running.facts
        count = len(facts.jobs) + len(facts.all_services)
        return Reply.json({"status": why or "ok", "running": count}, 503 if why else 200)

    routed = Application(
        [
            Route("GET", "/health", health),
            *FactsPage(running, kept, may_ask).routes(),
            *DataflowCalls(running, logs).routes(),
            *FunctionCalls(running).routes(),
            *RunCalls(running).routes(),
            *LoggingCalls(running, logs).routes(),
        ],
        _missing,
        failed,
    )

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        # A client that takes us for its proxy names the whole address (RFC 9112, section 3.2.2).
        path = _ABSOLUTE.sub(b"", scope.get("raw_path") or b"", count=1)
        await routed({**scope, "raw_path": path} if path else scope, receive, send)

    return answer


async def _missing(request: Request) -> Reply:
    raise NotSupported(f"{request.method} {request.path.decode(errors='replace')}")
