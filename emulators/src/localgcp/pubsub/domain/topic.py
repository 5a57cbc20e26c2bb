"""A topic: its settings, and the subscriptions that each message goes to."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from localgcp.pubsub.domain import labels, subscription_config, transforms
from localgcp.pubsub.domain.config import Encoding, TopicConfig
from localgcp.pubsub.domain.message import Attributes, Message
from localgcp.pubsub.domain.names import check_topic
from localgcp.pubsub.domain.retained import Retained
from localgcp.pubsub.domain.snapshots import Snapshot
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.errors import InvalidArgument

# What an update may change, what is settled at creation, and what only the service sets.
MUTABLE = frozenset(
    (
        "ingestion_data_source_settings",
        "labels",
        "message_transforms",
        "message_retention_duration",
        "message_storage_policy",
        "schema_settings",
    )
)
FIXED = frozenset(("name", "kms_key_name", "state", "satisfies_pzs"))

_KMS_KEY = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+")


class Topic:
    """One topic. `config` is complete."""

    def __init__(self, config: TopicConfig) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.retained = Retained()
        self.configure(config)
        self.published = 0
        self.published_bytes = 0

    def configure(self, config: TopicConfig) -> None:
        """Take new settings."""
        self.config, self.name = config, config.name
        if config.message_retention_duration is None:
            self.retained.clear()

    def keeps(self) -> bool:
        """Whether anybody may ever read what is published."""
        return bool(self.subscriptions or self.snapshots or self.config.message_retention_duration)

    def deliver(
        self, messages: Sequence[Message], attributes: Callable[[], Sequence[Attributes]]
    ) -> None:
        """Hand messages to every subscription and snapshot whose filter lets them pass.

        `attributes` gives those of each message; it is called if there is a filter.
        """
        self.published += len(messages)
        self.published_bytes += sum([len(message.wire) for message in messages])
        if self.config.message_retention_duration is not None:
            self.retained.trim(messages[0].published - self.config.message_retention_duration.total)
            self.retained.add(messages)
        takers: list[Subscription | Snapshot] = [
            *self.subscriptions.values(),
            *self.snapshots.values(),
        ]
        filtered = any(taker.filter for taker in takers)
        pairs = list(zip(messages, attributes(), strict=True)) if filtered else []
        for taker in takers:
            passes = taker.filter
            if passes is None:
                taker.offer(messages)
            else:
                taker.offer([message for message, its in pairs if passes(its)])


def complete(config: TopicConfig) -> TopicConfig:
    """The settings, checked. Raises InvalidArgument."""
    check_topic(config.name)
    labels.check(config.labels)
    transforms.check(config.message_transforms)
    if config.message_retention_duration is not None:
        subscription_config.check_retention(config.message_retention_duration)
    policy, settings = config.message_storage_policy, config.schema_settings
    if policy is not None and not policy.allowed_persistence_regions:
        raise InvalidArgument(
            "Invalid message_storage_policy: an empty allowed_persistence_regions allows none."
        )
    if config.kms_key_name and not _KMS_KEY.fullmatch(config.kms_key_name):
        raise InvalidArgument(
            f"Invalid kms_key_name: {config.kms_key_name}; it reads "
            "projects/P/locations/L/keyRings/R/cryptoKeys/K."
        )
    if settings is not None and settings.encoding is Encoding.ENCODING_UNSPECIFIED:
        raise InvalidArgument("Invalid schema_settings: the encoding is JSON or BINARY.")
    return config
