"""A topic: its settings, and the subscriptions that each message goes to."""

from __future__ import annotations

from collections.abc import Sequence

from localgcp.pubsub.domain import labels
from localgcp.pubsub.domain.message import Message
from localgcp.pubsub.domain.names import check_topic
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.wire.protos import Proto, refuse_all_but

# What an update may change, what is settled at creation, and what only the service sets.
MUTABLE, FIXED = frozenset(("labels",)), frozenset(("name",))
OUTPUT_ONLY = frozenset(("state", "satisfies_pzs"))


class Topic:
    """One topic. `config` is its API resource."""

    def __init__(self, config: Proto) -> None:
        self.configure(config)
        self.subscriptions: dict[str, Subscription] = {}
        self.published = 0
        self.published_bytes = 0

    def configure(self, config: Proto) -> None:
        """Take new settings."""
        self.config, self.name = config, config.name

    def deliver(self, messages: Sequence[Message]) -> None:
        """Hand messages to every subscription whose filter lets them pass."""
        self.published += len(messages)
        self.published_bytes += sum(len(message.wire) for message in messages)
        # Read once for all filters, and not at all without one.
        filtered = any(subscription.filter for subscription in self.subscriptions.values())
        attributes = [message.proto.attributes for message in messages] if filtered else []
        for subscription in self.subscriptions.values():
            passes = subscription.filter
            if passes is None:
                subscription.offer(messages)
            else:
                pairs = zip(messages, attributes, strict=True)
                subscription.offer([message for message, its in pairs if passes(its)])


def complete(config: Proto) -> Proto:
    """Return a copy as the service would show it. Raises InvalidArgument, Unsupported."""
    done = type(config)()
    done.CopyFrom(config)
    for field in OUTPUT_ONLY:
        done.ClearField(field)
    refuse_all_but(MUTABLE | FIXED, done)
    check_topic(done.name)
    labels.check(done.labels)
    done.state = done.State.ACTIVE
    return done
