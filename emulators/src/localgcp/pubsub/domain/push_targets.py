"""Where messages may be pushed: to this machine, and to the names that a setting allows.

Else whoever may create a subscription could make the emulator post into the network it stands in.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from localgcp.guard import is_loopback
from localgcp.pubsub.domain.config import SubscriptionConfig
from localgcp.pubsub.errors import Unsupported

BIGQUERY, STORAGE = "bigquery", "storage"


class PushTargets:
    """The rule: by name before a subscription pushes at all, by address when it connects.

    Any endpoint may be set: official samples set one in the cloud and push nothing there.
    """

    def __init__(self, allowed: Collection[str] = (), written: Collection[str] = ()) -> None:
        """`allowed` are names beside this machine's; "*" is every one.

        `written` are those of BigQuery and Cloud Storage that messages can be written to.
        """
        self._allowed, self._written = frozenset(allowed), frozenset(written)

    def check(self, config: SubscriptionConfig) -> None:
        """Look whether there is a service that takes the messages.

        Raises Unsupported where its messages can't be written where it wants them.
        """
        for name, wanted in (
            (BIGQUERY, config.bigquery_config),
            (STORAGE, config.cloud_storage_config),
        ):
            if wanted is not None and name not in self._written:
                raise Unsupported(
                    f"a subscription into {name} without one: start with --{name} HOST:PORT, or "
                    f"set {name.upper()}_EMULATOR_HOST"
                )

    def why_not(self, endpoint: str) -> str:
        """Why nothing is pushed there, naming the setting that allows it; "" where it may be."""
        host = _host(endpoint)
        if not endpoint or is_loopback(host) or self._named(host):
            return ""
        return (
            f"not supported by the emulator: a push to {endpoint}, which is not on this machine; "
            f"to allow it, start with --allow-push {host}, or set ALLOW_PUSH={host}"
        )

    def reaches(self, host: str, address: str) -> bool:
        """Whether a connection to `address`, to which `host` was resolved just now, may be made."""
        return self._named(host) or (is_loopback(host) and is_loopback(address))

    def _named(self, host: str) -> bool:
        return not self._allowed.isdisjoint((host.lower().rstrip("."), "*"))


def _host(endpoint: str) -> str:
    return (urlsplit(endpoint).hostname or "").rstrip(".")
