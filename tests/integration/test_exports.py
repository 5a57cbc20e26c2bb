"""BigQuery and Cloud Storage subscriptions, over the wire into the emulators of both."""

from __future__ import annotations

import io
import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import fastavro
import httpx
import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, pubsub_v1, storage
from google.pubsub_v1.types import Encoding, Schema

from localgcp.base import LOOPBACK
from localgcp.bigquery.emulator import BigQueryEmulator
from localgcp.pubsub.emulator import PubSubEmulator
from localgcp.storage.emulator import StorageEmulator

PROJECT = "demo-project"
PARENT = f"projects/{PROJECT}"
AVRO = """{"type": "record", "name": "Order", "fields": [
  {"name": "id", "type": "string"}, {"name": "count", "type": "int"},
  {"name": "note", "type": ["null", "string"], "default": null}]}"""
_numbers = itertools.count(1)


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


class Cloud:
    """All three emulators, and Google's clients of them."""

    def __init__(self) -> None:
        self.emulators = (BigQueryEmulator(), StorageEmulator())
        for emulator in self.emulators:
            emulator.start()
        tables, objects = (f"{LOOPBACK}:{each.port}" for each in self.emulators)
        self.pubsub = PubSubEmulator(bigquery=tables, storage=objects)
        self.pubsub.start()
        nobody = AnonymousCredentials()
        self.bigquery = bigquery.Client(
            PROJECT, nobody, client_options=ClientOptions(api_endpoint=f"http://{tables}")
        )
        self.storage = storage.Client(
            PROJECT, nobody, client_options=ClientOptions(api_endpoint=f"http://{objects}")
        )
        self.bigquery.create_dataset("exported")
        self.storage.create_bucket("exported")

    def table(self, *columns: tuple[str, str]) -> str:
        name = f"{PROJECT}.exported.t{next(_numbers)}"
        schema = [bigquery.SchemaField(*column) for column in columns]
        self.bigquery.create_table(bigquery.Table(name, schema=schema))
        return name

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.bigquery.list_rows(table)]

    def objects(self, prefix: str) -> list[Any]:
        return list(self.storage.list_blobs("exported", prefix=prefix))

    def turn(self, seconds: float) -> None:
        url = f"http://{LOOPBACK}:{self.pubsub.port}/_emulator/clock"
        httpx.post(url, json={"advance_seconds": seconds}, trust_env=False).raise_for_status()

    def row(self, subscription: str) -> dict[str, Any]:
        url = f"http://{LOOPBACK}:{self.pubsub.port}/_emulator/subscriptions"
        listed = httpx.get(url, trust_env=False).json()["subscriptions"]
        return next(dict(each) for each in listed if each["name"] == subscription)

    def close(self) -> None:
        self.bigquery.close()
        self.storage.close()
        self.pubsub.stop()
        for emulator in self.emulators:
            emulator.stop()


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    started = Cloud()
    yield started
    started.close()


class Messages:
    """Pub/Sub's clients, and short ways to make what a test needs."""

    def __init__(self) -> None:
        ordered = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
        self.publisher = pubsub_v1.PublisherClient(publisher_options=ordered)
        self.subscriber = pubsub_v1.SubscriberClient()
        self.schemas = pubsub_v1.SchemaServiceClient()

    def topic(self, **settings: Any) -> str:
        name = f"{PARENT}/topics/exported-{next(_numbers)}"
        self.publisher.create_topic(request={"name": name} | settings)
        return name

    def subscription(self, topic: str, **settings: Any) -> str:
        name = f"{PARENT}/subscriptions/exported-{next(_numbers)}"
        self.subscriber.create_subscription(request={"name": name, "topic": topic} | settings)
        return name

    def publish(self, topic: str, *data: bytes, **attributes: str) -> list[str]:
        sent = [self.publisher.publish(topic, each, **attributes) for each in data]
        return [each.result(timeout=20) for each in sent]

    def with_schema(self, encoding: Encoding) -> dict[str, Any]:
        schema = Schema(type_=Schema.Type.AVRO, definition=AVRO)
        made = self.schemas.create_schema(
            parent=PARENT, schema=schema, schema_id=f"exported-{next(_numbers)}"
        )
        return {"schema_settings": {"schema": made.name, "encoding": encoding}}

    def state(self, subscription: str) -> tuple[str, str]:
        shown = self.subscriber.get_subscription(subscription=subscription)
        exported = shown.bigquery_config if shown.bigquery_config else shown.cloud_storage_config
        return shown.state.name, exported.state.name

    def close(self) -> None:
        self.publisher.stop()
        self.publisher.transport.close()
        self.subscriber.close()
        self.schemas.transport.close()


