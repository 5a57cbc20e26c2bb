"""Where messages may be pushed: to this machine, and to the names that a setting allows.

Else whoever may create a subscription could make the emulator post into the network it stands in.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from localgcp.guard import is_loopback
from localgcp.pubsub.errors import InvalidArgument


class PushTargets:
    """The rule: by name when a subscription is made, by address when a connection is."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        """`allowed` are names beside this machine's; "*" is every one."""
        self._allowed = frozenset(allowed)

    def check(self, endpoint: str) -> None:
        """Raises InvalidArgument, naming endpoint and setting. No endpoint is no push."""
        host = _host(endpoint)
        if endpoint and not is_loopback(host) and not self._named(host):
            raise InvalidArgument(
                f"Invalid push endpoint given (endpoint={endpoint}); this emulator pushes to this "
                f"machine alone: start it with --allow-push {host}, or set ALLOW_PUSH={host}."
            )

    def reaches(self, host: str, address: str) -> bool:
        """Whether a connection to `address`, to which `host` was resolved just now, may be made."""
        return self._named(host) or (is_loopback(host) and is_loopback(address))

    def _named(self, host: str) -> bool:
        return not self._allowed.isdisjoint((host.lower().rstrip("."), "*"))


def _host(endpoint: str) -> str:
    return (urlsplit(endpoint).hostname or "").rstrip(".")
