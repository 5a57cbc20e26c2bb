"""How long a message waits before it is delivered again (API reference: RetryPolicy)."""

from __future__ import annotations

from typing import NamedTuple

from localgcp.pubsub.domain.config import Duration, RetryPolicy, SubscriptionConfig
from localgcp.pubsub.errors import InvalidArgument

LONGEST = 600.0
_DEFAULT_MINIMUM, _DEFAULT_MAXIMUM = Duration(10), Duration(600)


class Backoff(NamedTuple):
    """Exponential backoff between two bounds, in seconds."""

    minimum: float
    maximum: float

    def delay(self, failures: int) -> float:
        """Seconds to wait after the `failures`th failed delivery (1 or more)."""
        # 2**64 seconds is past any bound, and a float's exponent must not overflow.
        return min(self.minimum * 2.0 ** min(failures - 1, 64), self.maximum)


# Without a policy a pull subscription delivers again at once, a push subscription after the
# service's own "push backoff" (page "Push subscriptions", section "Push backoff").
AT_ONCE = Backoff(0.0, 0.0)
PUSH_BACKOFF = Backoff(0.1, 60.0)


def of(subscription: SubscriptionConfig) -> Backoff:
    """What a subscription's settings, complete or not, amount to."""
    if subscription.retry_policy is not None:
        policy = complete(subscription.retry_policy)
        assert policy.minimum_backoff is not None and policy.maximum_backoff is not None
        return Backoff(policy.minimum_backoff.total, policy.maximum_backoff.total)
    patient = subscription.push_endpoint or subscription.is_exported
    # A message whose transform fails would else come back to it at once.
    return PUSH_BACKOFF if patient or subscription.message_transforms else AT_ONCE


def complete(policy: RetryPolicy) -> RetryPolicy:
    """The policy with its defaults (10 s, 600 s) filled in. Raises InvalidArgument."""
    low = policy.minimum_backoff or _DEFAULT_MINIMUM
    high = policy.maximum_backoff or _DEFAULT_MAXIMUM
    if not 0 <= low.total <= high.total <= LONGEST:
        raise InvalidArgument(
            f"Invalid retry policy: minimum_backoff={low.total:g}s, "
            f"maximum_backoff={high.total:g}s; 0s <= minimum <= maximum <= {LONGEST:g}s must hold."
        )
    return RetryPolicy(low, high)
