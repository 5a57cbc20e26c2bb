"""What the calls share: limits, pages, and what all of them refuse."""

from __future__ import annotations

from localgcp.asgi import Reply, Request
from localgcp.storage.domain.resource import Resource, linked
from localgcp.storage.errors import Invalid, NotFound, NotSupported

MAX_DOCUMENT = 1024 * 1024
PAGE = 1000
_ENCRYPTION = ("x-goog-encryption-key", "x-goog-copy-source-encryption-key")


class UnknownPath(NotFound):
    """No method has this path."""

    def __init__(self, method: str, path: bytes) -> None:
        super().__init__(f"Not found: {method} {path.decode('latin-1')}")


def page_size(request: Request) -> int:
    """How many a page has. Raises Invalid."""
    given = request.query.get("maxResults", "")
    if not given:
        return PAGE
    if not (given.isascii() and given.isdigit()) or int(given) == 0:
        raise Invalid("maxResults", given, "it is a whole number from 1")
    return min(int(given), PAGE)


def soft_deleted(request: Request) -> bool:
    """Whether it asks for what is deleted; clients write true as their language does."""
    return request.query.get("softDeleted", "").lower() == "true"


def refuse_keys(request: Request) -> None:
    """Look for encryption by a key of the client's.

    Raises NotSupported for a key of the client's own: nothing here is encrypted.
    """
    for name in _ENCRYPTION:
        if name in request.headers:
            raise NotSupported("customer-supplied encryption keys")


def resource_reply(request: Request, found: Resource) -> Reply:
    """An object's resource, with links to where this client came by."""
    resource = linked(found, request.root)
    if request.query.get("projection") != "full":
        resource.pop("acl", None)
    return Reply.json(resource)
