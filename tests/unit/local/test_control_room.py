"""The control room without a stack: who may ask and act, what may run in its page, its account."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local import laptop
from local.attached import Attached
from local.control_room import health
from local.control_room.account import Account
from local.control_room.app import create_app
from local.control_room.feed import Feed
from local.control_room.page import STATIC, TOKEN_HEADER
from local.control_room.room import BadCall, Call, Room, parsed
from local.control_room.sampling import Sampler

NOWHERE = "http://127.0.0.1:1"
TOKEN = "of-this-page"
HERE = "http://127.0.0.1:8083"
QUIET = {"main": {"backlog": 0}, "published": 3, "rows": {"orders": 3}, "files": 1}


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setenv("PROJECT_ID", "local-project")
    monkeypatch.setenv("PUBLISH_LOG", str(tmp_path / "published.jsonl"))
    made = Room(Attached(laptop.Endpoints(*[NOWHERE] * 7)), tmp_path, TOKEN)
    made.account = Account(made.stack, lambda stack: {"lost": 0})
    return made


@dataclass
class Client:
    """Asks the application with no server between."""

    room: Room

    def ask(self, method: str, path: str, **headers: str) -> httpx.Response:
        async def asking() -> httpx.Response:
            transport = httpx.ASGITransport(create_app(self.room))
            async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.request(method, path, headers=named)

        return asyncio.run(asking())

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.ask("GET", path, **headers)


@pytest.fixture
def client(room: Room) -> Client:
    return Client(room)


def test_the_page_carries_its_token_and_lets_nothing_else_run(client: Client) -> None:
    answer = client.get("/")
    assert f'content="{TOKEN}"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_every_file_of_the_page_is_served_and_asks_nobody_else(client: Client) -> None:
    files = [each for each in STATIC.rglob("*") if each.suffix in (".js", ".css", ".svg", ".html")]
    assert len(files) > 10
    for each in files:
        answer = client.get(f"/static/{each.relative_to(STATIC)}")
        assert answer.status_code == 200, each
        assert answer.headers["x-content-type-options"] == "nosniff"
        text = each.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text.replace("http://127.0.0.1", ""), each
        assert "https://" not in text, each
        for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert sink not in text, each


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "fonts", "x.js"])
def test_no_other_file_is_served(client: Client, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


def test_an_action_needs_the_page_s_own_token(client: Client) -> None:
    for headers in ({}, {TOKEN_HEADER: ""}, {TOKEN_HEADER: "other"}):
        answer = client.ask("POST", "/api/reconcile", **headers)
        assert answer.status_code == 403
        assert "open the page anew" in answer.json()["error"]
    assert client.ask("POST", "/api/reconcile", **{TOKEN_HEADER: TOKEN}).status_code == 200


def test_a_page_from_elsewhere_is_not_answered(client: Client) -> None:
    assert client.get("/", host="evil.test").status_code == 403
    act = {TOKEN_HEADER: TOKEN, "origin": "http://evil.test"}
    assert client.ask("POST", "/api/reconcile", **act).status_code == 403
    assert client.get("/api/about", sec_fetch_site="cross-site").status_code == 403


def test_a_part_that_is_away_is_named(client: Client) -> None:
    answer = client.get("/api/scenarios")
    assert answer.status_code == 502
    assert f"{NOWHERE}/scenarios does not answer" in answer.json()["error"]


@pytest.mark.parametrize("body", [b"{", b"[1]", b"1"])
def test_a_body_is_a_json_object(body: bytes) -> None:
    with pytest.raises(BadCall, match="body"):
        parsed(body)
    assert parsed(b"") == {}


@pytest.mark.parametrize("given", ["0", "-1", "x", "101", "¹"])
def test_a_number_of_a_query_is_checked(given: str) -> None:
    with pytest.raises(BadCall, match=r"limit should be a whole number, 1 to 100"):
        Call(query={"limit": given}).number("limit", 20, 100)


def test_a_look_at_a_silent_stack_says_what_is_silent(room: Room) -> None:
    look = room.sampler.look()
    assert look["published"] is look["main"] is look["job"] is look["files"] is None
    assert set(look["rows"].values()) == {None}
    assert all("does not answer" in each["why"] for each in look["health"].values())
    assert room.sampler.points[-1]["rows"] is None


def test_what_a_log_last_complained_of_is_told(tmp_path: Path) -> None:
    log = tmp_path / "pipeline.log"
    assert health.complaint(log) == ""
    log.write_text('all well\nWARNING one\n{"severity": "ERROR", "message": "two"}\nall well\n')
    assert health.complaint(log) == "ERROR two"


class Reader:
    """Stands for the reading of every id: counts, and fails when told."""

    def __init__(self) -> None:
        self.times, self.now, self.error = 0, 0.0, ""

    def __call__(self, stack: Any) -> dict[str, Any]:
        self.times += 1
        self.now += 2.0
        if self.error:
            raise OSError(self.error)
        return {"lost": 0}

    def clock(self) -> float:
        return self.now


def test_ids_are_read_back_while_the_stack_rests_and_seldom(room: Room) -> None:
    reader = Reader()
    account = Account(room.stack, reader, reader.clock)

    def note(**changes: Any) -> int:
        for _ in range(2):  # the same again: the stack rests
            account.note({**QUIET, **changes})
            account.join()
        return reader.times

    assert note(main={"backlog": 1}) == 0, "events are on their way"
    assert note() == 1
    assert account.as_json() == {"account": {"lost": 0}, "busy": False, "error": ""}
    assert note() == 1, "nothing has changed"
    assert note(published=4) == 1, "it took two seconds, so not for ten"
    reader.now += 11
    assert note(published=4) == 2
    reader.now, reader.error = reader.now + 11, "away"
    assert note(published=5) == 3
    assert account.as_json()["error"] == "OSError: away"
    reader.now, reader.error = reader.now + 11, ""
    assert note(published=5) == 4, "what failed is tried again"
    assert account.as_json()["error"] == ""


def test_while_events_flow_no_id_is_read_back(room: Room) -> None:
    reader = Reader()
    account = Account(room.stack, reader, reader.clock)
    for published in range(10):
        account.note({**QUIET, "published": published})
    account.join()
    assert reader.times == 0


def test_a_stack_that_moved_meanwhile_gets_no_verdict(room: Room) -> None:
    now = [0.0]
    answers = iter([None, {"lost": 0}])
    account = Account(room.stack, lambda stack: next(answers), lambda: now[0])
    account.note(QUIET)
    for verdict in (None, {"lost": 0}):
        account.note(QUIET)
        account.join()
        assert account.as_json()["account"] == verdict
        now[0] += 60


def test_a_page_is_told_the_last_minutes_and_then_each_look(room: Room) -> None:
    async def told() -> list[tuple[str, Any]]:
        feed = Feed(Sampler(room.stack, room.logs), Account(room.stack), room.alerts)
        looking = asyncio.create_task(feed.run())
        found = []
        async for each in feed.stream():
            name, data = each.decode().strip().split("\n")
            found.append((name, json.loads(data.removeprefix("data: "))))
            if len(found) == 2:
                feed.close()
        looking.cancel()
        return found

    (hello, points), (look, data) = asyncio.run(told())
    assert (hello, look) == ("event: hello", "event: look")
    assert isinstance(points["points"], list)
    assert data["look"]["ledger"] == {"account": None, "busy": False, "error": ""}
    assert data["point"]["at"] == data["look"]["at"]
