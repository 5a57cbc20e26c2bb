"""The settings of topics and subscriptions, as the API's resources name them.

A field that a client left unset is None, or empty; what it then means is filled in by
`topic.complete` and `subscription_config.complete`. A field that is not here is refused by its
name before it comes to the domain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Duration(NamedTuple):
    """A span of time to the nanosecond; one is less than another if it is shorter."""

    seconds: int = 0
    nanos: int = 0

    @property
    def total(self) -> float:
        """In seconds."""
        return self.seconds + self.nanos / 1e9


@dataclass(frozen=True)
class TopicConfig:
    """API reference: Topic."""

    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PubsubWrapper:
    """API reference: PushConfig.PubsubWrapper, which has no fields."""


@dataclass(frozen=True)
class PushConfig:
    """API reference: PushConfig."""

    push_endpoint: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    pubsub_wrapper: PubsubWrapper | None = None


@dataclass(frozen=True)
class ExpirationPolicy:
    """API reference: ExpirationPolicy; without a ttl the subscription never expires."""

    ttl: Duration | None = None


@dataclass(frozen=True)
class DeadLetterPolicy:
    """API reference: DeadLetterPolicy."""

    dead_letter_topic: str = ""
    max_delivery_attempts: int = 0


@dataclass(frozen=True)
class RetryPolicy:
    """API reference: RetryPolicy."""

    minimum_backoff: Duration | None = None
    maximum_backoff: Duration | None = None


@dataclass(frozen=True)
class SubscriptionConfig:
    """API reference: Subscription. `detached` is the service's to set."""

    name: str = ""
    topic: str = ""
    push_config: PushConfig | None = None
    ack_deadline_seconds: int = 0
    message_retention_duration: Duration | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    enable_message_ordering: bool = False
    expiration_policy: ExpirationPolicy | None = None
    filter: str = ""
    dead_letter_policy: DeadLetterPolicy | None = None
    retry_policy: RetryPolicy | None = None
    detached: bool = False

    @property
    def push_endpoint(self) -> str:
        """The URL that messages are pushed to; empty for a pull subscription."""
        return self.push_config.push_endpoint if self.push_config else ""

    @property
    def dead_letter_topic(self) -> str:
        """Where messages go that are given up; empty without a dead-letter policy."""
        return self.dead_letter_policy.dead_letter_topic if self.dead_letter_policy else ""

    @property
    def max_delivery_attempts(self) -> int:
        """After how many failures a message is given up; 0 for never."""
        return self.dead_letter_policy.max_delivery_attempts if self.dead_letter_policy else 0
