"""A method of the API as a route: its request is parsed, it runs in a thread, its answer is JSON.

Calls that wait for a query have threads of their own, so that they do not hold up those that work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from localgcp.asgi import Handler, Reply, Request, Route, json_object
from localgcp.bigquery.rest.call import MethodCall

MAX_BODY = 10 * 1024 * 1024  # Quotas, "Streaming inserts": maximum HTTP request size
WORKERS, WAITERS = 8, 32

PROJECT = "/projects/{project}"
DATASET = PROJECT + "/datasets/{dataset}"
TABLE = DATASET + "/tables/{table}"

Answer = dict[str, Any] | None
"""What is sent as JSON; None is an answer without a body."""


class Method(NamedTuple):
    """One method of the REST reference: its verb, its path, and what answers it."""

    verb: str
    path: str
    answer: Callable[[MethodCall], Answer]
    waits: bool = False
    """Whether it waits for a query."""


class Threads:
    """Where methods run, so that the loop is free meanwhile."""

    def __init__(self) -> None:
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="bigquery")
        self._waiters = ThreadPoolExecutor(WAITERS, thread_name_prefix="bigquery-wait")

    def routes(self, methods: Iterable[Method]) -> list[Route]:
        """Their routes, whose paths follow /bigquery/v2."""
        return [Route(each.verb, each.path, self._handler(each)) for each in methods]

    async def run(self, method: Method, call: MethodCall) -> Answer:
        """Answer a call. Raises what the method raises."""
        pool = self._waiters if method.waits else self._workers
        return await asyncio.get_running_loop().run_in_executor(pool, method.answer, call)

    def close(self) -> None:
        """Let the calls under way end."""
        self._workers.shutdown(wait=True)
        self._waiters.shutdown(wait=True)

    def _handler(self, method: Method) -> Handler:
        async def handle(request: Request, **names: str) -> Reply:
            call = MethodCall(
                path=names,
                query=query_of(request),
                body=json_object(await request.unpacked(MAX_BODY)),
                if_match=request.headers.get("if-match") or None,
            )
            answer = await self.run(method, call)
            return Reply(204) if answer is None else Reply.json(answer)

        return handle


def query_of(request: Request) -> dict[str, str]:
    """The query by name; a repeated name is a list with commas, as selectedFields is. No blanks."""
    found: dict[str, str] = {}
    for key, value in request.pairs:
        if value:
            found[key] = f"{found[key]},{value}" if key in found else value
    return found
