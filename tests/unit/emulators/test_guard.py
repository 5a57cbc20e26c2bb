"""The guard: whom it lets in, and what it says to the others."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import MutableMapping
from typing import Any

import pytest

from localgcp.__main__ import allowed, parser
from localgcp.guard import MAX_HEAD, NOBODY_ELSE, Allowed, Asked, Guard, decide
from localgcp.pubsub.emulator import PubSubEmulator

HERE = "127.0.0.1:8085"
JSON = "application/json"
SOME = Allowed.of(hosts=["PubSub."], origins=["https://app.test/"])


def asked(method: str = "GET", host: str = HERE, **more: Any) -> Asked:
    return Asked(method, host, **more)


def status(request: Asked, may: Allowed = NOBODY_ELSE, any_type: bool = False) -> int:
    refusal = decide(request, may, any_type)
    return refusal.status if refusal else 200


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:1", "localhost.:80", "a.b.localhost:9"),
        *("127.0.0.1", "127.0.0.1:8085", "127.8.9.10:1", "[::1]", "[::1]:80"),
        *("[::ffff:127.0.0.1]:80", "pubsub:8085", "PUBSUB", socket.gethostname()),
    ],
)
def test_names_of_this_machine_and_allowed_ones_pass(host: str) -> None:
    assert status(asked(host=host), SOME) == 200


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.test", "evil.test:8085", "localhost.evil.test", "127.0.0.1.evil.test"),
        *("0.0.0.0:8085", "[::]", "192.168.1.2", "10.0.0.1:80", "pubsub.evil.test", "127.1"),
        *("user@127.0.0.1", "127.0.0.1/x", "127.0.0.1, evil.test", "evil.test, 127.0.0.1"),
        *("evillocalhost", "[::1", "::1", "127.0.0.1:80:80", "2130706433", "a b"),
    ],
)
def test_other_names_are_refused(host: str) -> None:
    assert status(asked(host=host), SOME) == 403
    refusal = decide(asked(host=host), SOME)
    assert refusal is not None
    assert repr(host) in refusal.text
    assert "--allow-host" in refusal.text
    assert "ALLOW_HOST=" in refusal.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("origin", ["http://evil.test", "null", "file://", "http://127.0.0.1.x"])
def test_a_strangers_page_is_refused(method: str, origin: str) -> None:
    page = asked(method, origin=origin, content_type=JSON)
    assert status(page, SOME) == 403
    refusal = decide(page, SOME)
    assert refusal is not None
    assert repr(origin) in refusal.text
    assert "--allow-origin" in refusal.text


def test_a_page_of_its_own_is_no_stranger() -> None:
    for host in (HERE, "localhost:1", "pubsub:8085"):
        own = asked("POST", host, origin=f"http://{host}", content_type=JSON, has_body=True)
        assert status(own, SOME) == 200


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:1", "http://[::1]"])
def test_another_page_of_this_machine_looks_and_changes_nothing(origin: str) -> None:
    assert status(asked("GET", origin=origin, site="same-site")) == 200
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert status(asked(method, origin=origin, site="same-site", content_type=JSON)) == 403
    assert status(asked("OPTIONS", origin=origin, preflight=True)) == 403
    assert status(asked("POST", origin=origin), Allowed.of(origins=[origin])) == 200


def test_an_allowed_page_may_do_what_a_program_may() -> None:
    page = {"origin": "https://App.Test", "site": "cross-site"}
    assert status(asked("GET", **page), SOME) == 200
    assert status(asked("POST", **page, content_type=JSON, has_body=True), SOME) == 200
    assert status(asked("POST", **page, content_type="text/plain", has_body=True), SOME) == 415
    assert status(asked("POST", **{**page, "origin": "https://app.test:8"}), SOME) == 403
    assert status(asked("POST", origin="null"), Allowed.of(origins=["null"])) == 200
    assert status(asked("POST", origin="http://x.test"), Allowed.of(origins=["*"])) == 200


def test_what_a_browser_asks_for_another_site_is_refused_but_a_followed_link() -> None:
    assert status(asked(site="cross-site")) == 403
    assert status(asked(site="cross-site", followed=True)) == 200
    assert status(asked("POST", site="cross-site", followed=True)) == 403
    for site in ("same-origin", "same-site", "none", ""):
        assert status(asked(site=site)) == 200


@pytest.mark.parametrize(
    "content_type",
    [
        *("", "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded"),
        *("multipart/form-data; boundary=x", "text/plain; application/json", "application/jsonx"),
        *(
            "text/plain, application/json",
            "application/json, text/plain",
            "application/octet-stream",
        ),
    ],
)
def test_a_body_that_is_not_called_json_is_refused(content_type: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        request = asked(method, content_type=content_type, has_body=True)
        assert status(request) == 415
        assert status(request, any_type=True) == 200
        assert status(request._replace(has_body=False)) == 200


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=UTF-8", "application/cloudevents+json"],
)
def test_json_by_any_of_its_names_passes(content_type: str) -> None:
    assert status(asked("POST", content_type=content_type, has_body=True)) == 200


# The ASGI application


async def app(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"Access-Control-Allow-Origin", b"*"), (b"x-own", b"1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"secret"})


def call(
    method: str, headers: dict[str, str], may: Allowed = SOME, path: str = "/", query: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(dict(message))

    async def receive() -> dict[str, Any]:
        raise AssertionError("no body was to be read")

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode()}
    guard = Guard(app, may, lambda path: path.startswith("/upload/"))
    asyncio.run(guard({**scope, "query_string": query, "headers": raw}, receive, send))
    answer = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answer, sent[1]["body"]


def test_a_refusal_looks_like_googles_and_is_readable_by_no_page() -> None:
    code, headers, body = call("GET", {"Host": HERE, "Origin": "http://evil.test"})
    error = json.loads(body)["error"]
    assert (code, error["code"], error["status"]) == (403, 403, "PERMISSION_DENIED")
    assert "http://evil.test" in error["message"]
    assert error["errors"][0]["message"] == error["message"]
    assert not [name for name in headers if name.startswith("access-control")]


def test_a_preflight_of_an_allowed_page_is_answered_for_the_application() -> None:
    preflight = {
        "Host": HERE,
        "Origin": "https://app.test",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,x-a",
        "Access-Control-Request-Private-Network": "true",
    }
    code, headers, body = call("OPTIONS", preflight)
    assert (code, body) == (204, b"")
    assert headers["access-control-allow-origin"] == "https://app.test"
    assert headers["access-control-allow-methods"] == "PUT"
    assert headers["access-control-allow-headers"] == "content-type,x-a"
    assert headers["access-control-allow-private-network"] == "true"
    assert headers["vary"] == "Origin"
    assert call("OPTIONS", {**preflight, "Origin": "http://evil.test"})[0] == 403


def test_only_an_allowed_page_may_read_whatever_the_application_says() -> None:
    code, headers, body = call("GET", {"Host": HERE, "Origin": "https://app.test"})
    assert (code, body, headers["x-own"]) == (200, b"secret", "1")
    assert headers["access-control-allow-origin"] == "https://app.test"
    assert headers["access-control-expose-headers"] == "*"
    code, headers, _ = call("GET", {"Host": HERE, "Origin": "http://localhost:3000"})
    assert (code, "access-control-allow-origin" in headers) == (200, False)


def test_a_path_for_files_takes_any_type() -> None:
    sent = {"Host": HERE, "Content-Type": "text/plain", "Content-Length": "4"}
    assert call("POST", sent, path="/upload/x")[0] == 200
    code, _, body = call("POST", sent, path="/x")
    assert code == 415
    assert b"'text/plain' is refused" in body
    assert b"-H 'content-type: application/json'" in body
    chunked = {"Host": HERE, "Transfer-Encoding": "chunked"}
    assert call("POST", chunked, path="/x")[0] == 415


def test_a_head_beyond_the_limit_is_refused() -> None:
    assert call("GET", {"Host": HERE, "X": "x" * (MAX_HEAD // 2)})[0] == 200
    code, _, body = call("GET", {"Host": HERE, "X": "x" * MAX_HEAD})
    assert (code, str(MAX_HEAD) in body.decode()) == (431, True)
    assert call("GET", {"Host": HERE}, query=b"q" * MAX_HEAD)[0] == 431


def test_flags_and_environment_add_up() -> None:
    words = ["pubsub", "--allow-host", "a", "--allow-host", "B.", "--allow-push", "p"]
    environ = {"ALLOW_HOST": "c, d", "ALLOW_ORIGIN": "http://X/,null"}
    given = vars(parser().parse_args(words))
    named = {what: given[f"allow_{what}"] for what in ("host", "origin", "push")}
    assert allowed(named, environ) == Allowed(
        hosts=frozenset("abcd"), origins=frozenset(("http://x", "null")), push=frozenset("p")
    )


@pytest.mark.parametrize(("address", "ok"), [("192.0.2.7", True), ("0.0.0.0", False)])
def test_the_address_listened_on_is_a_name_but_all_addresses_are_none(
    address: str, ok: bool
) -> None:
    assert PubSubEmulator(host=address).allowed.host(address) is ok
