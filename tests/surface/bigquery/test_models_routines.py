"""Models: there are none. Routines: SQL makes them, and the client looks at them."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from tests.surface.bigquery.conftest import Refused
from tests.surface.introspect import covers


@covers(bigquery.Client, "list_models", "get_model", "update_model", "delete_model")
@covers(bigquery.ModelReference, "project", "dataset_id", "model_id", "path")
@covers(bigquery.ModelReference, "from_string", "from_api_repr", "to_api_repr")
def test_models(client: bigquery.Client, dataset: bigquery.DatasetReference) -> None:
    reference = bigquery.ModelReference.from_string(f"{dataset.project}.{dataset.dataset_id}.m")
    assert reference == dataset.model("m")
    assert bigquery.ModelReference.from_api_repr(reference.to_api_repr()) == reference
    parts = (reference.project, reference.dataset_id, reference.model_id)
    assert reference.path == "/projects/{}/datasets/{}/models/{}".format(*parts)
    model = bigquery.Model(reference)
    assert list(client.list_models(dataset)) == []
    missing = f"Not found: Model {dataset.project}:{dataset.dataset_id}.m"
    with pytest.raises(NotFound, match=missing):
        client.get_model(reference)
    with pytest.raises(NotFound, match=missing):
        client.update_model(model, ["description"])
    client.delete_model(reference, not_found_ok=True)


@covers(bigquery.Client, "list_routines", "create_routine", "get_routine", "update_routine")
@covers(bigquery.Client, "delete_routine")
@covers(bigquery.RoutineReference, "project", "dataset_id", "routine_id", "path")
@covers(bigquery.RoutineReference, "from_string", "from_api_repr", "to_api_repr")
def test_routines(
    client: bigquery.Client, dataset: bigquery.DatasetReference, refused: Refused
) -> None:
    reference = bigquery.RoutineReference.from_string(f"{dataset.project}.{dataset.dataset_id}.r")
    assert reference == dataset.routine("r")
    assert bigquery.RoutineReference.from_api_repr(reference.to_api_repr()) == reference
    parts = (reference.project, reference.dataset_id, reference.routine_id)
    assert reference.path == "/projects/{}/datasets/{}/routines/{}".format(*parts)
    routine = bigquery.Routine(reference, type_="SCALAR_FUNCTION", language="SQL", body="1")
    missing = f"Not found: Routine {dataset.project}:{dataset.dataset_id}.r"
    with pytest.raises(NotFound, match=missing):
        client.get_routine(reference)
    with pytest.raises(NotFound, match=missing):
        client.update_routine(routine, ["description"])
    with refused("routine"):
        client.create_routine(routine)
    job = client.query(f"CREATE FUNCTION {dataset.dataset_id}.r(x INT64, y ANY TYPE) AS (x + y)")
    job.result()
    assert (job.ddl_operation_performed, job.ddl_target_routine) == ("CREATE", reference)
    (listed,) = client.list_routines(dataset)
    assert listed.reference == reference
    assert client.get_routine(reference).body == "x + y"
    assert [argument.name for argument in client.get_routine(reference).arguments] == ["x", "y"]
    (row,) = client.query_and_wait(f"SELECT {dataset.dataset_id}.r(1, 2.5) AS sum")
    assert row["sum"] == 3.5
    client.delete_routine(reference)
    assert list(client.list_routines(dataset)) == []


@pytest.mark.parametrize("sql", ["CREATE MODEL m AS SELECT 1 AS n"])
def test_by_sql(client: bigquery.Client, refused: Refused, sql: str) -> None:
    with refused("CREATE"):
        client.query_and_wait(sql)
