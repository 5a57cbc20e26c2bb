"""Dataset, its reference and its line in a list; projects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound, PreconditionFailed
from google.cloud import bigquery
from google.cloud.bigquery.dataset import DatasetListItem

from tests.surface.bigquery.conftest import Refused
from tests.surface.introspect import covers


@covers(bigquery.Client, "create_dataset", "get_dataset", "delete_dataset", "dataset")
@covers(bigquery.Dataset, "project", "dataset_id", "full_dataset_id", "path", "reference")
@covers(bigquery.Dataset, "created", "modified", "etag", "self_link", "location", "from_string")
@covers(bigquery.Dataset, "table", "model", "routine")
@covers(bigquery.DatasetReference, "project", "dataset_id", "path", "table", "model", "routine")
def test_a_dataset_is_made_shown_and_deleted(client: bigquery.Client) -> None:
    name = f"{client.project}.made_and_deleted"
    wanted = bigquery.Dataset.from_string(name)
    wanted.location = "EU"
    before = datetime.now(UTC) - timedelta(seconds=1)
    client.create_dataset(wanted)
    with pytest.raises(Conflict, match="Already Exists: Dataset"):
        client.create_dataset(wanted)
    assert client.create_dataset(wanted, exists_ok=True).location == "EU"
    dataset = client.get_dataset(name)
    assert (dataset.project, dataset.dataset_id) == (client.project, "made_and_deleted")
    assert dataset.full_dataset_id == f"{client.project}:made_and_deleted"
    assert dataset.path == f"/projects/{client.project}/datasets/made_and_deleted"
    with pytest.warns(PendingDeprecationWarning):
        assert dataset.reference == client.dataset("made_and_deleted")
    assert before < dataset.created <= dataset.modified
    assert dataset.etag
    assert dataset.self_link is None  # it would lead to Google
    reference = dataset.reference
    assert (reference.project, reference.dataset_id) == (dataset.project, dataset.dataset_id)
    assert reference.path == dataset.path
    assert dataset.table("t") == reference.table("t")
    assert dataset.model("m") == reference.model("m")
    assert dataset.routine("r") == reference.routine("r")
    client.create_table(bigquery.Table(dataset.table("t")))
    with pytest.raises(BadRequest, match="still in use"):
        client.delete_dataset(name)
    client.delete_dataset(name, delete_contents=True)
    client.delete_dataset(name, not_found_ok=True)
    with pytest.raises(NotFound, match="Not found: Dataset"):
        client.get_dataset(name)


@covers(bigquery.Client, "update_dataset")
@covers(bigquery.Dataset, "description", "friendly_name", "labels", "access_entries")
@covers(bigquery.Dataset, "default_table_expiration_ms", "default_partition_expiration_ms")
@covers(bigquery.Dataset, "max_time_travel_hours", "storage_billing_model")
@covers(bigquery.Dataset, "access_policy_version")
def test_what_is_set_comes_back(
    client: bigquery.Client, dataset: bigquery.DatasetReference
) -> None:
    made = client.get_dataset(dataset)
    made.description, made.friendly_name, made.labels = "of days", "Days", {"team": "data"}
    made.default_table_expiration_ms = 3_600_000
    made.default_partition_expiration_ms = 7_200_000
    made.max_time_travel_hours, made.storage_billing_model = 48, "PHYSICAL"
    made.access_entries = [bigquery.AccessEntry("READER", "userByEmail", "ada@example.com")]
    keys = ["description", "friendly_name", "labels", "access_entries", "max_time_travel_hours"]
    more = ["default_table_expiration_ms", "default_partition_expiration_ms"]
    changed = client.update_dataset(made, [*keys, *more, "storage_billing_model"])
    assert (changed.description, changed.friendly_name) == ("of days", "Days")
    assert changed.labels == {"team": "data"}
    assert changed.default_table_expiration_ms == 3_600_000
    assert changed.default_partition_expiration_ms == 7_200_000
    assert (changed.max_time_travel_hours, changed.storage_billing_model) == ("48", "PHYSICAL")
    assert changed.access_entries == made.access_entries
    assert changed.access_policy_version is None
    table = client.create_table(bigquery.Table(dataset.table("t")))
    assert table.expires - table.created == timedelta(hours=1)
    changed.access_entries, changed.description = [], None
    cleared = client.update_dataset(changed, ["access_entries", "description"])
    assert (cleared.access_entries, cleared.description) == ([], None)
    with pytest.raises(PreconditionFailed):
        client.update_dataset(made, ["description"])  # by the etag that it was read with


@covers(bigquery.Dataset, "default_encryption_configuration", "default_rounding_mode")
@covers(bigquery.Dataset, "is_case_insensitive", "resource_tags")
@covers(bigquery.Dataset, "external_catalog_dataset_options")
def test_what_a_dataset_cannot_be_is_refused_by_name(
    client: bigquery.Client, refused: Refused
) -> None:
    def dataset() -> bigquery.Dataset:
        return bigquery.Dataset(f"{client.project}.never_made")

    encrypted, rounding, cases, tagged, catalog = (dataset() for _ in range(5))
    encrypted.default_encryption_configuration = bigquery.EncryptionConfiguration("projects/p/key")
    rounding.default_rounding_mode = "ROUND_HALF_EVEN"
    cases.is_case_insensitive = True
    tagged.resource_tags = {"123/env": "test"}
    catalog.external_catalog_dataset_options = (
        bigquery.external_config.ExternalCatalogDatasetOptions(parameters={"a": "b"})
    )
    for what, given in {
        "defaultEncryptionConfiguration of a dataset": encrypted,
        "defaultRoundingMode of a dataset": rounding,
        "isCaseInsensitive of a dataset": cases,
        "resourceTags of a dataset": tagged,
        "externalCatalogDatasetOptions of a dataset": catalog,
    }.items():
        with refused(what):
            client.create_dataset(given)


@covers(bigquery.Dataset, "to_api_repr", "from_api_repr")
@covers(bigquery.DatasetReference, "to_api_repr", "from_api_repr", "from_string")
def test_names_and_resources_go_there_and_back(
    client: bigquery.Client, dataset: bigquery.DatasetReference
) -> None:
    reference = bigquery.DatasetReference
    assert reference.from_string(f"{dataset.project}.{dataset.dataset_id}") == dataset
    assert reference.from_api_repr(dataset.to_api_repr()) == dataset
    found = client.get_dataset(dataset)
    assert bigquery.Dataset.from_api_repr(found.to_api_repr()).etag == found.etag


@covers(bigquery.Client, "list_datasets")
@covers(DatasetListItem, "project", "dataset_id", "full_dataset_id", "friendly_name", "labels")
@covers(DatasetListItem, "reference", "table", "model", "routine")
def test_a_list_of_datasets(client: bigquery.Client, dataset: bigquery.DatasetReference) -> None:
    made = client.get_dataset(dataset)
    made.friendly_name, made.labels = "Days", {"of": dataset.dataset_id, "team": "data"}
    client.update_dataset(made, ["friendly_name", "labels"])
    (item,) = client.list_datasets(filter=f"labels.of:{dataset.dataset_id} labels.team")
    assert (item.project, item.dataset_id) == (dataset.project, dataset.dataset_id)
    assert item.full_dataset_id == f"{dataset.project}:{dataset.dataset_id}"
    assert (item.friendly_name, item.labels) == ("Days", made.labels)
    assert item.reference == dataset
    assert item.table("t") == dataset.table("t")
    assert item.model("m") == dataset.model("m")
    assert item.routine("r") == dataset.routine("r")
    assert dataset.dataset_id in [each.dataset_id for each in client.list_datasets(page_size=1)]
    assert list(client.list_datasets(filter="labels.of:nothing")) == []
    with pytest.raises(BadRequest, match="filter"):
        list(client.list_datasets(filter="name:x"))


@covers(bigquery.Client, "list_projects", "get_service_account_email")
def test_projects(client: bigquery.Client, dataset: bigquery.DatasetReference) -> None:
    assert dataset.project in [project.project_id for project in client.list_projects()]
    assert client.get_service_account_email().endswith("@bigquery-encryption.local")
