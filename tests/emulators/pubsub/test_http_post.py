"""The HTTP client of push delivery, against servers that answer as scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from localgcp.pubsub.wire.http_post import Poster, PostFailed, Reaches

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Script:
    """A server that gives each request on each connection its next answer; None hangs up."""

    def __init__(self, *connections: list[bytes | None]) -> None:
        self._connections = list(connections)
        self.requests: list[bytes] = []
        self.opened = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = self._connections[self.opened]
        self.opened += 1
        for answer in answers:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head + await reader.readexactly(4))
            if answer is None:
                break
            writer.write(answer)
        writer.close()
        await writer.wait_closed()


def everywhere(host: str, address: str) -> bool:
    return True


def with_server(
    script: Script,
    client: Callable[[Poster, str], Awaitable[None]],
    reaches: Reaches = everywhere,
) -> None:
    async def run() -> None:
        server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        poster = Poster({"X-Name": "value"}, reaches)
        await client(poster, f"http://127.0.0.1:{port}/a%20b?c=d%2Fe")
        poster.close()
        server.close()
        await asyncio.sleep(0.05)

    asyncio.run(run())


def test_the_request_is_as_asked() -> None:
    script = Script([OK])

    async def client(poster: Poster, url: str) -> None:
        assert await poster.post(url, b"body") == 204

    with_server(script, client)
    [request] = script.requests
    assert request.startswith(b"POST /a%20b?c=d%2Fe HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-Name: value\r\nContent-Length: 4\r\n\r\nbody" in request


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (OK, 204),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", 500),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 204),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, 204),
        (b"HTTP/1.1 102 Processing\r\n\r\n", 102),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200),
    ],
)
def test_every_shape_of_answer_is_read(answer: bytes, code: int) -> None:
    async def client(poster: Poster, url: str) -> None:
        assert await poster.post(url, b"body") == code

    with_server(Script([answer]), client)


def test_a_connection_is_used_again() -> None:
    script = Script([OK, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", OK])

    async def client(poster: Poster, url: str) -> None:
        assert [await poster.post(url, b"body") for _ in range(3)] == [204, 200, 204]

    with_server(script, client)
    assert script.opened == 1


def test_one_that_was_closed_meanwhile_is_replaced() -> None:
    script = Script([OK], [OK])

    async def client(poster: Poster, url: str) -> None:
        assert await poster.post(url, b"body") == 204
        await asyncio.sleep(0.05)
        assert await poster.post(url, b"body") == 204

    with_server(script, client)
    assert script.opened == 2


@pytest.mark.parametrize(
    ("answer", "why"), [(None, "without an answer"), (b"nonsense\r\n\r\n", "HttpParser")]
)
def test_no_answer_is_an_error(answer: bytes | None, why: str) -> None:
    async def client(poster: Poster, url: str) -> None:
        with pytest.raises(PostFailed, match=why):
            await poster.post(url, b"body")

    with_server(Script([answer]), client)


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    elsewhere = b"HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    script = Script([elsewhere, OK])

    async def client(poster: Poster, url: str) -> None:
        assert await poster.post(url, b"body") == 307

    with_server(script, client)
    assert len(script.requests) == 1


def test_a_name_that_leads_elsewhere_by_now_is_not_connected_to() -> None:
    """Each address is asked about after it was resolved, so a name server gains nothing."""
    script, seen = Script([OK]), []

    def reaches(host: str, address: str) -> bool:
        seen.append((host, address))
        return False

    async def client(poster: Poster, url: str) -> None:
        with pytest.raises(PostFailed, match="ALLOW_PUSH=localhost"):
            await poster.post(url.replace("127.0.0.1", "localhost"), b"body")

    with_server(script, client, reaches)
    assert ("localhost", "127.0.0.1") in seen
    assert script.opened == 0
