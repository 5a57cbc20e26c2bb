"""The settings of topics and subscriptions, as the API's resources name them.

A field that a client left unset is None, or empty; what it then means is filled in by
`topic.complete` and `subscription_config.complete`. A field that is not here is refused by its
name before it comes to the domain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from localgcp.pubsub.domain.transform_config import MessageTransform


class Duration(NamedTuple):
    """A span of time to the nanosecond; one is less than another if it is shorter.

    A time is the span since the epoch.
    """

    seconds: int = 0
    nanos: int = 0

    @property
    def total(self) -> float:
        """In seconds: the same float for the same span, whoever reads it."""
        return self.seconds + self.nanos / 1e9


class Encoding(IntEnum):
    """How a message is written (API reference: Encoding)."""

    ENCODING_UNSPECIFIED = 0
    JSON = 1
    BINARY = 2


@dataclass(frozen=True)
class SchemaSettings:
    """Which schema a topic holds its messages against (API reference: SchemaSettings).

    The range of revisions is open where an end is empty.
    """

    schema: str = ""
    encoding: Encoding = Encoding.ENCODING_UNSPECIFIED
    first_revision_id: str = ""
    last_revision_id: str = ""


@dataclass(frozen=True)
class MessageStoragePolicy:
    """API reference: MessageStoragePolicy; kept as data."""

    allowed_persistence_regions: tuple[str, ...] = ()
    enforce_in_transit: bool = False


@dataclass(frozen=True)
class TextFormat:
    """API reference: CloudStorage.TextFormat."""

    delimiter: str | None = None


@dataclass(frozen=True)
class AvroFormat:
    """API reference: CloudStorage.AvroFormat, which has no fields."""


@dataclass(frozen=True)
class PubSubAvroFormat:
    """API reference: CloudStorage.PubSubAvroFormat, which has no fields."""


@dataclass(frozen=True)
class CloudStorage:
    """API reference: IngestionDataSourceSettings.CloudStorage."""

    bucket: str = ""
    text_format: TextFormat | None = None
    avro_format: AvroFormat | None = None
    pubsub_avro_format: PubSubAvroFormat | None = None
    minimum_object_create_time: Duration | None = None
    match_glob: str = ""


class Severity(IntEnum):
    """API reference: PlatformLogsSettings.Severity."""

    SEVERITY_UNSPECIFIED = 0
    DISABLED = 1
    DEBUG = 2
    INFO = 3
    WARNING = 4
    ERROR = 5


@dataclass(frozen=True)
class PlatformLogsSettings:
    """API reference: PlatformLogsSettings."""

    severity: Severity = Severity.SEVERITY_UNSPECIFIED


@dataclass(frozen=True)
class IngestionDataSourceSettings:
    """API reference: IngestionDataSourceSettings; kept as data, and nothing is ingested.

    The sources that are in another cloud are not here.
    """

    cloud_storage: CloudStorage | None = None
    platform_logs_settings: PlatformLogsSettings | None = None


@dataclass(frozen=True)
class TopicConfig:
    """API reference: Topic."""

    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    message_retention_duration: Duration | None = None
    message_storage_policy: MessageStoragePolicy | None = None
    kms_key_name: str = ""
    schema_settings: SchemaSettings | None = None
    ingestion_data_source_settings: IngestionDataSourceSettings | None = None
    message_transforms: tuple[MessageTransform, ...] = ()


@dataclass(frozen=True)
class SnapshotConfig:
    """API reference: Snapshot. `expire_time` is in seconds since the epoch, `filter` is that of
    the subscription it was made of."""

    name: str
    topic: str
    labels: Mapping[str, str]
    expire_time: float
    filter: str = ""


@dataclass(frozen=True)
class PubsubWrapper:
    """API reference: PushConfig.PubsubWrapper, which has no fields."""


@dataclass(frozen=True)
class NoWrapper:
    """API reference: PushConfig.NoWrapper; a message's data is pushed alone."""

    write_metadata: bool = False


@dataclass(frozen=True)
class OidcToken:
    """API reference: PushConfig.OidcToken; without an audience it is the endpoint."""

    service_account_email: str = ""
    audience: str = ""


@dataclass(frozen=True)
class PushConfig:
    """API reference: PushConfig."""

    push_endpoint: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    pubsub_wrapper: PubsubWrapper | None = None
    oidc_token: OidcToken | None = None
    no_wrapper: NoWrapper | None = None


@dataclass(frozen=True)
class BigQueryConfig:
    """API reference: BigQueryConfig; the service account is kept as data."""

    table: str = ""
    use_topic_schema: bool = False
    write_metadata: bool = False
    drop_unknown_fields: bool = False
    use_table_schema: bool = False
    service_account_email: str = ""


@dataclass(frozen=True)
class TextConfig:
    """API reference: CloudStorageConfig.TextConfig, which has no fields."""


@dataclass(frozen=True)
class AvroConfig:
    """API reference: CloudStorageConfig.AvroConfig."""

    write_metadata: bool = False
    use_topic_schema: bool = False


@dataclass(frozen=True)
class CloudStorageConfig:
    """API reference: CloudStorageConfig; the service account is kept as data."""

    bucket: str = ""
    filename_prefix: str = ""
    filename_suffix: str = ""
    filename_datetime_format: str = ""
    text_config: TextConfig | None = None
    avro_config: AvroConfig | None = None
    max_duration: Duration | None = None
    max_bytes: int = 0
    max_messages: int = 0
    service_account_email: str = ""


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
    """API reference: Subscription.

    `detached` and `topic_message_retention_duration` are the service's to set.
    """

    name: str = ""
    topic: str = ""
    push_config: PushConfig | None = None
    ack_deadline_seconds: int = 0
    retain_acked_messages: bool = False
    message_retention_duration: Duration | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    enable_message_ordering: bool = False
    expiration_policy: ExpirationPolicy | None = None
    filter: str = ""
    dead_letter_policy: DeadLetterPolicy | None = None
    retry_policy: RetryPolicy | None = None
    bigquery_config: BigQueryConfig | None = None
    cloud_storage_config: CloudStorageConfig | None = None
    message_transforms: tuple[MessageTransform, ...] = ()
    detached: bool = False
    enable_exactly_once_delivery: bool = False
    topic_message_retention_duration: Duration | None = None

    @property
    def is_exported(self) -> bool:
        """Whether its messages are written to BigQuery or to Cloud Storage."""
        return self.bigquery_config is not None or self.cloud_storage_config is not None

    @property
    def push_endpoint(self) -> str:
        """The URL that messages are pushed to; empty for a pull subscription."""
        return self.push_config.push_endpoint if self.push_config else ""

    @property
    def retention(self) -> float:
        """For how many seconds a message is kept that is not acked: the longer of two settings."""
        own, topic = self.message_retention_duration, self.topic_message_retention_duration
        return max(own.total if own else 0.0, topic.total if topic else 0.0)

    @property
    def dead_letter_topic(self) -> str:
        """Where messages go that are given up; empty without a dead-letter policy."""
        return self.dead_letter_policy.dead_letter_topic if self.dead_letter_policy else ""

    @property
    def max_delivery_attempts(self) -> int:
        """After how many failures a message is given up; 0 for never."""
        return self.dead_letter_policy.max_delivery_attempts if self.dead_letter_policy else 0
