from __future__ import annotations

from typing import Any

import pytest
from google.cloud.bigquery import SchemaField, Table, TimePartitioning

from event_types.contract import EXTRA, Contract
from services.table_manager.errors import IncompatibleTable
from services.table_manager.evolve import evolve

ID = SchemaField("id", "STRING", mode="REQUIRED")
DAY = SchemaField("day", "DATE", mode="REQUIRED")


def table(*columns: SchemaField, partition: str | None = "day", **properties: Any) -> Table:
    made = Table("project.dataset.things", schema=[ID, *columns, DAY])
    if partition:
        made.time_partitioning = TimePartitioning(type_="DAY", field=partition)
    made.clustering_fields = ["id"]
    for name, value in properties.items():
        setattr(made, name, value)
    return made


def column(name: str, column_type: str = "STRING", mode: str = "NULLABLE") -> SchemaField:
    return SchemaField(name, column_type, mode=mode)


def record(name: str, *fields: SchemaField, mode: str = "REQUIRED") -> SchemaField:
    return SchemaField(name, "RECORD", mode=mode, fields=fields)


def modes(columns: list[SchemaField]) -> dict[str, str]:
    return {each.name: each.mode for each in columns}


def test_a_table_as_it_should_be_is_left_alone() -> None:
    assert evolve(table(column("a")), table(column("a")), Contract.EVOLVE) == []
    assert evolve(table(column("a")), table(column("a")), Contract.FREEZE) == []


def test_a_missing_column_is_added_and_takes_null() -> None:
    there = table()
    wanted = table(column("a", mode="REQUIRED"), column("b", mode="REPEATED"), column("c"))
    assert evolve(there, wanted, Contract.EVOLVE) == ["schema"]
    assert modes(there.schema) == {
        "id": "REQUIRED",
        "day": "REQUIRED",
        "a": "NULLABLE",
        "b": "REPEATED",
        "c": "NULLABLE",
    }


def test_a_missing_field_of_a_record_is_added_in_its_place() -> None:
    there = table(record("where", column("city")))
    wanted = table(record("where", column("city"), column("street", mode="REQUIRED")))
    assert evolve(there, wanted, Contract.EVOLVE) == ["schema"]
    where = next(each for each in there.schema if each.name == "where")
    assert modes(list(where.fields)) == {"city": "NULLABLE", "street": "NULLABLE"}
    assert where.mode == "REQUIRED"


def test_required_is_relaxed_and_never_tightened() -> None:
    there = table(column("a", mode="REQUIRED"), column("b"))
    wanted = table(column("a"), column("b", mode="REQUIRED"))
    assert evolve(there, wanted, Contract.EVOLVE) == ["schema"]
    assert modes(there.schema)["a"] == "NULLABLE"
    assert modes(there.schema)["b"] == "NULLABLE"


def test_old_and_new_type_names_are_the_same_types() -> None:
    pairs = [("INTEGER", "INT64"), ("FLOAT", "FLOAT64"), ("BOOLEAN", "BOOL")]
    for old, new in pairs:
        assert evolve(table(column("a", old)), table(column("a", new)), Contract.EVOLVE) == []


def test_a_column_of_nobody_stays_if_it_takes_null() -> None:
    there = table(column("note"))
    assert evolve(there, table(), Contract.EVOLVE) == []
    assert "note" in modes(there.schema)


def test_names_are_the_same_in_any_case() -> None:
    assert evolve(table(column("Note")), table(column("note")), Contract.EVOLVE) == []


def test_clustering_is_corrected() -> None:
    there = table(clustering_fields=["day"])
    assert evolve(there, table(), Contract.EVOLVE) == ["clustering_fields"]
    assert there.clustering_fields == ["id"]


@pytest.mark.parametrize(
    ("there", "wanted", "named"),
    [
        (table(column("a", "INTEGER")), table(column("a")), "column a is INTEGER.* STRING"),
        (table(column("a", mode="REPEATED")), table(column("a")), "column a is REPEATED"),
        (table(column("a", mode="REQUIRED")), table(), "column a is REQUIRED and not in the type"),
        (
            table(record("where", column("city", "DATE"))),
            table(record("where", column("city"))),
            r"column where\.city is DATE",
        ),
        (table(partition=None), table(), "not partitioned, and should be by day"),
        (table(partition="id"), table(), "partitioned by id, and should be by day"),
    ],
)
def test_what_cannot_become_right_is_refused_by_name(
    there: Table, wanted: Table, named: str
) -> None:
    before = there.to_api_repr()
    with pytest.raises(IncompatibleTable, match=rf"project\.dataset\.things.*{named}"):
        evolve(there, wanted, Contract.EVOLVE)
    assert there.to_api_repr() == before


def test_all_differences_are_named() -> None:
    there = table(column("a", "INTEGER"), column("b", "DATE"))
    with pytest.raises(IncompatibleTable) as caught:
        evolve(there, table(column("a"), column("b")), Contract.EVOLVE)
    assert len(caught.value.differences) == 2


def test_a_frozen_table_that_lacks_what_every_row_has_is_refused() -> None:
    wanted = table(record("where", column("city"), column("street", mode="REQUIRED")))
    with pytest.raises(
        IncompatibleTable, match=r"where\.street is missing, which a frozen contract"
    ):
        evolve(table(record("where", column("city"))), wanted, Contract.FREEZE)


def test_a_frozen_table_may_lack_what_a_row_need_not_have() -> None:
    there = table(record("where", column("city")))
    wanted = table(
        record("where", column("city"), column("street")), column("a", mode="REPEATED"), column("b")
    )
    before = there.to_api_repr()
    assert evolve(there, wanted, Contract.FREEZE) == []
    assert there.to_api_repr() == before


def test_under_discard_only_the_column_for_the_rest_is_added() -> None:
    extra = SchemaField.from_api_repr(EXTRA.to_api())
    wanted = table(column("a"), column("b", mode="REQUIRED"), extra)
    there = table(column("a"))
    assert evolve(there, wanted, Contract.DISCARD) == ["schema"]
    assert modes(there.schema) == {**modes(table(column("a")).schema), "extra": "NULLABLE"}
    assert evolve(there, wanted, Contract.DISCARD) == []


def test_under_discard_a_column_that_is_too_strict_stays_and_is_named() -> None:
    there = table(column("a", mode="REQUIRED"))
    with pytest.raises(IncompatibleTable, match=r"column a becomes NULLABLE, which a frozen"):
        evolve(there, table(column("a")), Contract.DISCARD)
