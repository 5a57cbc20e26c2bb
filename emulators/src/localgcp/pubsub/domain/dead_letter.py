"""Dead letters: when a message is given up, and what is published in its place.

Page "Handle message failures", section "Dead letter topic".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from localgcp.pubsub.domain.config import DeadLetterPolicy
from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.message import Draft, Layout
from localgcp.pubsub.domain.names import check_topic, project_of, short
from localgcp.pubsub.errors import InvalidArgument

FEWEST_ATTEMPTS, MOST_ATTEMPTS = 5, 100


def complete(policy: DeadLetterPolicy) -> DeadLetterPolicy:
    """The policy with its default of 5 attempts filled in. Raises InvalidArgument."""
    check_topic(policy.dead_letter_topic)
    attempts = policy.max_delivery_attempts or FEWEST_ATTEMPTS
    if not FEWEST_ATTEMPTS <= attempts <= MOST_ATTEMPTS:
        raise InvalidArgument(
            f"Invalid max_delivery_attempts: {attempts}; it must be between "
            f"{FEWEST_ATTEMPTS} and {MOST_ATTEMPTS}."
        )
    return replace(policy, max_delivery_attempts=attempts)


def letter(layout: Layout, subscription: str, entry: Entry) -> Draft:
    """The message again, with attributes that tell where it comes from."""
    given_up = entry.message
    attributes = {**layout.attributes(given_up.wire), **_origin(subscription, entry)}
    return layout.lay_out(layout.data(given_up.wire), attributes, given_up.ordering_key)


def _origin(subscription: str, entry: Entry) -> Mapping[str, str]:
    published = datetime.fromtimestamp(entry.message.published, UTC)
    return {
        "CloudPubSubDeadLetterSourceDeliveryCount": str(entry.failures),
        "CloudPubSubDeadLetterSourceSubscription": short(subscription),
        "CloudPubSubDeadLetterSourceSubscriptionProject": project_of(subscription),
        "CloudPubSubDeadLetterSourceTopicPublishTime": published.isoformat(timespec="milliseconds"),
    }
