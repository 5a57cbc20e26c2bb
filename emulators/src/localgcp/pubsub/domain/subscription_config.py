"""A subscription's settings: defaults, limits, what may change (API reference: Subscription)."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from localgcp.pubsub.domain import (
    dead_letter,
    destinations,
    expiry,
    filter,
    labels,
    retry_policy,
    transforms,
)
from localgcp.pubsub.domain.config import (
    Duration,
    PushConfig,
    SubscriptionConfig,
)
from localgcp.pubsub.domain.names import check_subscription
from localgcp.pubsub.errors import InvalidArgument, Unsupported

_MINUTE, _DAY = 60, 24 * 3600
DEFAULT_ACK_DEADLINE, SHORTEST_ACK_DEADLINE, LONGEST_ACK_DEADLINE = 10, 10, 600
DEFAULT_RETENTION, SHORTEST_RETENTION, LONGEST_RETENTION = 7 * _DAY, 10 * _MINUTE, 31 * _DAY

# What an update may change, what is settled at creation, and what only the service sets.
MUTABLE = frozenset(
    (
        "ack_deadline_seconds",
        "bigquery_config",
        "cloud_storage_config",
        "dead_letter_policy",
        "enable_exactly_once_delivery",
        "expiration_policy",
        "labels",
        "message_transforms",
        "message_retention_duration",
        "retain_acked_messages",
        "push_config",
        "retry_policy",
    )
)
FIXED = frozenset(
    (
        *("name", "topic", "filter", "enable_message_ordering"),
        *("state", "detached", "topic_message_retention_duration"),
    )
)


def complete(config: SubscriptionConfig) -> SubscriptionConfig:
    """The settings with defaults filled in, checked. Raises InvalidArgument, Unsupported."""
    check_subscription(config.name)
    labels.check(config.labels)
    transforms.check(config.message_transforms)
    if config.filter:
        filter.parse(config.filter)
    ack_deadline = config.ack_deadline_seconds or DEFAULT_ACK_DEADLINE
    check_ack_deadline(ack_deadline)
    if config.push_config:
        _check_push(config.push_config)
    if config.enable_exactly_once_delivery and (config.push_endpoint or config.is_exported):
        raise InvalidArgument(
            f"Exactly-once delivery is for pull subscriptions, and {config.name} is none."
        )
    policy, dead = config.retry_policy, config.dead_letter_policy
    return replace(
        destinations.complete(config),
        ack_deadline_seconds=ack_deadline,
        message_retention_duration=_retention(config.message_retention_duration),
        expiration_policy=expiry.complete(config.expiration_policy),
        retry_policy=policy and retry_policy.complete(policy),
        dead_letter_policy=dead and dead_letter.complete(dead),
    )


def check_ack_deadline(seconds: int, shortest: int = SHORTEST_ACK_DEADLINE) -> None:
    """Hold a deadline against the bounds.

    Raises InvalidArgument unless it lies between `shortest` and 600 seconds.
    """
    if not shortest <= seconds <= LONGEST_ACK_DEADLINE:
        raise InvalidArgument(
            f"Invalid ack deadline given: {seconds}; ack deadlines should be between "
            f"{shortest} and {LONGEST_ACK_DEADLINE} seconds."
        )


def _retention(wanted: Duration | None) -> Duration:
    if wanted is None:
        return Duration(DEFAULT_RETENTION)
    check_retention(wanted)
    return wanted


def check_retention(wanted: Duration) -> None:
    """Hold a retention against the bounds.

    Raises InvalidArgument unless it lies between 10 minutes and 31 days.
    """
    if not SHORTEST_RETENTION <= wanted.seconds <= LONGEST_RETENTION:
        raise InvalidArgument(
            f"Invalid message_retention_duration: {wanted.seconds}s; it must be between "
            f"{SHORTEST_RETENTION}s and {LONGEST_RETENTION}s."
        )


def _check_push(push: PushConfig) -> None:
    for key, value in push.attributes.items():
        if (key, value) != ("x-goog-version", "v1"):
            raise Unsupported(f"PushConfig.attributes[{key}]={value}")
    if push.oidc_token is not None and "@" not in push.oidc_token.service_account_email:
        raise InvalidArgument(
            "Invalid service account given "
            f"(service_account_email={push.oidc_token.service_account_email})."
        )
    if push.push_endpoint and not _is_http_url(push.push_endpoint):
        raise InvalidArgument(
            f"Invalid push endpoint given (endpoint={push.push_endpoint}); it must be an "
            "http:// or https:// URL."
        )


def _is_http_url(text: str) -> bool:
    if not text.isascii() or any(character.isspace() for character in text):
        return False
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is no number, or too large
        return False
