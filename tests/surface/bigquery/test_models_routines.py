"""Models: there are none. Routines: SQL makes them, and the client looks at them."""

from __future__ import annotations

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound, PreconditionFailed
from google.cloud import bigquery
from google.cloud.bigquery.enums import StandardSqlTypeNames
from google.cloud.bigquery.standard_sql import (
    StandardSqlDataType,
    StandardSqlField,
    StandardSqlStructType,
)

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


@covers(bigquery.Client, "list_routines", "get_routine", "update_routine")
@covers(bigquery.Client, "delete_routine")
@covers(bigquery.RoutineReference, "project", "dataset_id", "routine_id", "path")
@covers(bigquery.RoutineReference, "from_string", "from_api_repr", "to_api_repr")
def test_routines(client: bigquery.Client, dataset: bigquery.DatasetReference) -> None:
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


@covers(bigquery.Client, "create_routine", "update_routine")
def test_a_routine_is_made_without_sql(
    client: bigquery.Client, dataset: bigquery.DatasetReference, refused: Refused
) -> None:
    kind = StandardSqlDataType
    integer, text = kind(StandardSqlTypeNames.INT64), kind(StandardSqlTypeNames.STRING)
    pair = StandardSqlStructType([StandardSqlField("n", integer), StandardSqlField("s", text)])
    argument = kind(StandardSqlTypeNames.STRUCT, struct_type=pair)
    routine = bigquery.Routine(
        dataset.routine("r"),
        type_="SCALAR_FUNCTION",
        language="SQL",
        body="CONCAT(p.s, CAST(p.n * times AS STRING))",
        arguments=[
            bigquery.RoutineArgument(name="p", data_type=argument),
            bigquery.RoutineArgument(name="times", data_type=integer),
        ],
        return_type=text,
    )
    made = client.create_routine(routine)
    assert (made.type_, made.return_type, made.arguments) == (
        ("SCALAR_FUNCTION", text, routine.arguments)
    )
    called = f"SELECT {dataset.dataset_id}.r(STRUCT(2 AS n, 'x' AS s), 3) AS r"
    assert [row.r for row in client.query_and_wait(called)] == ["x6"]
    with pytest.raises(Conflict, match="Already Exists: Routine"):
        client.create_routine(routine)
    client.create_routine(routine, exists_ok=True)
    made.body = "p.s"
    assert client.update_routine(made, ["body"]).body == "p.s"
    assert [row.r for row in client.query_and_wait(called)] == ["x"]
    with pytest.raises(PreconditionFailed):
        client.update_routine(made, ["body"])
    wrong = bigquery.Routine(dataset.routine("w"), type_="SCALAR_FUNCTION", body="x +")
    with pytest.raises(BadRequest, match="Syntax error"):
        client.create_routine(wrong)
    in_js = bigquery.Routine(
        dataset.routine("j"),
        type_="SCALAR_FUNCTION",
        language="JAVASCRIPT",
        body='return `\\"${s}"`',
        determinism_level="DETERMINISTIC",
        return_type=bigquery.StandardSqlDataType(type_kind=bigquery.StandardSqlTypeNames.STRING),
        arguments=[bigquery.RoutineArgument(name="s", data_type=text)],
    )
    kept = client.create_routine(in_js)
    assert (kept.language, kept.body, kept.determinism_level) == (
        *("JAVASCRIPT", in_js.body, "DETERMINISTIC"),
    )
    quoted = client.query_and_wait(f"SELECT {dataset.dataset_id}.j('x') AS r")
    assert [row.r for row in quoted] == ['"x"']
    with refused("a routine in PYTHON"):
        client.create_routine(bigquery.Routine(dataset.routine("y"), language="PYTHON"))
    procedure = bigquery.Routine(
        dataset.routine("p"),
        type_="PROCEDURE",
        body="SET m = n + 1",
        arguments=[
            bigquery.RoutineArgument(name="n", data_type=integer),
            bigquery.RoutineArgument(name="m", mode="OUT", data_type=integer),
        ],
    )
    client.create_routine(procedure)
    script = f"DECLARE m INT64; CALL {dataset.dataset_id}.p(1, m); SELECT m"
    assert [row.m for row in client.query_and_wait(script)] == [2]


@pytest.mark.parametrize("sql", ["CREATE MODEL m AS SELECT 1 AS n"])
def test_by_sql(client: bigquery.Client, refused: Refused, sql: str) -> None:
    with refused("CREATE"):
        client.query_and_wait(sql)
