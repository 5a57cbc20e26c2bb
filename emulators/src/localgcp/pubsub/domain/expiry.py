"""When a subscription that nobody uses is deleted (API reference: ExpirationPolicy)."""

from __future__ import annotations

from localgcp.pubsub.domain.config import Duration, ExpirationPolicy
from localgcp.pubsub.errors import InvalidArgument

_DAY = 24 * 3600
DEFAULT_TTL, SHORTEST_TTL, LONGEST_TTL = 31 * _DAY, _DAY, 365 * _DAY


class Expiry:
    """Counts from the last use. Times are in seconds since the epoch."""

    def __init__(self) -> None:
        self._ttl: float | None = None
        self._used: float | None = None

    def configure(self, policy: ExpirationPolicy | None) -> None:
        """Take new settings; a policy without a ttl means never."""
        ttl = policy.ttl if policy is not None else None
        self._ttl = None if ttl is None else ttl.total

    def touch(self, now: float) -> None:
        """It is used."""
        self._used = now

    def due(self) -> float | None:
        """When it expires; None for never, and before its first use."""
        if self._ttl is None or self._used is None:
            return None
        return self._used + self._ttl


def complete(policy: ExpirationPolicy | None) -> ExpirationPolicy:
    """31 days where nothing is said, as in the service. Raises InvalidArgument."""
    if policy is None:
        return ExpirationPolicy(Duration(DEFAULT_TTL))
    if policy.ttl is not None and not SHORTEST_TTL <= policy.ttl.total <= LONGEST_TTL:
        raise InvalidArgument(
            f"Invalid expiration_policy: ttl={policy.ttl.total:g}s; it must be between "
            f"{SHORTEST_TTL}s and {LONGEST_TTL}s."
        )
    return policy