@pytest.fixture
def messages(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Messages]:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"{LOOPBACK}:{cloud.pubsub.port}")
    clients = Messages()
    yield clients
    clients.close()


def test_data_and_metadata_in_columns_of_a_table(cloud: Cloud, messages: Messages) -> None:
    table = cloud.table(
        *(("data", "STRING"), ("subscription_name", "STRING"), ("message_id", "STRING")),
        *(("publish_time", "TIMESTAMP"), ("attributes", "STRING")),
    )
    topic = messages.topic()
    config = {"table": table, "write_metadata": True}
    name = messages.subscription(topic, bigquery_config=config)
    [message_id] = messages.publish(topic, b"hello", kind="order")
    until(lambda: cloud.rows(table))
    [row] = cloud.rows(table)
    assert (row["data"], row["subscription_name"], row["message_id"]) == ("hello", name, message_id)
    assert json.loads(row["attributes"]) == {"kind": "order"}
    assert abs(row["publish_time"].timestamp() - time.time()) < 600
    until(lambda: cloud.row(name)["acked"] == 1)
    assert messages.state(name) == ("ACTIVE", "ACTIVE")
    with pytest.raises(exceptions.FailedPrecondition, match="exported"):
        messages.subscriber.pull(subscription=name, max_messages=1)


@pytest.mark.parametrize("encoding", [Encoding.JSON, Encoding.BINARY])
def test_the_topics_schema_says_the_columns(
    cloud: Cloud, messages: Messages, encoding: Encoding
) -> None:
    table = cloud.table(("id", "STRING"), ("count", "INTEGER"))
    topic = messages.topic(**messages.with_schema(encoding))
    config = {"table": table, "use_topic_schema": True, "drop_unknown_fields": True}
    messages.subscription(topic, bigquery_config=config)
    if encoding is Encoding.JSON:
        data = b'{"id": "a", "count": 3, "note": {"string": "n"}}'
    else:
        out = io.BytesIO()
        order = {"id": "a", "count": 3, "note": "n"}
        fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(AVRO)), order)
        data = out.getvalue()
    messages.publish(topic, data)
    until(lambda: cloud.rows(table))
    assert cloud.rows(table) == [{"id": "a", "count": 3}]


def test_what_does_not_fit_the_tables_schema_is_a_dead_letter(
    cloud: Cloud, messages: Messages
) -> None:
    table = cloud.table(("id", "STRING"), ("details", "JSON"))
    topic, dead = messages.topic(), messages.topic()
    letters = messages.subscription(dead)
    messages.subscription(
        topic,
        bigquery_config={"table": table, "use_table_schema": True},
        dead_letter_policy={"dead_letter_topic": dead, "max_delivery_attempts": 5},
        retry_policy={"minimum_backoff": {}, "maximum_backoff": {}},
    )
    bad = [b"no json", b'{"id": "b", "more": 1}', b"[1]"]
    messages.publish(topic, b'{"id": "a", "details": {"x": [1]}}', *bad)
    received: list[bytes] = []
    while len(received) < len(bad):
        answer = messages.subscriber.pull(subscription=letters, max_messages=10, timeout=20)
        received += [each.message.data for each in answer.received_messages]
    assert sorted(received) == sorted(bad)
    [row] = cloud.rows(table)
    assert (row["id"], row["details"]) == ("a", {"x": [1]})


def test_a_table_that_is_not_there_yet_is_a_resource_error(
    cloud: Cloud, messages: Messages
) -> None:
    topic, table = messages.topic(), f"{PROJECT}.exported.later"
    name = messages.subscription(topic, bigquery_config={"table": table})
    until(lambda: messages.state(name) == ("RESOURCE_ERROR", "NOT_FOUND"))
    schema = [bigquery.SchemaField("other", "STRING")]
    made = cloud.bigquery.create_table(bigquery.Table(table, schema=schema))
    messages.publish(topic, b"waits")
    until(lambda: messages.state(name) == ("RESOURCE_ERROR", "SCHEMA_MISMATCH"))
    made.schema = [*schema, bigquery.SchemaField("data", "BYTES")]
    cloud.bigquery.update_table(made, ["schema"])
    until(lambda: cloud.rows(table))
    assert cloud.rows(table) == [{"other": None, "data": b"waits"}]
    assert messages.state(name) == ("ACTIVE", "ACTIVE")


