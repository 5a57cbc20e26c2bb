"""What every route works with: the stack, its folder, the feed; and how a route is answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from local.alerts import Alerts
from local.attached import Reachable
from local.control_room.account import Account
from local.control_room.feed import Feed
from local.control_room.sampling import Sampler


class Room:
    """One control room over one stack."""

    def __init__(self, stack: Reachable, data_dir: Path, token: str) -> None:
        self.stack, self.data_dir, self.token = stack, data_dir, token
        self.logs = data_dir / "logs"
        self.sampler = Sampler(stack, self.logs)
        self.account = Account(stack)
        self.alerts = Alerts()
        self.feed = Feed(self.sampler, self.account, self.alerts)


@dataclass(frozen=True)
class Call:
    """One request, read: the names in its path, its query, its JSON body."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str, default: str | None = None) -> str:
        """A text of the body. Raises BadCall where it is absent, without a default, or no text."""
        value = self.body.get(name, default)
        if not isinstance(value, str):
            raise BadCall(name, value, "should be a text")
        return value

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number of the query, from 1 to `most`. Raises BadCall."""
        value = self.query.get(name, str(default))
        if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= most:
            raise BadCall(name, value, f"should be a whole number, 1 to {most}")
        return int(value)


class BadCall(ValueError):
    """A request that can't be followed; the text names field and value."""

    def __init__(self, name: str, value: object, why: str) -> None:
        super().__init__(f"{name} {why}; got {value!r}")


class Api(NamedTuple):
    """One route: what it is asked by, and the function that answers with JSON."""

    method: str
    path: str
    work: Callable[[Room, Call], Any]


def parsed(body: bytes) -> dict[str, Any]:
    """A request's body as a JSON object, {} for none. Raises BadCall."""
    if not body:
        return {}
    try:
        found = json.loads(body)
    except ValueError as error:
        raise BadCall("body", body[:60].decode(errors="replace"), f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadCall("body", found, "should be a JSON object")
    return found
