"""The real functions-framework, the real push body, the official BigQuery client."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
from google.cloud import bigquery, pubsub_v1
from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1.types import PushConfig, RetryPolicy, Subscription

from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE
from pipeline.record import Message
from pipeline.requests import ASK_SECONDS, Requests
from services.table_manager.tables import Change, ensure_table
from settings import load
from tests.emulators.elsewhere import here
from tests.integration.processes import PROJECT, ROOT, Emulator, Service, eventually, free_port
from tests.unit.services.fakes import START

NAMES = load({"PROJECT_ID": PROJECT})
DATASET = NAMES.dataset
PUSH_PATH = f"/{NAMES.table_requests_topic}?__GCP_CloudEventsMode=CE_PUBSUB_BINDING"
FRAMEWORK = [
    "functions_framework",
    *("--source", "services/table_manager/main.py", "--target", "manage_table"),
    *("--signature-type", "cloudevent"),
]


def start(log: Path, cwd: Path = ROOT, **environ: str) -> Service:
    port, at = str(free_port()), here()
    # All addresses would do too; these are the one that its pushes come to, and no more.
    command = [*FRAMEWORK, "--host", at.listen, "--port", port]
    return Service(
        command, {"PORT": port, "ALLOW_HOST": f"{at.name},{at.listen}", **environ}, log, at.listen
    )


@pytest.fixture(scope="module")
def client(bigquery_emulator: None) -> Iterator[bigquery.Client]:
    with bigquery.Client(project=PROJECT) as client:
        yield client


@pytest.fixture(autouse=True)
def dataset(client: bigquery.Client) -> None:
    """An empty one for each test."""
    client.delete_dataset(DATASET, delete_contents=True, not_found_ok=True)
    client.create_dataset(DATASET)


@pytest.fixture
def manager(bigquery_emulator: None, tmp_path: Path) -> Iterator[Service]:
    service = start(tmp_path / "log")
    yield service
    assert service.stop() == 0


def event(name: str) -> bytes:
    return registry.by_name(name).fake(Random(1), START).model_dump_json().encode()


def body(data: bytes) -> dict[str, Any]:
    """As Pub/Sub pushes it; see the page "Push subscriptions"."""
    message = {
        "data": base64.b64encode(data).decode(),
        "messageId": "4711",
        "message_id": "4711",
        "publishTime": "2024-01-15T10:30:00.123Z",
        "publish_time": "2024-01-15T10:30:00.123Z",
    }
    return {"message": message, "subscription": NAMES.table_requests_subscription}


def push(manager: Service, data: bytes) -> int:
    trace = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    return manager.http.post(PUSH_PATH, json=body(data), headers=trace).status_code


def eventarc(manager: Service, data: bytes) -> int:
    """The CloudEvent in binary mode, as Eventarc sends it."""
    headers = {
        "ce-id": "4711",
        "ce-source": f"//pubsub.googleapis.com/{NAMES.table_requests_topic}",
        "ce-specversion": "1.0",
        "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
        "ce-time": "2024-01-15T10:30:00.123Z",
    }
    return manager.http.post("/", json=body(data), headers=headers).status_code


def tables(client: bigquery.Client) -> set[str]:
    return {each.table_id for each in client.list_tables(DATASET)}


@pytest.mark.parametrize("deliver", [push, eventarc])
def test_an_events_table_and_view_are_made(
    manager: Service, client: bigquery.Client, deliver: Any
) -> None:
    eventually(lambda: deliver(manager, event("order")) == 200)  # 503 says: once more
    table = client.get_table(f"{DATASET}.orders")
    layout = registry.by_name("order").layout
    assert [field.to_api_repr() for field in table.schema] == layout.schema_to_api()
    assert (table.time_partitioning.type_, table.time_partitioning.field) == ("DAY", "event_date")
    assert table.clustering_fields == ["customer_id", "status"]
    assert table.description == layout.description
    assert table.labels == {"managed_by": "table_manager"}
    assert client.get_table(f"{DATASET}.orders_deduplicated").table_type == "VIEW"
    assert tables(client) == {"orders", "orders_deduplicated"}


def test_the_view_shows_the_newest_row_of_an_event(
    manager: Service, client: bigquery.Client
) -> None:
    eventually(lambda: push(manager, event("inventory")) == 200)  # 503 says: once more
    inventory = registry.by_name("inventory")
    rows = []
    for second in (1, 3, 2):
        made = inventory.fake(Random(second), START)
        rows.append(inventory.row(made, "same", START, START.replace(second=second)))
    assert client.insert_rows_json(f"{DATASET}.inventory", rows, row_ids=["1", "2", "3"]) == []
    seen = list(client.query_and_wait(f"SELECT * FROM {DATASET}.inventory_deduplicated"))
    assert [row["inventory_id"] for row in seen] == [rows[1]["inventory_id"]]


def test_what_is_no_event_is_logged_and_acked(manager: Service, client: bigquery.Client) -> None:
    refused = {
        b"nonsense": "not_json",
        b'{"event_type":"refund"}': "unknown_event_type",
        b'{"event_type":"order"}': "missing_field",
        b"x" * (1024 * 1024 + 1): "too_large",
    }
    assert [push(manager, data) for data in refused] == [200] * 4
    assert [eventarc(manager, data) for data in refused] == [200] * 4
    assert tables(client) == set()
    entries = [entry for entry in manager.logs() if entry["logger"] == "table_manager"]
    assert [entry["reason"] for entry in entries] == [*refused.values()] * 2
    assert {(entry["severity"], entry["message_id"]) for entry in entries} == {("WARNING", "4711")}
    trace = entries[0]["logging.googleapis.com/trace"]
    assert trace == f"projects/{PROJECT}/traces/{'a' * 32}"


def test_two_managers_and_many_messages_make_one_table(
    manager: Service, client: bigquery.Client, tmp_path: Path
) -> None:
    with start(tmp_path / "other") as other:
        with ThreadPoolExecutor(16) as pool:
            answers = list(
                pool.map(lambda each: push(each, event("user_activity")), [manager, other] * 20)
            )
        assert other.stop() == 0
    assert answers == [200] * 40
    made = [
        entry["table"].rpartition(".")[2]
        for log in (manager, other)
        for entry in log.logs()
        if entry["message"].startswith("created")
    ]
    assert sorted(made) == ["user_activity", "user_activity_deduplicated"]
    assert tables(client) == set(made)


def test_without_a_dataset_the_message_must_come_again(
    manager: Service, client: bigquery.Client
) -> None:
    client.delete_dataset(DATASET)
    assert push(manager, event("order")) == 503
    assert manager.logs()[-1]["severity"] == "ERROR"
    assert f"dataset {PROJECT}.{DATASET} does not exist" in manager.logs()[-1]["message"]
    client.create_dataset(DATASET)
    assert push(manager, event("order")) == 200
    assert "orders" in tables(client)


def test_a_column_that_is_missing_is_added_and_the_view_shows_it(
    manager: Service, client: bigquery.Client
) -> None:
    layout = registry.by_name("order").layout
    old = [
        field for field in layout.schema_to_api() if field["name"] not in ("status", "total_amount")
    ]
    table = bigquery.Table(f"{PROJECT}.{DATASET}.orders", schema=old)
    table.time_partitioning = bigquery.TimePartitioning(field="event_date")
    client.create_table(table)
    assert push(manager, event("order")) == 200
    table = client.get_table(table)
    modes = {field.name: field.mode for field in table.schema}
    assert (modes["status"], modes["total_amount"], modes["order_id"]) == (
        "NULLABLE",
        "NULLABLE",
        "REQUIRED",
    )
    assert table.clustering_fields == ["customer_id", "status"]
    view = client.get_table(f"{DATASET}.orders_deduplicated")
    assert {"status", "total_amount"} <= {field.name for field in view.schema}


def test_a_table_that_cannot_take_the_events_is_refused(
    manager: Service, client: bigquery.Client
) -> None:
    table = bigquery.Table(
        f"{PROJECT}.{DATASET}.orders", schema=[bigquery.SchemaField("order_id", "INTEGER")]
    )
    client.create_table(table)
    assert push(manager, event("order")) == 503
    message = manager.logs()[-1]["message"]
    assert "column order_id is INTEGER, and should be STRING" in message
    assert "not partitioned" in message


def test_a_frozen_contract_changes_nothing(
    bigquery_emulator: None, client: bigquery.Client, tmp_path: Path
) -> None:
    table = bigquery.Table(
        f"{PROJECT}.{DATASET}.orders",
        schema=registry.by_name("order").layout.schema_to_api()[1:],
    )
    table.time_partitioning = bigquery.TimePartitioning(field="event_date")
    client.create_table(table)
    with start(tmp_path / "log", SCHEMA_CONTRACT="freeze") as frozen:
        assert push(frozen, event("order")) == 503
        assert "column event_type is missing" in frozen.logs()[-1]["message"]
        assert frozen.stop() == 0
    assert len(client.get_table(table).schema) == len(table.schema)


def test_the_dead_letter_table_is_made_the_same_way(client: bigquery.Client) -> None:
    assert ensure_table(client, DATASET, DEAD_LETTER_TABLE) is Change.CREATED
    assert ensure_table(client, DATASET, DEAD_LETTER_TABLE) is Change.NONE
    table = client.get_table(f"{DATASET}.dead_letter_events")
    assert table.time_partitioning.field == DEAD_LETTER_TABLE.partition_by


def test_what_the_pipeline_asks_for_is_pushed_and_a_failure_is_delivered_again(
    manager: Service, client: bigquery.Client, pubsub: Emulator | None
) -> None:
    client.delete_dataset(DATASET)
    moments = iter([0.0, ASK_SECONDS - 0.1, ASK_SECONDS, ASK_SECONDS + 0.1])
    publisher = pubsub_v1.PublisherClient()
    requests = Requests(NAMES.table_requests_topic, publisher, lambda: next(moments))
    publisher.create_topic(name=NAMES.table_requests_topic)
    heard = NAMES.table_requests_subscription + "-heard"
    with pubsub_v1.SubscriberClient() as subscriber:
        subscriber.create_subscription(name=heard, topic=NAMES.table_requests_topic)
        subscriber.create_subscription(
            request=Subscription(
                name=NAMES.table_requests_subscription,
                topic=NAMES.table_requests_topic,
                push_config=PushConfig(
                    push_endpoint=f"http://{here().name}:{manager.port}{PUSH_PATH}"
                ),
                retry_policy=RetryPolicy(
                    minimum_backoff=Duration(nanos=100_000_000),
                    maximum_backoff=Duration(nanos=500_000_000),
                ),
            )
        )
    publisher.publish(NAMES.table_requests_topic, b"nonsense").result(10)
    order = Message("e1", event("order"), {"event_type": "order"}, START)
    for _ in range(4):
        requests.ask("orders", order)
    eventually(lambda: any(entry["severity"] == "ERROR" for entry in manager.logs()))
    client.create_dataset(DATASET)
    eventually(lambda: "orders_deduplicated" in tables(client))
    refused = [entry for entry in manager.logs() if entry.get("reason") == "not_json"]
    assert len(refused) == 1
    with pubsub_v1.SubscriberClient() as subscriber:
        copies = subscriber.pull(subscription=heard, max_messages=10).received_messages
    sent = [each.message for each in copies if each.message.data == order.data]
    assert [dict(each.attributes) for each in sent] == [{"event_type": "order"}] * 2
    publisher.stop()


def test_the_staged_folder_runs_alone(bigquery_emulator: None, tmp_path: Path) -> None:
    folder = tmp_path / "function"
    command = [sys.executable, "-m", "services.table_manager.stage", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)
    again = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert again.returncode == 2
    assert "is not empty" in again.stderr
    assert "functions-framework==" in (folder / "requirements.txt").read_text()
    # -I: neither this folder nor PYTHONPATH is looked at, so what is not staged is not found.
    script = (
        "import functions_framework, sys\n"
        f"app = functions_framework.create_app('manage_table', {str(folder / 'main.py')!r})\n"
        f"answer = app.test_client().post({PUSH_PATH!r}, json={body(event('order'))!r})\n"
        "assert answer.status_code == 200, answer.data\n"
        "import settings, event_types, services\n"
        f"for module in (settings, event_types, services):\n"
        f"    assert module.__file__.startswith({str(folder)!r}), module.__file__\n"
        "assert not {'apache_beam', 'fastapi', 'faker', 'localgcp'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script],
        cwd=tmp_path,
        env={"PROJECT_ID": PROJECT, "ALLOW_HOST": "*", **_client_environ()},  # as Terraform has it
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def _client_environ() -> dict[str, str]:
    names = ("BIGQUERY_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "PATH")
    return {name: os.environ[name] for name in names}
