"""What requests bring, read as BigQuery's clients mean it: parameters, insertIds, lines of CSV."""

from __future__ import annotations

from typing import Any

import pytest

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import BadValue, NotSupported
from localgcp.bigquery.googlesql.parameters import parse
from localgcp.bigquery.rest.wire import insert_rows
from localgcp.bigquery.rows.csv_autodetect import detect
from localgcp.bigquery.rows.csv_file import CsvFile


def value_of(kind: dict[str, Any], given: dict[str, Any]) -> object:
    [parameter] = parse([{"name": "p", "parameterType": kind, "parameterValue": given}])
    return parameter.value


@pytest.mark.parametrize(
    ("element", "start", "end", "text"),
    [
        ("DATE", "2016-12-05", None, "[2016-12-05, UNBOUNDED)"),
        ("DATE", "2016-1-5", "2016-12-05", "[2016-01-05, 2016-12-05)"),
        ("DATETIME", None, "2016-12-05T01:00:00", "[UNBOUNDED, 2016-12-05T01:00:00)"),
        ("TIMESTAMP", None, None, "[UNBOUNDED, UNBOUNDED)"),
    ],
)
def test_a_range_comes_by_its_bounds(
    element: str, start: str | None, end: str | None, text: str
) -> None:
    kind = {"type": "RANGE", "rangeElementType": {"type": element}}
    bounds = {"start": {"value": start}, "end": {"value": end}}
    assert value_of(kind, {"rangeValue": bounds}) == text
    assert value_of(kind, {"value": None}) is None


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ({"type": "RANGE"}, {"rangeValue": {}}),
        ({"type": "RANGE", "rangeElementType": {"type": "INT64"}}, {"rangeValue": {}}),
        (
            {"type": "RANGE", "rangeElementType": {"type": "DATE"}},
            {"rangeValue": {"start": {"value": "2024-01-02"}, "end": {"value": "2024-01-02"}}},
        ),
        (
            {"type": "RANGE", "rangeElementType": {"type": "DATE"}},
            {"rangeValue": {"start": {"value": "soon"}}},
        ),
        ({"type": "TIMESTAMP"}, {"value": 1481097600.0}),
    ],
)
def test_a_value_of_another_form_is_refused(kind: dict[str, Any], given: dict[str, Any]) -> None:
    with pytest.raises(BadValue):
        value_of(kind, given)


def test_an_insert_id_may_be_a_number() -> None:
    rows = insert_rows({"rows": [{"insertId": id_, "json": {}} for id_ in (7, "7", None, 1.5)]})
    assert [row.insert_id for row in rows] == ["7", "7", None, "1.5"]
    with pytest.raises(BadValue, match=r"rows\.insertId"):
        insert_rows({"rows": [{"insertId": ["x"]}]})


def test_an_empty_line_is_a_row_of_one_column_and_of_more_none() -> None:
    one, two = (Field("a", "INTEGER"),), (Field("a", "INTEGER"), Field("b", "INTEGER"))
    assert list(CsvFile(b"1\n\n2\n").rows(one, False, 0)) == [{"a": 1}, {"a": None}, {"a": 2}]
    assert list(CsvFile(b"1,2\n\n3,4\n").rows(two, False, 0)) == [
        {"a": 1, "b": 2},
        {"a": 3, "b": 4},
    ]


def test_a_header_names_columns_by_letters_digits_and_underscores() -> None:
    fields, header = detect([["Full Name", "2024", "a.b", "_x"], ["Ada", "1", "2", "3"]], True)
    assert not header  # a number is no name
    fields, header = detect([["Full Name", "2nd", "a.b", "_x"], ["Ada", "1", "2", "3"]], True)
    assert header
    assert [field.name for field in fields] == ["Full_Name", "_2nd", "a_b", "_x"]
    for title in ("a b", "größe"):
        with pytest.raises(NotSupported):
            detect([[title, "a_b"], ["1", "2"]], True)
