"""Messages go in by the official Pub/Sub client; tables, files and dead letters are read back by
the official clients of BigQuery and Cloud Storage."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from google.cloud import bigquery, pubsub_v1, storage

from event_types import registry
from event_types.base import EventType
from event_types.dead_letter import DEAD_LETTER_TABLE, Reason
from local import run
from local.messages import THREE, malformed
from local.processes import EMULATORS
from localgcp import environment
from tests.e2e.conftest import PATIENCE, LocalStack, until

PROJECT, DATASET = "local-project", "dev_events_dataset"
TOPIC = f"projects/{PROJECT}/topics/dev-backend-events-topic"
BUCKET = "local-project-dev-raw-events"
FILES = {
    "order": "output/order/2024/01/15/10/30/order_202401151030001.json",
    "inventory": "output/inventory/2024/01/15/10/35/inventory_202401151035001.json",
    "user_activity": "output/user_activity/2024/01/15/10/40/user_activity_202401151040001.json",
}


@dataclass
class Clients:
    """The official clients, led to the stack by nothing but the environment."""

    publisher: pubsub_v1.PublisherClient
    warehouse: bigquery.Client
    files: storage.Client


@pytest.fixture(scope="module")
def clients(stack: LocalStack) -> Iterator[Clients]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.json("env").items():
            patch.setenv(name, value)
        publisher = pubsub_v1.PublisherClient()
        yield Clients(publisher, bigquery.Client(PROJECT), storage.Client(PROJECT))
        publisher.stop()
        publisher.transport.close()


@pytest.fixture(scope="module")
def ids(stack: LocalStack, clients: Clients) -> list[str]:
    """Message ids of the three, then of the twenty, published as they stand and drained."""
    sent = [clients.publisher.publish(TOPIC, data) for data in (*THREE, *malformed())]
    found = [each.result(30) for each in sent]
    stack.drained(len(found))
    return found


@pytest.mark.parametrize("kind", registry.ALL, ids=lambda kind: kind.name)
def test_an_event_is_a_row_with_all_its_fields(
    clients: Clients, ids: list[str], kind: EventType
) -> None:
    position = registry.ALL.index(kind)
    (row,) = clients.warehouse.query_and_wait(f"SELECT * FROM {DATASET}.{kind.table}")
    found = json.loads(json.dumps(dict(row.items()), default=lambda moment: moment.isoformat()))
    sent = json.loads(THREE[position])
    sent[kind.event_time] = sent[kind.event_time].replace("Z", "+00:00")
    assert {name: found[name] for name in sent} == sent
    assert found["event_id"] == ids[position]
    assert found["event_date"] == "2024-01-15"
    assert found["publish_time"] <= found["processed_timestamp"]


@pytest.mark.parametrize("kind", registry.ALL, ids=lambda kind: kind.name)
def test_the_table_is_partitioned_and_clustered_as_of_record(
    clients: Clients, ids: list[str], kind: EventType
) -> None:
    table = clients.warehouse.get_table(f"{DATASET}.{kind.table}")
    assert table.time_partitioning.type_ == "DAY"
    assert table.time_partitioning.field == "event_date"
    assert tuple(table.clustering_fields) == kind.cluster_by
    assert [field.to_api_repr() for field in table.schema] == kind.layout.schema_to_api()
    assert table.num_rows == 1
    assert clients.warehouse.list_partitions(table) == ["20240115"]


@pytest.mark.parametrize("kind", registry.ALL, ids=lambda kind: kind.name)
def test_the_view_shows_each_event_once(clients: Clients, ids: list[str], kind: EventType) -> None:
    view = f"{DATASET}.{kind.layout.deduplicated_view}"
    assert clients.warehouse.get_table(view).table_type == "VIEW"
    (row,) = clients.warehouse.query_and_wait(f"SELECT event_id FROM {view}")
    assert row["event_id"] in ids


@pytest.mark.parametrize("kind", registry.ALL, ids=lambda kind: kind.name)
def test_the_documented_queries_run(clients: Clients, ids: list[str], kind: EventType) -> None:
    for query in kind.queries:
        sql = query.sql.format(table=f"`{PROJECT}.{DATASET}.{kind.table}`")
        rows = list(clients.warehouse.query_and_wait(sql))
        if "2024-01" in sql and "damage" not in sql:
            assert rows, query.title


def test_an_event_s_file_is_in_the_folder_of_its_own_minute(
    clients: Clients, ids: list[str]
) -> None:
    found = {blob.name: blob for blob in clients.files.list_blobs(BUCKET, prefix="output/")}
    assert set(found) == set(FILES.values())
    for position, kind in enumerate(registry.ALL):
        (line,) = found[FILES[kind.name]].download_as_text().splitlines()
        (row,) = clients.warehouse.query_and_wait(f"SELECT * FROM {DATASET}.{kind.table}")
        record = json.loads(line)
        assert record["event_id"] == ids[position]
        assert list(record) == list(row.keys())
        assert json.loads(THREE[position]).items() <= record.items()


def test_every_malformed_message_is_a_dead_letter_with_its_reason(
    clients: Clients, ids: list[str]
) -> None:
    rows = list(
        clients.warehouse.query_and_wait(f"SELECT * FROM {DATASET}.{DEAD_LETTER_TABLE.name}")
    )
    assert {row["event_id"] for row in rows} == set(ids[len(THREE) :])
    assert len(rows) == len(malformed()) == 20
    later = {
        Reason.BIGQUERY_REJECTED,
        Reason.TABLE_NOT_FOUND,
        Reason.COLUMN_NOT_FOUND,
        Reason.INTERNAL_ERROR,
    }
    assert {row["reason"] for row in rows} == set(Reason) - later
    assert all(row["detail"] for row in rows)


def test_a_dead_letter_s_file_holds_the_whole_payload(clients: Clients, ids: list[str]) -> None:
    found = {}
    for blob in clients.files.list_blobs(BUCKET, prefix="dead-letter/"):
        for line in blob.download_as_text().splitlines():
            record = json.loads(line)
            assert blob.name.startswith(f"dead-letter/{record['reason']}/")
            found[record["event_id"]] = record
    for event_id, data in zip(ids[len(THREE) :], malformed(), strict=True):
        record = found[event_id]
        assert record["payload_bytes"] == len(data)
        if record["payload_encoding"] == "utf-8":
            assert record["payload"].encode() == data


def test_attributes_and_the_publisher_s_event_id_are_kept(
    stack: LocalStack, clients: Clients, ids: list[str]
) -> None:
    before = len(ids)
    clients.publisher.publish(TOPIC, THREE[0], event_id="mine-1").result(30)
    clients.publisher.publish(TOPIC, b"{", event_id="mine-2", source="shop").result(30)
    stack.drained(before + 2)
    sql = f"SELECT COUNT(*) AS n FROM {DATASET}.orders WHERE event_id = 'mine-1'"
    assert stack.json("query", sql) == [{"n": 1}]
    sql = (
        f"SELECT attribute.value FROM {DATASET}.{DEAD_LETTER_TABLE.name}, "
        "UNNEST(attributes) AS attribute WHERE event_id = 'mine-2' AND attribute.key = 'source'"
    )
    assert stack.json("query", sql) == [{"value": "shop"}]


def test_two_windows_in_one_minute_take_the_next_number(
    stack: LocalStack, clients: Clients, ids: list[str]
) -> None:
    prefix = "output/inventory/2024/01/15/10/35/"

    def names() -> list[str]:
        return [blob.name for blob in clients.files.list_blobs(BUCKET, prefix=prefix)]

    before = names()
    clients.publisher.publish(TOPIC, THREE[1]).result(30)
    until(lambda: len(names()) == len(before) + 1, PATIENCE, "the second file")
    assert f"{prefix}inventory_202401151035002.json" in names()


def test_the_ledger_balances(stack: LocalStack, ids: list[str]) -> None:
    stack.json("send", "-", stdin="\n".join(each.decode() for each in THREE))
    assert stack.published() == 3
    stack.drained()
    ledger = stack.json("ledger")
    assert ledger["lost"] == 0
    assert ledger["published"] == 3
    assert ledger["duplicated_rows"] == ledger["duplicated_lines"] == 0


def test_what_the_stack_keeps_is_its_user_s_alone(stack: LocalStack, ids: list[str]) -> None:
    if environment.kind() != "embedded":
        pytest.skip("in containers each service has a volume of its own")
    kept = [stack.data_dir / name for name in run.OURS]
    found = [path for top in kept for path in (top, *top.rglob("*")) if path.exists()]
    modes = {str(path): stat.S_IMODE(path.lstat().st_mode) for path in found}
    assert {stack.data_dir / name for name in (*EMULATORS, "logs")} <= set(found)
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}
    ours = {path.name for path in stack.data_dir.iterdir()}
    assert ours - set(run.OURS) == {"up.log"}, "each name is known, and up.log is the test's"
