"""Copy jobs."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import bigquery

from tests.surface.bigquery.conftest import Refused
from tests.surface.introspect import covers


def names(client: bigquery.Client, table: object) -> list[str]:
    return sorted(row.name for row in client.list_rows(table))


@covers(bigquery.Client, "copy_table")
@covers(bigquery.CopyJob, "sources", "destination", "create_disposition", "write_disposition")
@covers(bigquery.CopyJob, "destination_encryption_configuration", "from_api_repr")
@covers(bigquery.CopyJob, "configuration", "to_api_repr")
def test_a_table_is_copied(
    client: bigquery.Client, people: bigquery.Table, dataset: bigquery.DatasetReference
) -> None:
    config = bigquery.CopyJobConfig(create_disposition="CREATE_IF_NEEDED")
    config.write_disposition = "WRITE_EMPTY"
    job = client.copy_table(people, dataset.table("copy"), job_config=config)
    assert job.result().state == "DONE"
    assert (job.sources, job.destination) == ([people.reference], dataset.table("copy"))
    assert (job.create_disposition, job.write_disposition) == ("CREATE_IF_NEEDED", "WRITE_EMPTY")
    assert job.destination_encryption_configuration is None
    assert job.configuration.write_disposition == "WRITE_EMPTY"
    again = bigquery.CopyJob.from_api_repr(job.to_api_repr(), client)
    assert again.destination == job.destination
    assert job._properties["statistics"]["copy"]["copiedRows"] == "3"
    assert client.get_table(dataset.table("copy")).schema == people.schema
    assert names(client, dataset.table("copy")) == ["Ada", "Bob", "Cyd"]


def test_dispositions_of_a_copy(
    client: bigquery.Client, people: bigquery.Table, dataset: bigquery.DatasetReference
) -> None:
    target = dataset.table("copy")

    def copy(source: object, **config: str) -> None:
        client.copy_table(source, target, job_config=bigquery.CopyJobConfig(**config)).result()

    with pytest.raises(NotFound, match="Not found: Table"):
        copy(people, create_disposition="CREATE_NEVER")
    copy([people, people])  # of several, all rows
    assert names(client, target) == ["Ada", "Ada", "Bob", "Bob", "Cyd", "Cyd"]
    with pytest.raises(Conflict, match="Already Exists"):
        copy(people)
    copy(people, write_disposition="WRITE_TRUNCATE")
    copy(people, write_disposition="WRITE_APPEND")
    assert client.get_table(target).num_rows == 6
    client.query_and_wait(f"CREATE TABLE {dataset.dataset_id}.other AS SELECT 1 AS n")
    with pytest.raises(BadRequest, match="schemas differ"):
        copy(dataset.table("other"), write_disposition="WRITE_APPEND")
    assert client.get_table(target).num_rows == 6
    copy(dataset.table("other"), write_disposition="WRITE_TRUNCATE")
    assert [tuple(row) for row in client.list_rows(target)] == [(1,)]
    with pytest.raises(BadRequest, match="it is a source"):
        copy(target, write_disposition="WRITE_TRUNCATE")
    with pytest.raises(BadRequest, match="copy job"):
        job = client.copy_table(people, dataset.table("c2"))
        job.result()
        client.query_and_wait("SELECT 1")
        bigquery.QueryJob(job.job_id, "", client)._reload_query_results()


def test_a_snapshot_is_read_and_never_written(
    client: bigquery.Client, people: bigquery.Table, dataset: bigquery.DatasetReference
) -> None:
    snapshot, restored = dataset.table("snapshot"), dataset.table("restored")
    config = bigquery.CopyJobConfig(operation_type="SNAPSHOT")
    client.copy_table(people, snapshot, job_config=config).result()
    made = client.get_table(snapshot)
    assert made.table_type == "SNAPSHOT"
    assert made.snapshot_definition.base_table_reference == people.reference
    assert made.snapshot_definition.snapshot_time <= made.modified
    client.query_and_wait(f"DELETE FROM `{people.reference}` WHERE name = 'Ada'")
    assert names(client, snapshot) == ["Ada", "Bob", "Cyd"]
    with pytest.raises(BadRequest, match=r"Cannot stream into .*: it is a snapshot"):
        client.insert_rows_json(snapshot, [{"name": "Eve"}])
    with pytest.raises(BadRequest, match="it is a snapshot"):
        client.query_and_wait(f"DELETE FROM `{snapshot}` WHERE TRUE")
    with pytest.raises(Conflict):
        client.copy_table(people, snapshot, job_config=config).result()
    made.description = "before the deletion"
    assert client.update_table(made, ["description"]).table_type == "SNAPSHOT"
    config = bigquery.CopyJobConfig(operation_type="RESTORE")
    client.copy_table(snapshot, restored, job_config=config).result()
    assert client.get_table(restored).table_type == "TABLE"
    assert client.insert_rows_json(restored, [{"name": "Eve"}]) == []
    with pytest.raises(BadRequest, match="a RESTORE is of a snapshot"):
        client.copy_table(people, dataset.table("no"), job_config=config).result()


def test_a_clone_is_a_table_of_its_own(
    client: bigquery.Client, people: bigquery.Table, dataset: bigquery.DatasetReference
) -> None:
    config = bigquery.CopyJobConfig(operation_type="CLONE")
    client.copy_table(people, dataset.table("clone"), job_config=config).result()
    assert client.insert_rows_json(dataset.table("clone"), [{"name": "Eve"}]) == []
    clone = client.get_table(dataset.table("clone"))
    assert (clone.num_rows, clone.table_type) == (4, "TABLE")
    assert clone.clone_definition.base_table_reference == people.reference
    assert client.get_table(people).num_rows == 3


def test_what_is_no_plain_copy_is_refused_by_name(
    client: bigquery.Client,
    people: bigquery.Table,
    dataset: bigquery.DatasetReference,
    refused: Refused,
) -> None:
    with refused("time travel by a decorator, people@-3600000"):
        client.copy_table(f"{people.reference}@-3600000", dataset.table("s"))
    key = bigquery.EncryptionConfiguration("projects/p/key")
    config = bigquery.CopyJobConfig(destination_encryption_configuration=key)
    with refused("destinationEncryptionConfiguration of a copy"):
        client.copy_table(people, dataset.table("s"), job_config=config)
    client.query_and_wait(f"CREATE VIEW {dataset.dataset_id}.v AS SELECT 1 AS n")
    with pytest.raises(BadRequest, match=r"Cannot copy .*: it is a view"):
        client.copy_table(dataset.table("v"), dataset.table("s")).result()
