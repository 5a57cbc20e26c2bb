"""Lists in pages: sorted by name, and a page token is the last name seen."""

from __future__ import annotations

from collections.abc import Iterable

from localgcp.pubsub.errors import InvalidArgument

LARGEST_PAGE = 1000


def page(names: Iterable[str], size: int, token: str) -> tuple[list[str], str]:
    """One page of names, and the token of the next ("" at the end). Raises InvalidArgument."""
    if size < 0:
        raise InvalidArgument(f"Invalid page_size: {size}; it must not be negative.")
    size = min(size or LARGEST_PAGE, LARGEST_PAGE)
    rest = sorted(name for name in names if name > token)
    return rest[:size], rest[size - 1] if len(rest) > size else ""
