"""A topic: its settings, and the subscriptions that each message goes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from emulators.pubsub.errors import InvalidArgument, Unsupported
from emulators.pubsub.message import Message
from emulators.pubsub.names import check_topic
from emulators.pubsub.protos import Proto, refuse_all_but
from emulators.pubsub.subscription import Subscription

_SUPPORTED = frozenset(("name", "labels"))
_OUTPUT_ONLY = ("state", "satisfies_pzs")


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
    for field in _OUTPUT_ONLY:
        done.ClearField(field)
    refuse_all_but(_SUPPORTED, done)
    check_topic(done.name)
    done.state = done.State.ACTIVE
    return done


def check_update(paths: Iterable[str]) -> None:
    """Refuse a field mask that is empty or names what cannot change.

    Raises InvalidArgument, Unsupported.
    """
    paths = list(paths)
    if not paths:
        raise InvalidArgument("The update_mask must name at least one field.")
    for path in paths:
        if path == "name":
            raise InvalidArgument("The field name of a topic cannot be updated.")
        if path != "labels":
            raise Unsupported(f"Topic.{path}")
