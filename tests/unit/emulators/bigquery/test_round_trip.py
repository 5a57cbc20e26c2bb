"""Random schemas and rows: by insertAll, by a load and by SQL they come back as they were sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.jobs.load_files import LoadSource
from localgcp.bigquery.jobs.loads import Load
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rows.cells import encode
from localgcp.bigquery.rows.streaming import Row
from localgcp.bigquery.service import Service

PROJECT = "test-project"
_numbers = count()

# A type -> values in the form that REST sends them back in.
_VALUES: dict[str, st.SearchStrategy[str]] = {
    "STRING": st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    "INTEGER": st.integers(-(2**63), 2**63 - 1).map(str),
    "BOOLEAN": st.sampled_from(["true", "false"]),
    "DATE": st.dates().map(str),
    "NUMERIC": st.decimals(-(10**28), 10**28, places=2).map(lambda value: f"{value.normalize():f}"),
    "BYTES": st.sampled_from(["", "AA==", "/w==", "aGk="]),
}


def _column(name: str) -> st.SearchStrategy[dict[str, Any]]:
    modes = st.sampled_from(["NULLABLE", "REPEATED", "REQUIRED"])
    plain = st.fixed_dictionaries(
        {"name": st.just(name), "type": st.sampled_from(sorted(_VALUES)), "mode": modes}
    )
    record = st.fixed_dictionaries(
        {
            "name": st.just(name),
            "type": st.just("RECORD"),
            "mode": modes,
            "fields": st.tuples(
                plain.map(lambda field: field | {"name": "x"}),
                plain.map(lambda field: field | {"name": "y"}),
            ).map(list),
        }
    )
    return plain | record


def _value(field: dict[str, Any]) -> st.SearchStrategy[Any]:
    one = _row(field["fields"]) if field["type"] == "RECORD" else _VALUES[field["type"]]
    if field["mode"] == "REPEATED":
        return st.lists(one, max_size=3)
    return one if field["mode"] == "REQUIRED" else st.none() | one


def _row(fields: list[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({field["name"]: _value(field) for field in fields})


@st.composite
def _tables(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A schema, and rows of it."""
    size = draw(st.integers(1, 4))
    fields = [draw(_column(f"c{place}")) for place in range(size)]
    return fields, draw(st.lists(_row(fields), min_size=1, max_size=4))


def _plain(field: dict[str, Any], cell: Any) -> Any:
    """What REST says of a cell, in the form of what was sent."""
    if field["mode"] == "REPEATED":
        one = field | {"mode": "REQUIRED"}
        return [_plain(one, each["v"]) for each in cell]
    if cell is None or field["type"] != "RECORD":
        return cell
    pairs = zip(field["fields"], cell["f"], strict=True)
    return {inner["name"]: _plain(inner, member["v"]) for inner, member in pairs}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    made = Service(None, reference=shared())
    made.catalog.create_dataset(PROJECT, {"datasetReference": {"datasetId": "d"}})
    yield made
    made.close()


def _read(service: Service, name: Name, fields: list[dict[str, Any]]) -> list[str]:
    outcome = service.queries.run(Query(f"SELECT * FROM d.{name.table}", PROJECT))
    assert outcome.rows is not None
    rows = encode(outcome.fields, outcome.rows, True)
    assert isinstance(rows, list)
    whole = {"name": "", "type": "RECORD", "mode": "REQUIRED", "fields": fields}
    return sorted(json.dumps(_plain(whole, row), sort_keys=True) for row in rows)


def _made(service: Service, fields: list[dict[str, Any]]) -> Name:
    name = Name(PROJECT, "d", f"t{next(_numbers)}")
    resource = {"tableReference": {"tableId": name.table}, "schema": {"fields": fields}}
    service.create_table(PROJECT, "d", resource)
    return name


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(table=_tables())
def test_rows_come_back_by_every_way(
    service: Service, table: tuple[list[dict[str, Any]], list[dict[str, Any]]]
) -> None:
    fields, rows = table
    sent = sorted(json.dumps(row, sort_keys=True) for row in rows)
    inserted, loaded = _made(service, fields), _made(service, fields)
    asked = [Row(None, row) for row in rows]
    told = service.streaming.insert_all(inserted, asked, skip_invalid=False, ignore_unknown=False)
    assert told == []
    assert _read(service, inserted, fields) == sent
    lines = "\n".join(json.dumps(row) for row in rows).encode()
    service.loads.run(Load(PROJECT, loaded, LoadSource(data=lines)))
    assert _read(service, loaded, fields) == sent
    copied = Name(PROJECT, "d", f"t{next(_numbers)}")
    service.queries.run(
        Query(f"CREATE TABLE d.{copied.table} AS SELECT * FROM d.{loaded.table}", PROJECT)
    )
    assert _read(service, copied, fields) == sent
    for name in (inserted, loaded, copied):
        service.catalog.delete_table(name)
