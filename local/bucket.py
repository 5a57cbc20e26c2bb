"""The objects of a stack's bucket, by Cloud Storage's JSON API."""

from __future__ import annotations

from urllib.parse import quote
from urllib.request import urlopen

from local.attached import Reachable

READ_SECONDS = 30.0


def url(stack: Reachable) -> str:
    """Where the objects are listed; one of them is a segment further."""
    return f"{stack.url('storage')}/storage/v1/b/{quote(stack.names.bucket)}/o"


def url_of(stack: Reachable, name: str) -> str:
    """Where one object is told of."""
    return f"{url(stack)}/{quote(name, safe='')}"


def read(stack: Reachable, name: str, most: int = -1, seconds: float = READ_SECONDS) -> bytes:
    """An object's bytes, or its first `most`. Raises OSError, of which HTTPError is one."""
    with urlopen(f"{url_of(stack, name)}?alt=media", timeout=seconds) as reply:
        data: bytes = reply.read(most)
        return data
