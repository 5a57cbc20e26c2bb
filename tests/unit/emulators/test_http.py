"""Bodies within their limits."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from localgcp.asgi import BadGzip, BodyTooLarge, ClientGone, Request
from localgcp.guard import Receive

LIMIT = 1 << 20


def request(receive: Receive, encoding: str = "") -> Request:
    headers = [(b"content-encoding", encoding.encode())] if encoding else []
    scope = {"method": "POST", "path": "/", "headers": headers, "query_string": b""}
    return Request(scope, receive)


def read(chunks: list[bytes], encoding: str = "", limit: int = LIMIT) -> bytes:
    events: Iterator[dict[str, Any]] = iter(
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    )
    end = {"type": "http.request", "body": b"", "more_body": False}

    async def receive() -> dict[str, Any]:
        return next(events, end)

    return asyncio.run(request(receive, encoding).unpacked(limit))


def test_a_body_comes_whole_in_any_parts() -> None:
    packed = gzip.compress(b"hello" * 1000)
    assert read([b"he", b"", b"llo"]) == b"hello"
    assert read([packed[i : i + 1] for i in range(len(packed))], "gzip") == b"hello" * 1000
    assert read([b""], "gzip") == b""
    assert read([b"x" * LIMIT]) == b"x" * LIMIT
    assert read([gzip.compress(b"x" * LIMIT)], "gzip") == b"x" * LIMIT


@pytest.mark.parametrize("packed", [False, True])
def test_one_byte_too_many_is_refused_and_the_limit_named(packed: bool) -> None:
    body = b"x" * (LIMIT + 1)
    with pytest.raises(BodyTooLarge, match=str(LIMIT)):
        read([gzip.compress(body) if packed else body], "gzip" if packed else "")


def test_a_bomb_is_refused_at_flat_memory() -> None:
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1 << 20)
    bomb = b"".join(packer.compress(zeros) for _ in range(256)) + packer.flush()
    assert len(bomb) < 300_000
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge):
            read([bomb], "gzip")
        assert tracemalloc.get_traced_memory()[1] < 4 * LIMIT
    finally:
        tracemalloc.stop()


WHOLE = gzip.compress(b"{}", mtime=0)


@pytest.mark.parametrize("body", [b"{}", WHOLE[:-3], WHOLE * 2], ids=["plain", "cut", "two"])
def test_what_is_no_gzip_is_told(body: bytes) -> None:
    with pytest.raises(BadGzip):
        read([body], "gzip")


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_client_that_hangs_up_sent_no_body(encoding: str) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        asyncio.run(request(receive, encoding).unpacked(LIMIT))
