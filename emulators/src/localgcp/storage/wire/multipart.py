"""Multipart bodies: an upload's metadata and content, and the requests of a batch.

An upload is read as it streams: only its metadata is held. By the pages "Uploads and downloads"
(multipart uploads) and "Batch requests" of the JSON API.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.parser import BytesParser

from localgcp.storage.errors import Invalid

MAX_HEAD = 1024 * 1024
"""Of the metadata with both parts' headers; metadata itself is at most some 10 KiB."""
_EPILOGUE = 64
# gsutil quotes its boundary with single quotes, which no RFC knows.
_BOUNDARY = re.compile(r"""boundary=(?:"([^"]+)"|'([^']+)'|([^;\s]+))""", re.IGNORECASE)


def boundary_of(content_type: str) -> bytes:
    """The boundary that a content type names. Raises Invalid."""
    found = _BOUNDARY.search(content_type)
    if found is None or not content_type.lower().startswith("multipart/"):
        raise Invalid("Content-Type", content_type, "a multipart body names its boundary")
    return next(each for each in found.groups() if each).encode("latin-1")


@dataclass(frozen=True)
class Upload:
    """A multipart upload: its metadata as JSON, and its content as it comes."""

    metadata: bytes
    content_type: str
    content: AsyncIterator[bytes]


async def split_upload(pieces: AsyncIterator[bytes], boundary: bytes) -> Upload:
    """Read up to the content. Raises Invalid."""
    mark = re.escape(b"--" + boundary)
    head = re.compile(
        rb"\A\s*" + mark + rb"[ \t]*(?P<eol>\r?\n)(?:[^\n]+\n)*?\r?\n(?P<metadata>.*?)\r?\n"
        + mark + rb"[ \t]*\r?\n(?P<headers>(?:[^\r\n]+\r?\n)*)\r?\n",
        re.DOTALL,
    )  # fmt: skip
    held = bytearray()
    async for piece in pieces:
        held += piece
        if found := head.match(held):
            rest = bytes(held[found.end() :])
            headers = BytesParser().parsebytes(found["headers"])
            closing = bytes(found["eol"]) + b"--" + boundary + b"--"
            return Upload(
                bytes(found["metadata"]),
                str(headers.get("content-type", "")),
                _content(rest, pieces, closing),
            )
        if len(held) > MAX_HEAD:
            break
    raise Invalid("body", f"{bytes(held[:64])!r}...", "a multipart upload is metadata and content")


async def _content(
    first: bytes, pieces: AsyncIterator[bytes], closing: bytes
) -> AsyncIterator[bytes]:
    """All up to the closing boundary, which the last few bytes of the body hold."""
    withheld, size = bytearray(first), len(closing) + _EPILOGUE
    async for piece in pieces:
        withheld += piece
        if len(withheld) > size:
            yield bytes(withheld[:-size])
            del withheld[:-size]
    end = withheld.rfind(closing)
    if end < 0:
        raise Invalid("body", "multipart", "it ends with its boundary")
    yield bytes(withheld[:end])


@dataclass(frozen=True)
class BatchedRequest:
    """One request of a batch."""

    id: str
    method: str
    target: str
    headers: list[tuple[bytes, bytes]]
    body: bytes


def split_batch(raw: bytes, content_type: str) -> list[BatchedRequest]:
    """The requests of a batch, in order. Raises Invalid."""
    boundary_of(content_type)
    whole = BytesParser().parsebytes(
        b"content-type: " + content_type.replace("'", '"').encode("latin-1") + b"\r\n\r\n" + raw
    )
    if not whole.is_multipart():
        raise Invalid("body", "no parts", "a batch is multipart/mixed with a request in each part")
    requests = []
    for part in whole.get_payload():
        if isinstance(part, str):
            raise Invalid("body", part, "each part of a batch has headers")
        if part.get_content_type() != "application/http":
            raise Invalid("Content-Type", part.get_content_type(), "a part is application/http")
        payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes):
            raise Invalid("body", part.get_content_type(), "a part holds one request")
        requests.append(_request(str(part.get("content-id", "")), payload))
    return requests


def _request(id_: str, payload: bytes) -> BatchedRequest:
    line, _, rest = payload.lstrip().partition(b"\n")
    words = line.decode("latin-1").split()
    if len(words) not in (2, 3):
        raise Invalid("body", line.decode("latin-1").strip(), "a part begins METHOD PATH HTTP/1.1")
    head = re.match(rb"(?:[^\r\n]+\r?\n)*(?:\r?\n|\Z)", rest)
    headers = BytesParser().parsebytes(head[0] if head else b"", headersonly=True)
    return BatchedRequest(
        id_,
        words[0].upper(),
        re.sub(r"\A[a-z]+://[^/]*", "", words[1]),
        [(name.lower().encode(), str(value).encode("latin-1")) for name, value in headers.items()],
        rest[head.end() :] if head else rest,
    )


def response_id(id_: str) -> str:
    """The id of a batch's answer, from its request's."""
    return f"<response-{id_[1:]}" if id_.startswith("<") else f"response-{id_}"
