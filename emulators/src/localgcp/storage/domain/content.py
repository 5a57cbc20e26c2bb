"""Content on its way to the binary: framed, and checked against what its sender declares."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import google_crc32c
import orjson

from localgcp.storage.domain.resource import BY_BINARY, Resource
from localgcp.storage.errors import Invalid


async def parts(
    boundary: str, wanted: Resource, content: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    """A multipart body: the metadata, then the content."""
    metadata = {name: value for name, value in wanted.items() if name in BY_BINARY}
    content_type = metadata.get("contentType", "application/octet-stream")
    if "\r" in content_type or "\n" in content_type:
        raise Invalid("contentType", content_type, "it is one line")
    yield (
        f"--{boundary}\r\ncontent-type: application/json\r\n\r\n".encode()
        + orjson.dumps(metadata)
        + f"\r\n--{boundary}\r\ncontent-type: {content_type}\r\n\r\n".encode()
    )
    async for piece in content:
        yield piece
    yield f"\r\n--{boundary}--\r\n".encode()


async def verified(
    content: AsyncIterator[bytes], declared: Mapping[str, Any]
) -> AsyncIterator[bytes]:
    """The content; raises Invalid at its end where a declared checksum is another."""
    md5 = hashlib.md5(usedforsecurity=False) if declared.get("md5Hash") else None
    crc32c = google_crc32c.Checksum() if declared.get("crc32c") else None
    async for piece in content:
        if md5:
            md5.update(piece)
        if crc32c:
            crc32c.update(piece)
        yield piece
    for field, digest in (("md5Hash", md5), ("crc32c", crc32c)):
        if digest:
            found = base64.b64encode(digest.digest()).decode()
            if found != declared[field]:
                raise Invalid(field, declared[field], f"the content's is {found}")
