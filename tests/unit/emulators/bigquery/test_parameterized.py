"""STRING(L), BYTES(L), NUMERIC(P, S): told back, and held to, however a value comes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from localgcp.bigquery.catalog.schema import parse_schema, to_resource
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.errors import BigQueryError
from localgcp.bigquery.googlesql.reference.client import shared
from localgcp.bigquery.jobs.query import Query
from localgcp.bigquery.rows.streaming import Row
from localgcp.bigquery.service import Service

PROJECT = "test-project"
T = Name(PROJECT, "d", "t")


@pytest.fixture
def service() -> Iterator[Service]:
    """With a table of all of them."""
    made = Service(None, reference=shared())
    run(made, "CREATE SCHEMA d")
    run(
        made,
        "CREATE TABLE d.t (s STRING(3), b BYTES(2), n NUMERIC(4, 2), w NUMERIC(2),"
        " r ARRAY<STRUCT<s STRING(1)>>)",
    )
    yield made
    made.close()


def run(service: Service, sql: str) -> list[dict[str, Any]]:
    rows = service.queries.run(Query(sql, PROJECT, "d")).rows
    return [] if rows is None else list(rows.to_pylist())


def insert(service: Service, **values: Any) -> list[str]:
    """What insertAll says of a row."""
    rows = [Row(None, values)]
    told = service.streaming.insert_all(T, rows, skip_invalid=False, ignore_unknown=False)
    return [error.message for error in told]


def test_the_schema_comes_back_as_it_was_made(service: Service) -> None:
    resource = to_resource(service.catalog.table(T).fields)
    assert [
        (field.get("maxLength"), field.get("precision"), field.get("scale")) for field in resource
    ] == [("3", None, None), ("2", None, None), (None, "4", "2"), (None, "2", None), (None,) * 3]
    assert parse_schema({"fields": resource}) == service.catalog.table(T).fields
    names = [row["data_type"] for row in run(service, "SELECT * FROM d.INFORMATION_SCHEMA.COLUMNS")]
    assert names == [
        *("STRING(3)", "BYTES(2)", "NUMERIC(4, 2)", "NUMERIC(2)"),
        "ARRAY<STRUCT<s STRING(1)>>",
    ]


def test_what_fits_is_kept_and_a_numeric_rounded(service: Service) -> None:
    assert insert(service, s="äöü", b="AAA=", n="1.235", w=98.5, r=[{"s": "x"}]) == []
    run(service, "INSERT INTO d.t (s, n) VALUES ('abc', NUMERIC '-1.235')")
    assert run(service, "SELECT s, n, w FROM d.t ORDER BY n") == [
        {"s": "abc", "n": Decimal("-1.24"), "w": None},
        {"s": "äöü", "n": Decimal("1.24"), "w": Decimal(99)},
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"s": "abcd"}, "Field s: STRING(3) has maximum length 3 but got a value with length 4"),
        ({"b": "AAAA"}, "Field b: BYTES(2) has maximum length 2 but got a value with length 3"),
        ({"n": "99.995"}, "Field n: NUMERIC(4, 2) has precision 4 and scale 2"),
        ({"w": 100}, "Field w: NUMERIC(2, 0) has precision 2 and scale 0"),
        ({"r": [{"s": "x"}, {"s": "xy"}]}, "Field r[1].s: STRING(1) has maximum length 1"),
    ],
)
def test_a_row_that_does_not_fit_is_told(
    service: Service, row: dict[str, Any], message: str
) -> None:
    (told,) = insert(service, **row)
    assert told.startswith(message)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("INSERT INTO d.t (s) VALUES ('abcd')", r"Field s: STRING\(3\) has maximum length 3"),
        ("INSERT INTO d.t (b) VALUES (b'abc')", r"Field b: BYTES\(2\) has maximum length 2"),
        ("INSERT INTO d.t (n) VALUES (100)", r"100(\.0+)?.* to type DECIMAL\(4,2\)"),
        ("CREATE TABLE d.u (n NUMERIC(40, 2))", r"In NUMERIC\(P, 2\), P must be between 2 and 31"),
        ("CREATE TABLE d.u (n NUMERIC(12, 10))", r"In NUMERIC\(P, S\), S must be between 0 and 9"),
        ("CREATE TABLE d.u (n BIGNUMERIC(10, 2))", "not supported by the emulator: type BIGNUM"),
        ("ALTER TABLE d.t ADD COLUMN z STRING(5)", "not supported by the emulator: adding column"),
    ],
)
def test_a_statement_is_held_to_them(service: Service, sql: str, message: str) -> None:
    with pytest.raises(BigQueryError, match=message):
        run(service, sql)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"type": "INTEGER", "maxLength": "3"}, "neither STRING nor BYTES"),
        ({"type": "STRING", "maxLength": "0"}, "not positive"),
        ({"type": "STRING", "maxLength": "x"}, "not an integer"),
        ({"type": "NUMERIC", "scale": "3"}, "a precision, of a NUMERIC"),
        ({"type": "FLOAT", "precision": "3"}, "a precision, of a NUMERIC"),
        ({"type": "BIGNUMERIC", "precision": "3"}, "not supported by the emulator: precision"),
    ],
)
def test_a_field_that_is_none_is_told(field: dict[str, str], message: str) -> None:
    with pytest.raises(BigQueryError, match=message):
        parse_schema({"fields": [{"name": "x", **field}]})


def test_parameters_do_not_change(service: Service) -> None:
    changed = to_resource(service.catalog.table(T).fields)
    changed[0]["maxLength"] = "5"
    with pytest.raises(BigQueryError, match="other parameters of the type of column s"):
        service.change_table(T, {"schema": {"fields": changed}}, None)
