"""Where a subscription's messages are written: a table of BigQuery, or objects of Cloud Storage.

API reference: BigQueryConfig, CloudStorageConfig; pages "Create BigQuery subscriptions" and "Create
Cloud Storage subscriptions".
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum

from localgcp.pubsub.domain.config import (
    BigQueryConfig,
    CloudStorageConfig,
    Duration,
    SubscriptionConfig,
    TextConfig,
)
from localgcp.pubsub.errors import InvalidArgument

DEFAULT_DURATION, SHORTEST_DURATION, LONGEST_DURATION = 300, 60, 600
FEWEST_BYTES, MOST_BYTES = 1000, 10 << 30
FEWEST_MESSAGES = 1000
DEFAULT_DATETIME_FORMAT = "YYYY-MM-DDThh:mm:ssZ"

_TABLE = re.compile(r"(?P<project>[^./ ]+)[.:](?P<dataset>\w+)\.(?P<table>[^./ ]+)")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._\-]{1,220}[a-z0-9]")
_MATCHERS = ("YYYY", "YY", "MM", "DD", "hh", "mm", "ss")
_DATETIME = re.compile(r"YYYY|YY|MM|DD|hh|mm|ss|[_\-:/TZ]")


class State(Enum):
    """Whether a destination takes messages; the names are the API's."""

    ACTIVE = 1
    PERMISSION_DENIED = 2
    NOT_FOUND = 3
    SCHEMA_MISMATCH = 4


def complete(config: SubscriptionConfig) -> SubscriptionConfig:
    """The settings with the destination's defaults filled in, checked. Raises InvalidArgument."""
    table, bucket = config.bigquery_config, config.cloud_storage_config
    given = [bool(config.push_endpoint), table is not None, bucket is not None]
    if given.count(True) > 1:
        raise InvalidArgument(
            "A subscription has at most one of push_config, bigquery_config and "
            "cloud_storage_config."
        )
    if table is not None:
        _check_table(table)
    return replace(config, cloud_storage_config=bucket and _complete_bucket(bucket))


def table_path(config: BigQueryConfig) -> str:
    """The table's resource, as in the BigQuery API's addresses."""
    match = _TABLE.fullmatch(config.table)
    assert match is not None
    return "projects/{project}/datasets/{dataset}/tables/{table}".format(**match.groupdict())


def object_name(config: CloudStorageConfig, begun: float, unique: str) -> str:
    """The name of an object that was begun then, in seconds since the epoch."""
    when = datetime.fromtimestamp(begun, UTC)
    if config.filename_datetime_format:
        parts = {
            "YYYY": f"{when:%Y}",
            "YY": f"{when:%y}",
            "MM": f"{when:%m}",
            "DD": f"{when:%d}",
            "hh": f"{when:%H}",
            "mm": f"{when:%M}",
            "ss": f"{when:%S}",
        }
        shape = config.filename_datetime_format
        stamp = _DATETIME.sub(lambda found: parts.get(found[0], found[0]), shape)
    else:
        stamp = when.isoformat(timespec="seconds")
    return f"{config.filename_prefix}{stamp}_{unique}{config.filename_suffix}"


def _check_table(config: BigQueryConfig) -> None:
    if not _TABLE.fullmatch(config.table):
        raise InvalidArgument(
            f"Invalid bigquery_config.table: {config.table!r}; it reads PROJECT.DATASET.TABLE."
        )
    if config.use_topic_schema and config.use_table_schema:
        raise InvalidArgument("use_topic_schema and use_table_schema cannot be enabled together.")
    if config.drop_unknown_fields and not (config.use_topic_schema or config.use_table_schema):
        raise InvalidArgument("drop_unknown_fields goes with use_topic_schema or use_table_schema.")


def _complete_bucket(config: CloudStorageConfig) -> CloudStorageConfig:
    if not _BUCKET.fullmatch(config.bucket):
        raise InvalidArgument(f"Invalid cloud_storage_config.bucket: {config.bucket!r}.")
    duration = config.max_duration or Duration(DEFAULT_DURATION)
    _check_within("max_duration", duration.total, SHORTEST_DURATION, LONGEST_DURATION)
    if config.max_bytes:
        _check_within("max_bytes", config.max_bytes, FEWEST_BYTES, MOST_BYTES)
    if config.max_messages and config.max_messages < FEWEST_MESSAGES:
        raise InvalidArgument(
            f"Invalid max_messages: {config.max_messages}; it is {FEWEST_MESSAGES} at least."
        )
    if config.filename_suffix.endswith("/"):
        raise InvalidArgument(f"Invalid filename_suffix: {config.filename_suffix}; it ends in /.")
    _check_datetime_format(config.filename_datetime_format)
    text = config.text_config if config.avro_config or config.text_config else TextConfig()
    return replace(config, max_duration=duration, text_config=text)


def _check_within(name: str, value: float, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidArgument(f"Invalid {name}: {value:g}; it is between {least} and {most}.")


def _check_datetime_format(shape: str) -> None:
    found = _DATETIME.findall(shape)
    matchers = [each for each in found if each in _MATCHERS]
    if "".join(found) != shape or (shape and len(set(matchers)) != len(matchers)):
        raise InvalidArgument(
            f"Invalid filename_datetime_format: {shape}; it has {', '.join(_MATCHERS)}, each once "
            "at most, with _ - : / T or Z between."
        )
