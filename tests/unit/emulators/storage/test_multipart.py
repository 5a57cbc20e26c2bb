from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable

import pytest

from localgcp.storage.errors import Invalid
from localgcp.storage.wire import multipart


async def _pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def _split(body: bytes, size: int, boundary: bytes = b"B") -> tuple[bytes, str, list[bytes]]:
    async def run() -> tuple[bytes, str, list[bytes]]:
        found = await multipart.split_upload(_pieces(body, size), boundary)
        return found.metadata, found.content_type, [piece async for piece in found.content]

    return asyncio.run(run())


def _body(content: bytes, eol: bytes = b"\r\n") -> bytes:
    lines = [b"--B", b"content-type: application/json", b"", b'{"name": "a"}']
    lines += [b"--B", b"content-type: text/plain", b"", content, b"--B--"]
    return eol.join(lines) + eol


@pytest.mark.parametrize("size", [1, 3, 7, 64, 100_000])
@pytest.mark.parametrize("eol", [b"\r\n", b"\n"])
@pytest.mark.parametrize(
    "content", [b"", b"x", b"--B", b"\r\n--B", b"a\r", b"\n" * 70, b"\0" * 999]
)
def test_content_is_what_is_between(size: int, eol: bytes, content: bytes) -> None:
    metadata, content_type, pieces = _split(_body(content, eol), size)
    assert (metadata, content_type) == (b'{"name": "a"}', "text/plain")
    assert b"".join(pieces) == content


def test_content_is_never_held_whole() -> None:
    content = os.urandom(1_000_000)
    _, _, pieces = _split(_body(content), 10_000)
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 20_000


@pytest.mark.parametrize(
    "body", [b"", b"nothing", b"--B\r\n\r\n{}", b"--C\r\n\r\n{}\r\n--C\r\n\r\nx\r\n--C--"]
)
def test_a_body_without_its_parts_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match="metadata and content"):
        _split(body, 5)


def test_a_body_without_its_end_is_refused() -> None:
    with pytest.raises(Invalid, match="ends with its boundary"):
        _split(_body(b"content")[:-8], 5)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/related; boundary=B", b"B"),
        ('multipart/related; boundary="==1=="', b"==1=="),
        ("multipart/related; boundary='==1=='", b"==1=="),
        ("Multipart/Related; charset=x; BOUNDARY=b; z=1", b"b"),
    ],
)
def test_a_boundary_is_read(content_type: str, boundary: bytes) -> None:
    assert multipart.boundary_of(content_type) == boundary


@pytest.mark.parametrize("content_type", ["", "text/plain; boundary=B", "multipart/related"])
def test_a_missing_boundary_is_named(content_type: str) -> None:
    with pytest.raises(Invalid, match="Content-Type"):
        multipart.boundary_of(content_type)


def _batch(calls: Iterable[bytes]) -> bytes:
    head = b"--B\r\nContent-Type: application/http\r\nContent-ID: <id+1>\r\n\r\n"
    return b"\r\n".join(head + call for call in calls) + b"\r\n--B--\r\n"


def test_a_batch_is_its_requests() -> None:
    raw = _batch(
        [
            b"DELETE http://127.0.0.1:1/storage/v1/b/x/o/y?generation=1 HTTP/1.1\r\n\r\n",
            b"PATCH /storage/v1/b/x HTTP/1.1\nContent-Type: application/json\n\n{}",
        ]
    )
    first, second = multipart.split_batch(raw, "multipart/mixed; boundary=B")
    assert (first.method, first.target) == ("DELETE", "/storage/v1/b/x/o/y?generation=1")
    assert (second.method, second.target, second.body) == ("PATCH", "/storage/v1/b/x", b"{}")
    assert second.headers == [(b"content-type", b"application/json")]
    assert multipart.response_id(first.id) == "<response-id+1>"


def test_a_part_that_is_no_request_is_named() -> None:
    with pytest.raises(Invalid, match="METHOD PATH"):
        multipart.split_batch(_batch([b"DELETE\r\n\r\n"]), "multipart/mixed; boundary=B")
