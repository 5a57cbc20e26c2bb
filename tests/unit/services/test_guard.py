"""The services' guard: localgcp's rules, RFC 9457's answers, and nothing where IAM asks."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

from services import guard

NOBODY: frozenset[str] = frozenset()
EVERYONE = frozenset((guard.EVERYONE,))
HEADERS = [(b"host", b"127.0.0.1:8080"), (b"origin", b"http://evil.test")]


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"secret"})


def test_a_page_gets_problem_details() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": HEADERS}

    async def ask() -> None:
        await guard.middleware(NOBODY, NOBODY)(app)(scope, None, send)

    asyncio.run(ask())
    assert sent[0]["status"] == 403
    assert dict(sent[0]["headers"])[b"content-type"] == guard.PROBLEM.encode()
    found = json.loads(sent[1]["body"])
    assert (found["title"], found["status"], found["instance"]) == ("Forbidden", 403, "/x")
    assert "'http://evil.test' is refused" in found["detail"]
    assert "ALLOW_ORIGIN=http://evil.test" in found["detail"]


def test_the_gate_refuses_what_the_middleware_would() -> None:
    refuse = guard.gate(NOBODY, NOBODY)
    assert refuse("GET", HEADERS[:1], "/x") is None
    refusal = refuse("GET", HEADERS, "/x")
    assert refusal is not None
    assert refusal.status == 403
    assert json.loads(refusal.body)["instance"] == "/x"
    page = frozenset(("http://evil.test",))
    assert guard.gate(NOBODY, page)("GET", HEADERS, "/x") is None


def test_where_iam_asks_nothing_of_localgcp_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "localgcp", None)
    assert guard.middleware(EVERYONE, NOBODY)(app) is app
    strange = [(b"host", b"x.run.app"), (b"origin", b"http://evil.test")]
    assert guard.gate(EVERYONE, NOBODY)("POST", strange, "/x") is None
    for stand in (guard.middleware, guard.gate):
        with pytest.raises(guard.NoGuard, match=r"set ALLOW_HOST=\*"):
            stand(NOBODY, NOBODY)