def test_lines_of_an_object_once_it_is_old_enough(cloud: Cloud, messages: Messages) -> None:
    topic = messages.topic()
    config = {
        "bucket": "exported",
        "filename_prefix": "lines/",
        "filename_suffix": ".txt",
        "filename_datetime_format": "YYYY/MM/DD/hh_mm_ssZ",
        "max_duration": {"seconds": 60},
    }
    name = messages.subscription(topic, cloud_storage_config=config)
    messages.publish(topic, b"1", b"2")
    until(lambda: cloud.row(name)["outstanding"] == 2)
    assert not cloud.objects("lines/")
    cloud.turn(61)
    until(lambda: cloud.objects("lines/"))
    [written] = cloud.objects("lines/")
    assert written.name.endswith(".txt")
    assert len(written.name) == len("lines/2026/11/25/23_59_59Z_01234567.txt")
    assert sorted(written.download_as_bytes().splitlines()) == [b"1", b"2"]
    until(lambda: cloud.row(name)["acked"] == 2)
    assert messages.state(name) == ("ACTIVE", "ACTIVE")


def test_avro_with_metadata_once_it_is_full(cloud: Cloud, messages: Messages) -> None:
    topic = messages.topic()
    config = {
        "bucket": "exported",
        "filename_prefix": "avro-",
        "avro_config": {"write_metadata": True},
        "max_bytes": 2000,
    }
    name = messages.subscription(topic, cloud_storage_config=config, enable_message_ordering=True)
    sent = messages.publisher.publish(topic, b"x" * 2000, ordering_key="k", kind="order")
    until(lambda: cloud.objects("avro-"))
    [written] = cloud.objects("avro-")
    record: Any
    [record] = fastavro.reader(io.BytesIO(written.download_as_bytes()))
    assert record["data"] == b"x" * 2000
    assert (record["subscription"], record["message_id"]) == (name, sent.result())
    assert record["attributes"] == {"kind": "order", "ordering_key": "k"}


def test_avro_of_the_topics_own_schema(cloud: Cloud, messages: Messages) -> None:
    topic = messages.topic(**messages.with_schema(Encoding.JSON))
    config = {"bucket": "exported", "filename_prefix": "own-", "max_duration": {"seconds": 60}}
    config["avro_config"] = {"use_topic_schema": True}
    name = messages.subscription(topic, cloud_storage_config=config)
    messages.publish(topic, b'{"id": "a", "count": 3, "note": null}')
    until(lambda: cloud.row(name)["outstanding"] == 1)
    cloud.turn(61)
    until(lambda: cloud.objects("own-"))
    [written] = cloud.objects("own-")
    records = list(fastavro.reader(io.BytesIO(written.download_as_bytes())))
    assert records == [{"id": "a", "count": 3, "note": None}]


def test_a_bucket_that_is_not_there_is_a_resource_error(messages: Messages) -> None:
    topic = messages.topic()
    name = messages.subscription(topic, cloud_storage_config={"bucket": "nowhere"})
    until(lambda: messages.state(name) == ("RESOURCE_ERROR", "NOT_FOUND"))


def test_without_a_destination_it_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("BIGQUERY_EMULATOR_HOST", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(variable, raising=False)
    emulator = PubSubEmulator()
    emulator.start()
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"{LOOPBACK}:{emulator.port}")
    clients = Messages()
    topic = clients.topic()
    with pytest.raises(exceptions.MethodNotImplemented, match="--bigquery HOST:PORT"):
        clients.subscription(topic, bigquery_config={"table": "p.d.t"})
    with pytest.raises(exceptions.MethodNotImplemented, match="STORAGE_EMULATOR_HOST"):
        clients.subscription(topic, cloud_storage_config={"bucket": "exported"})
    clients.close()
    emulator.stop()
