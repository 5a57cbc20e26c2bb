"""Resource names, as `projects/P/topics/T`, and lists of them.

The rules of an id are those of the page "Create a topic", section "Guidelines to name a topic".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from localgcp.pubsub.errors import InvalidArgument

Item = TypeVar("Item")

DELETED_TOPIC, DELETED_SCHEMA = "_deleted-topic_", "_deleted-schema_"
LARGEST_PAGE = 1000

# Page "Creating and managing projects": an id, an older one with its domain, or the number.
_PROJECT = re.compile(r"projects/(?:(?:[a-z0-9.\-]+:)?[a-z][a-z0-9\-]{4,28}[a-z0-9]|[0-9]+)")
_PROJECT_RULE = (
    "P has 6 to 30 lower-case letters, digits or hyphens, begins with a letter, ends in no hyphen"
)
_ID = re.compile(r"[A-Za-z][A-Za-z0-9\-._~%+]{2,254}")


def check_topic(name: str) -> str:
    """Return `name` if it can name a topic. Raises InvalidArgument."""
    return _check("topics", name)


def check_subscription(name: str) -> str:
    """Return `name` if it can name a subscription. Raises InvalidArgument."""
    return _check("subscriptions", name)


def check_snapshot(name: str) -> str:
    """Return `name` if it can name a snapshot. Raises InvalidArgument."""
    return _check("snapshots", name)


def check_schema(name: str) -> str:
    """Return `name` if it can name a schema. Raises InvalidArgument."""
    return _check("schemas", name)


def check_project(name: str) -> str:
    """Return `name` if it reads `projects/P`. Raises InvalidArgument."""
    if not _PROJECT.fullmatch(name):
        raise InvalidArgument(f"Invalid [projects] name: (name={name}); {_PROJECT_RULE}")
    return name


def project_of(name: str) -> str:
    """The project id in a resource name."""
    return name.split("/", 2)[1]


def short(name: str) -> str:
    """The id at the end of a resource name."""
    return name.rpartition("/")[2]


def page(names: Iterable[str], size: int, token: str) -> tuple[list[str], str]:
    """One page of names, sorted, and the token of the next: the last name, or "" at the end.

    Raises InvalidArgument.
    """
    size = _page_size(size)
    rest = sorted(name for name in names if name > token)
    return rest[:size], rest[size - 1] if len(rest) > size else ""


def page_of(
    items: Sequence[Item], size: int, token: str, key: Callable[[Item], str]
) -> tuple[list[Item], str]:
    """One page of items in their own order, and the token of the next: the last one's key.

    Raises InvalidArgument.
    """
    size, start = _page_size(size), 0
    if token:
        keys = [key(item) for item in items]
        if token not in keys:
            raise InvalidArgument(f"Invalid page_token: {token}.")
        start = keys.index(token) + 1
    listed = list(items[start : start + size])
    return listed, key(listed[-1]) if start + size < len(items) else ""


def _page_size(size: int) -> int:
    if size < 0:
        raise InvalidArgument(f"Invalid page_size: {size}; it must not be negative.")
    return min(size or LARGEST_PAGE, LARGEST_PAGE)


def _check(collection: str, name: str) -> str:
    project, _, rest = name.partition(f"/{collection}/")
    allowed = _PROJECT.fullmatch(project) and _ID.fullmatch(rest) and not rest.startswith("goog")
    if not allowed:
        raise InvalidArgument(
            f"Invalid [{collection}] name: (name={name}); it reads projects/P/{collection}/ID, "
            f"{_PROJECT_RULE}, and ID has 3 to 255 letters, digits, or -._~%+, begins with a "
            "letter and not with 'goog'"
        )
    return name
