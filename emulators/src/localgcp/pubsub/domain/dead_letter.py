"""Dead letters: when a message is given up, and what is published in its place.

Page "Handle message failures", section "Dead letter topic".
"""

from __future__ import annotations

from datetime import UTC, datetime

from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.names import check_topic, project_of, short
from localgcp.pubsub.errors import InvalidArgument
from localgcp.pubsub.wire.protos import Proto

FEWEST_ATTEMPTS, MOST_ATTEMPTS = 5, 100


def complete(policy: Proto) -> None:
    """Fill in the default of 5 attempts and check the policy. Raises InvalidArgument."""
    check_topic(policy.dead_letter_topic)
    policy.max_delivery_attempts = policy.max_delivery_attempts or FEWEST_ATTEMPTS
    if not FEWEST_ATTEMPTS <= policy.max_delivery_attempts <= MOST_ATTEMPTS:
        raise InvalidArgument(
            f"Invalid max_delivery_attempts: {policy.max_delivery_attempts}; it must be between "
            f"{FEWEST_ATTEMPTS} and {MOST_ATTEMPTS}."
        )


def letter(subscription: str, entry: Entry) -> Proto:
    """The message to publish on the dead letter topic: the same, and where it comes from."""
    proto = entry.message.proto
    published = datetime.fromtimestamp(entry.message.published, UTC)
    proto.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] = str(entry.failures)
    proto.attributes["CloudPubSubDeadLetterSourceSubscription"] = short(subscription)
    proto.attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] = project_of(subscription)
    proto.attributes["CloudPubSubDeadLetterSourceTopicPublishTime"] = published.isoformat(
        timespec="milliseconds"
    )
    return proto
