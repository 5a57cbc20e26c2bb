"""Table, its reference and its line in a list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import Conflict, NotFound, PreconditionFailed
from google.cloud import bigquery
from google.cloud.bigquery.table import TableListItem

from tests.surface.bigquery.conftest import Refused
from tests.surface.introspect import covers

DAY_MS = 86_400_000


@covers(bigquery.Client, "create_table", "get_table", "delete_table")
@covers(bigquery.Table, "project", "dataset_id", "table_id", "path", "reference", "full_table_id")
@covers(
    bigquery.Table, "created", "modified", "etag", "location", "num_rows", "num_bytes", "schema"
)
@covers(bigquery.Table, "table_type", "self_link", "streaming_buffer", "from_string")
def test_a_table_is_made_shown_and_deleted(
    client: bigquery.Client, dataset: bigquery.DatasetReference
) -> None:
    name = f"{dataset.project}.{dataset.dataset_id}.t"
    made = bigquery.Table.from_string(name)
    made.schema = [bigquery.SchemaField("n", "INTEGER", description="a number")]
    before = datetime.now(UTC) - timedelta(seconds=1)
    client.create_table(made)
    with pytest.raises(Conflict, match="Already Exists: Table"):
        client.create_table(made)
    assert client.create_table(made, exists_ok=True).table_id == "t"
    client.insert_rows_json(name, [{"n": 1}, {"n": 2}])
    table = client.get_table(name)
    assert (table.project, table.dataset_id, table.table_id) == tuple(name.split("."))
    assert table.path == f"/projects/{dataset.project}/datasets/{dataset.dataset_id}/tables/t"
    assert table.reference == dataset.table("t")
    assert table.full_table_id == f"{dataset.project}:{dataset.dataset_id}.t"
    assert before < table.created <= table.modified
    assert (table.location, table.table_type) == ("US", "TABLE")
    assert (table.num_rows, table.num_bytes) == (2, 16)
    assert table.schema == made.schema
    assert table.etag
    assert table.self_link is None  # it would lead to Google
    assert table.streaming_buffer is None  # rows are there at once
    client.delete_table(table)
    client.delete_table(table, not_found_ok=True)
    with pytest.raises(NotFound, match="Not found: Table"):
        client.get_table(name)


@covers(bigquery.Client, "update_table")
@covers(bigquery.Table, "description", "friendly_name", "labels", "expires", "clustering_fields")
@covers(bigquery.Table, "time_partitioning", "partitioning_type", "partition_expiration")
@covers(bigquery.Table, "require_partition_filter")
def test_what_is_set_comes_back(
    client: bigquery.Client, dataset: bigquery.DatasetReference
) -> None:
    schema = [bigquery.SchemaField("day", "DATE"), bigquery.SchemaField("id", "STRING")]
    table = bigquery.Table(dataset.table("t"), schema=schema)
    table.time_partitioning = bigquery.TimePartitioning(field="day", expiration_ms=9 * DAY_MS)
    table.clustering_fields = ["id"]
    made = client.create_table(table)
    assert (made.time_partitioning.field, made.time_partitioning.type_) == ("day", "DAY")
    with pytest.warns(PendingDeprecationWarning):
        assert made.partitioning_type == "DAY"
    with pytest.warns(PendingDeprecationWarning):
        assert made.partition_expiration == 9 * DAY_MS
    assert made.clustering_fields == ["id"]
    made.description, made.friendly_name = "of days", "Days"
    made.labels = {"team": "data", "tier": "one"}
    made.expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    made.require_partition_filter = True
    keys = ["description", "friendly_name", "labels", "expires", "require_partition_filter"]
    changed = client.update_table(made, keys)
    assert (changed.description, changed.friendly_name) == ("of days", "Days")
    assert changed.labels == {"team": "data", "tier": "one"}
    assert changed.expires == made.expires
    assert changed.require_partition_filter is True
    changed.labels["tier"], changed.description, changed.expires = None, None, None
    cleared = client.update_table(changed, ["labels", "description", "expires"])
    assert (cleared.labels, cleared.description, cleared.expires) == ({"team": "data"}, None, None)
    with pytest.raises(PreconditionFailed):
        client.update_table(made, ["description"])  # by the etag that it was read with


@covers(bigquery.Table, "view_query", "view_use_legacy_sql", "table_type")
def test_a_view(
    client: bigquery.Client, people: bigquery.Table, dataset: bigquery.DatasetReference
) -> None:
    view = bigquery.Table(dataset.table("v"))
    view.view_query = f"SELECT name FROM `{people.reference}`"
    made = client.create_table(view)
    assert (made.table_type, made.view_query) == ("VIEW", view.view_query)
    assert made.view_use_legacy_sql is False
    assert [field.name for field in made.schema] == ["name"]
    made.view_query = f"SELECT name, age FROM `{people.reference}`"
    assert len(client.update_table(made, ["view_query"]).schema) == 2


@covers(bigquery.Table, "external_data_configuration", "encryption_configuration")
@covers(bigquery.Table, "mview_query", "mview_enable_refresh", "mview_refresh_interval")
@covers(bigquery.Table, "mview_last_refresh_time", "mview_allow_non_incremental_definition")
@covers(bigquery.Table, "table_constraints", "max_staleness")
@covers(bigquery.Table, "resource_tags", "biglake_configuration", "external_catalog_table_options")
@covers(bigquery.Table, "foreign_type_info", "snapshot_definition", "clone_definition")
def test_what_a_table_cannot_be_is_refused_by_name(
    client: bigquery.Client, dataset: bigquery.DatasetReference, refused: Refused
) -> None:
    def table() -> bigquery.Table:
        return bigquery.Table(dataset.table("t"), schema=[bigquery.SchemaField("n", "INTEGER")])

    external = bigquery.Table(dataset.table("t"))
    external.external_data_configuration = bigquery.ExternalConfig("CSV")
    encrypted = table()
    encrypted.encryption_configuration = bigquery.EncryptionConfiguration("projects/p/key")
    materialized = bigquery.Table(dataset.table("t"))
    materialized.mview_query = "SELECT 1 AS n"
    materialized.mview_enable_refresh = True
    materialized.mview_refresh_interval = timedelta(hours=1)
    materialized.mview_allow_non_incremental_definition = True
    constrained = table()
    constrained.table_constraints = bigquery.table.TableConstraints(
        bigquery.table.PrimaryKey(["n"]), None
    )
    stale, tagged, lake, catalog, foreign = table(), table(), table(), table(), table()
    stale.max_staleness = "0-0 0 1:0:0"
    tagged.resource_tags = {"123/env": "test"}
    lake.biglake_configuration = bigquery.table.BigLakeConfiguration(connection_id="c")
    catalog.external_catalog_table_options = bigquery.external_config.ExternalCatalogTableOptions(
        connection_id="c"
    )
    foreign.foreign_type_info = bigquery.schema.ForeignTypeInfo("HIVE")
    for what, given in {
        "externalDataConfiguration of a table": external,
        "encryptionConfiguration of a table": encrypted,
        "materializedView of a table": materialized,
        "tableConstraints of a table": constrained,
        "maxStaleness of a table": stale,
        "resourceTags of a table": tagged,
        "biglakeConfiguration of a table": lake,
        "externalCatalogTableOptions of a table": catalog,
        "foreignTypeInfo of a schema": foreign,
    }.items():
        with refused(what):
            client.create_table(given)
    plain = client.create_table(table())
    assert (plain.snapshot_definition, plain.clone_definition) == (None, None)
    assert plain.mview_last_refresh_time is None


@covers(bigquery.Table, "to_api_repr", "from_api_repr", "to_bqstorage")
@covers(bigquery.TableReference, "to_api_repr", "from_api_repr", "from_string", "to_bqstorage")
@covers(bigquery.TableReference, "project", "dataset_id", "table_id", "path")
def test_names_and_resources_go_there_and_back(people: bigquery.Table) -> None:
    reference = bigquery.TableReference.from_string(str(people.reference))
    assert bigquery.TableReference.from_api_repr(reference.to_api_repr()) == people.reference
    parts = (reference.project, reference.dataset_id, reference.table_id)
    assert reference.path == "/projects/{}/datasets/{}/tables/{}".format(*parts)
    again = bigquery.Table.from_api_repr(people.to_api_repr())
    assert (again.schema, again.etag) == (people.schema, people.etag)
    assert again.to_bqstorage() == reference.to_bqstorage() == people.path[1:]


@covers(bigquery.Client, "list_tables")
@covers(TableListItem, "project", "dataset_id", "table_id", "full_table_id", "reference", "path")
@covers(TableListItem, "friendly_name", "labels", "created", "expires", "table_type")
@covers(TableListItem, "time_partitioning", "partitioning_type", "partition_expiration")
@covers(TableListItem, "clustering_fields", "view_use_legacy_sql", "to_api_repr", "from_string")
@covers(TableListItem, "to_bqstorage")
def test_a_list_of_tables(client: bigquery.Client, dataset: bigquery.DatasetReference) -> None:
    table = bigquery.Table(dataset.table("a"), schema=[bigquery.SchemaField("day", "DATE")])
    table.time_partitioning = bigquery.TimePartitioning(field="day", expiration_ms=DAY_MS)
    table.clustering_fields, table.friendly_name, table.labels = ["day"], "A", {"team": "data"}
    table.expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    client.create_table(table)
    view = bigquery.Table(dataset.table("b"))
    view.view_query = "SELECT 1 AS n"
    client.create_table(view)
    first, second = client.list_tables(dataset, page_size=1)
    assert (first.project, first.dataset_id, first.table_id) == (
        dataset.project,
        dataset.dataset_id,
        "a",
    )
    assert first.full_table_id == f"{dataset.project}:{dataset.dataset_id}.a"
    assert (first.reference, first.path) == (table.reference, table.path)
    assert (first.friendly_name, first.labels) == ("A", {"team": "data"})
    assert first.created == client.get_table(table).created
    assert first.expires == table.expires
    assert [first.table_type, second.table_type] == ["TABLE", "VIEW"]
    assert first.time_partitioning.field == "day"
    with pytest.warns(PendingDeprecationWarning):
        assert first.partitioning_type == "DAY"
    with pytest.warns(PendingDeprecationWarning):
        assert first.partition_expiration == DAY_MS
    assert first.clustering_fields == ["day"]
    assert second.view_use_legacy_sql is False
    assert first.to_api_repr()["tableReference"] == table.reference.to_api_repr()
    assert TableListItem.from_string(str(table.reference)).reference == table.reference
    assert first.to_bqstorage() == table.path[1:]
    assert len(list(client.list_tables(dataset, max_results=1))) == 1


@covers(bigquery.Client, "list_partitions")
def test_a_list_of_partitions(client: bigquery.Client, dataset: bigquery.DatasetReference) -> None:
    table = bigquery.Table(dataset.table("t"), schema=[bigquery.SchemaField("day", "DATE")])
    table.time_partitioning = bigquery.TimePartitioning(field="day")
    client.create_table(table)
    days = ["2026-11-24", "2026-11-25", "2026-11-25", None]
    assert client.insert_rows_json(table, [{"day": day} for day in days]) == []
    assert client.list_partitions(table) == ["20261124", "20261125", "__NULL__"]


@covers(bigquery.Client, "get_iam_policy", "set_iam_policy", "test_iam_permissions")
def test_a_table_keeps_its_policy(client: bigquery.Client, people: bigquery.Table) -> None:
    policy = client.get_iam_policy(people)
    assert list(policy.bindings) == []
    binding = {"role": "roles/bigquery.dataViewer", "members": {"user:ada@example.com"}}
    policy.bindings.append(binding)
    kept = client.set_iam_policy(people, policy)
    assert [dict(each) for each in client.get_iam_policy(people).bindings] == [binding]
    assert kept.etag == client.get_iam_policy(people).etag != policy.etag
    with pytest.raises(Conflict, match="concurrent policy changes"):
        client.set_iam_policy(people, policy)  # by the etag that it was read with
    assert client.get_table(people).etag == people.etag
    wanted = ["bigquery.tables.getData"]
    assert client.test_iam_permissions(people, wanted)["permissions"] == wanted
    client.delete_table(people)
    with pytest.raises(NotFound):
        client.get_iam_policy(people)
