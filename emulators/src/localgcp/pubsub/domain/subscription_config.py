"""A subscription's settings: defaults, limits, what may change (API reference: Subscription)."""

from __future__ import annotations

from urllib.parse import urlsplit

from localgcp.pubsub.domain import dead_letter, filter, labels, retry_policy
from localgcp.pubsub.domain.names import check_subscription
from localgcp.pubsub.errors import InvalidArgument, Unsupported
from localgcp.pubsub.wire.protos import Proto, refuse_all_but

_MINUTE, _DAY = 60, 24 * 3600
DEFAULT_ACK_DEADLINE, SHORTEST_ACK_DEADLINE, LONGEST_ACK_DEADLINE = 10, 10, 600
DEFAULT_RETENTION, SHORTEST_RETENTION, LONGEST_RETENTION = 7 * _DAY, 10 * _MINUTE, 31 * _DAY

# What an update may change, what is settled at creation, and what only the service sets.
MUTABLE = frozenset(
    (
        "ack_deadline_seconds",
        "dead_letter_policy",
        "expiration_policy",
        "labels",
        "message_retention_duration",
        "push_config",
        "retry_policy",
    )
)
FIXED = frozenset(("name", "topic", "filter", "enable_message_ordering"))
OUTPUT_ONLY = frozenset(("state", "detached", "topic_message_retention_duration"))
_PUSH_FIELDS = frozenset(("push_endpoint", "attributes", "pubsub_wrapper"))


def complete(config: Proto) -> Proto:
    """Return a copy with defaults filled in. Raises InvalidArgument, Unsupported."""
    done = type(config)()
    done.CopyFrom(config)
    for field in OUTPUT_ONLY:
        done.ClearField(field)
    refuse_all_but(MUTABLE | FIXED, done)
    check_subscription(done.name)
    labels.check(done.labels)
    if done.filter:
        filter.parse(done.filter)
    _complete_times(done)
    _check_push(done.push_config)
    if done.HasField("retry_policy"):
        retry_policy.complete(done.retry_policy)
    if done.HasField("dead_letter_policy"):
        dead_letter.complete(done.dead_letter_policy)
    done.state = done.State.ACTIVE
    return done


def check_ack_deadline(seconds: int, shortest: int = SHORTEST_ACK_DEADLINE) -> None:
    """Raises InvalidArgument unless it lies between `shortest` and 600 seconds."""
    if not shortest <= seconds <= LONGEST_ACK_DEADLINE:
        raise InvalidArgument(
            f"Invalid ack deadline given: {seconds}; ack deadlines should be between "
            f"{shortest} and {LONGEST_ACK_DEADLINE} seconds."
        )


def _complete_times(config: Proto) -> None:
    config.ack_deadline_seconds = config.ack_deadline_seconds or DEFAULT_ACK_DEADLINE
    check_ack_deadline(config.ack_deadline_seconds)
    if not config.HasField("message_retention_duration"):
        config.message_retention_duration.seconds = DEFAULT_RETENTION
    retention = config.message_retention_duration.seconds
    if not SHORTEST_RETENTION <= retention <= LONGEST_RETENTION:
        raise InvalidArgument(
            f"Invalid message_retention_duration: {retention}s; it must be between "
            f"{SHORTEST_RETENTION}s and {LONGEST_RETENTION}s."
        )
    # A subscription here never expires by itself, and says so: that is what no ttl means.
    if config.expiration_policy.HasField("ttl"):
        raise Unsupported("Subscription.expiration_policy.ttl")
    config.expiration_policy.SetInParent()


def _check_push(push: Proto) -> None:
    refuse_all_but(_PUSH_FIELDS, push)
    for key, value in push.attributes.items():
        if (key, value) != ("x-goog-version", "v1"):
            raise Unsupported(f"PushConfig.attributes[{key}]={value}")
    if not push.push_endpoint:
        return
    if not _is_http_url(push.push_endpoint):
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
