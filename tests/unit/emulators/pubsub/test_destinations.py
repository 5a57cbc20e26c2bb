"""What a subscription into BigQuery or Cloud Storage may say, and what its objects are called."""

from __future__ import annotations

from typing import Any

import pytest

from localgcp.pubsub.domain import destinations
from localgcp.pubsub.domain.config import (
    AvroConfig,
    BigQueryConfig,
    CloudStorageConfig,
    Duration,
    PushConfig,
    SubscriptionConfig,
    TextConfig,
)
from localgcp.pubsub.errors import InvalidArgument

AT = 1_700_000_000.9  # 2023-11-14 22:13:20 UTC


def bucket(**settings: Any) -> CloudStorageConfig:
    wanted = SubscriptionConfig(cloud_storage_config=CloudStorageConfig("a-bucket", **settings))
    done = destinations.complete(wanted).cloud_storage_config
    assert done is not None
    return done


def test_defaults_of_a_bucket() -> None:
    assert bucket() == CloudStorageConfig(
        "a-bucket", text_config=TextConfig(), max_duration=Duration(300)
    )
    assert bucket(avro_config=AvroConfig()).text_config is None


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "2023-11-14T22:13:20+00:00_u"),
        ({"filename_prefix": "p/", "filename_suffix": ".s"}, "p/2023-11-14T22:13:20+00:00_u.s"),
        ({"filename_datetime_format": "YYYY/MM/DD/hh_mm_ssZ"}, "2023/11/14/22_13_20Z_u"),
        ({"filename_datetime_format": "YYMMDDThh:mm:ss"}, "231114T22:13:20_u"),
    ],
)
def test_names_of_objects(settings: dict[str, Any], name: str) -> None:
    assert destinations.object_name(bucket(**settings), AT, "u") == name


@pytest.mark.parametrize("name", ["p.d.t", "p:d.t"])
def test_a_tables_path(name: str) -> None:
    assert destinations.table_path(BigQueryConfig(name)) == "projects/p/datasets/d/tables/t"


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"bigquery_config": BigQueryConfig("d.t")}, "PROJECT.DATASET.TABLE"),
        ({"bigquery_config": BigQueryConfig("p.d.t", True, use_table_schema=True)}, "together"),
        ({"bigquery_config": BigQueryConfig("p.d.t", drop_unknown_fields=True)}, "goes with"),
        ({"cloud_storage_config": CloudStorageConfig("gs://b")}, "bucket: 'gs://b'"),
        (
            {
                "bigquery_config": BigQueryConfig("p.d.t"),
                "push_config": PushConfig("https://example.com"),
            },
            "at most one of",
        ),
    ],
)
def test_what_is_no_destination(config: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        destinations.complete(SubscriptionConfig(**config))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"max_duration": Duration(59)}, "max_duration: 59"),
        ({"max_duration": Duration(601)}, "max_duration: 601"),
        ({"max_bytes": 999}, "max_bytes: 999"),
        ({"max_messages": 999}, "max_messages: 999"),
        ({"filename_suffix": "a/"}, "ends in /"),
        ({"filename_datetime_format": "YYYY-YYYY"}, "each once"),
        ({"filename_datetime_format": "%Y"}, "each once"),
    ],
)
def test_what_a_bucket_cannot_have(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        bucket(**settings)
