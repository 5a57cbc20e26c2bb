"""How long a message waits before it is delivered again (API reference: RetryPolicy)."""

from __future__ import annotations

from dataclasses import dataclass

from localgcp.pubsub.errors import InvalidArgument
from localgcp.pubsub.wire.protos import Proto

LONGEST = 600.0
_DEFAULT_MINIMUM, _DEFAULT_MAXIMUM = 10.0, 600.0


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff between two bounds, in seconds."""

    minimum: float
    maximum: float

    def delay(self, failures: int) -> float:
        """Seconds to wait after the `failures`th failed delivery (1 or more)."""
        # 2**64 seconds is past any bound, and a float's exponent must not overflow.
        return min(self.minimum * 2.0 ** min(failures - 1, 64), self.maximum)


# Without a policy a pull subscription delivers again at once, a push subscription after the
# service's own "push backoff" (page "Push subscriptions", section "Push backoff").
AT_ONCE = RetryPolicy(0.0, 0.0)
PUSH_BACKOFF = RetryPolicy(0.1, 60.0)


def of(subscription: Proto) -> RetryPolicy:
    """The policy that a subscription's settings amount to."""
    if subscription.HasField("retry_policy"):
        policy = subscription.retry_policy
        return RetryPolicy(_seconds(policy.minimum_backoff), _seconds(policy.maximum_backoff))
    return PUSH_BACKOFF if subscription.push_config.push_endpoint else AT_ONCE


def complete(policy: Proto) -> None:
    """Fill in the defaults (10 s, 600 s) and check the bounds. Raises InvalidArgument."""
    if not policy.HasField("minimum_backoff"):
        policy.minimum_backoff.FromSeconds(int(_DEFAULT_MINIMUM))
    if not policy.HasField("maximum_backoff"):
        policy.maximum_backoff.FromSeconds(int(_DEFAULT_MAXIMUM))
    low, high = _seconds(policy.minimum_backoff), _seconds(policy.maximum_backoff)
    if not 0 <= low <= high <= LONGEST:
        raise InvalidArgument(
            f"Invalid retry policy: minimum_backoff={low:g}s, maximum_backoff={high:g}s; "
            f"0s <= minimum <= maximum <= {LONGEST:g}s must hold."
        )


def _seconds(duration: Proto) -> float:
    return float(duration.seconds + duration.nanos / 1e9)
