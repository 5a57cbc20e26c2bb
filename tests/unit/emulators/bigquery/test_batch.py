"""A batch read at once: the same values as row by row, or the word that it must be read so."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.rows.appending import to_arrow
from localgcp.bigquery.rows.batch import Unfit, compile_batch
from localgcp.bigquery.rows.reader import RowError, compile_reader

ITEM = (Field("name", "STRING", "REQUIRED"), Field("price", "FLOAT"))
FIELDS = (
    Field("s", "STRING", "REQUIRED"),
    Field("n", "INTEGER"),
    Field("f", "FLOAT"),
    Field("b", "BOOLEAN"),
    Field("d", "DATE"),
    Field("at", "TIMESTAMP"),
    Field("local", "DATETIME"),
    Field("money", "NUMERIC"),
    Field("short", "STRING", length=3),
    Field("tags", "STRING", "REPEATED"),
    Field("times", "TIMESTAMP", "REPEATED"),
    Field("items", "RECORD", "REPEATED", fields=ITEM),
    Field("item", "RECORD", fields=ITEM),
)

_DAYS = st.sampled_from(
    ["2024-01-15", "2024-02-29", "2023-02-29", "2024-1-5", "1999-12-31", "0001-01-01", "x", ""]
)
_CLOCKS = st.sampled_from(
    ["T10:11:12", " 10:11:12.5", "T10:11:12.123456", "T23:59:59.1234567", "T24:00:00", " 1:02", ""]
)
_ZONES = st.sampled_from(["Z", "+00:00", "-07:30", "+14:59", " UTC", "+2", "z", ""])
_TIMES = st.builds(lambda *parts: "".join(parts), _DAYS, _CLOCKS, _ZONES)
_ANY: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    _TIMES,
    st.lists(st.text(max_size=3) | st.none() | _TIMES, max_size=3),
    st.dictionaries(st.sampled_from(["name", "price", "Name", "more"]), st.text(max_size=3)),
)
_GOOD: dict[str, st.SearchStrategy[Any]] = {
    "STRING": st.text(max_size=3),
    "INTEGER": st.integers(-(2**63), 2**63 - 1),
    "FLOAT": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
    "BOOLEAN": st.booleans(),
    "DATE": _DAYS,
    "TIMESTAMP": _TIMES,
    "DATETIME": st.builds(lambda day, clock: day + clock, _DAYS, _CLOCKS),
    "NUMERIC": st.integers(-9, 9).map(str),
}


def _value(field: Field) -> st.SearchStrategy[Any]:
    inner = {member.name: _value(member) for member in field.fields}
    one = st.fixed_dictionaries(inner) if field.fields else _GOOD[field.type]
    return st.lists(one, max_size=3) if field.repeated else one


_MOST = ("s", "n", "at", "items")
_ROWS = st.lists(
    st.fixed_dictionaries(
        {field.name: _value(field) for field in FIELDS if field.name in _MOST},
        optional={field.name: _value(field) | _ANY for field in FIELDS if field.name not in _MOST}
        | dict.fromkeys(("S", "Tags", "more"), _ANY),
    ),
    max_size=4,
)


def by_row(rows: list[dict[str, Any]], ignore: bool) -> pa.Table:
    reader = compile_reader(FIELDS, ignore)
    return to_arrow(FIELDS, [reader.read(row) for row in rows])


@settings(max_examples=300, deadline=None)
@given(rows=_ROWS, ignore=st.booleans())
def test_a_batch_is_its_rows(rows: list[dict[str, Any]], ignore: bool) -> None:
    try:
        batch = compile_batch(FIELDS, ignore).table(rows)
    except Unfit:
        return  # then it is read row by row
    assert batch.equals(by_row(rows, ignore))


GOOD: dict[str, Any] = {
    "s": "a",
    "n": 1,
    "f": 2,
    "b": True,
    "d": "2024-01-15",
    "at": "2024-01-15T10:11:12.5+02:00",
    "local": "2024-01-15T10:11:12",
    "money": "1.5",
    "short": "abc",
    "tags": ["x"],
    "times": ["2024-01-15 10:11:12Z"],
    "items": [{"name": "y", "price": 1.5}, {"name": "z", "price": 2}],
    "item": {"name": "y", "price": 1.5},
}


@pytest.mark.parametrize("row", [GOOD, {"s": "a"}, {**GOOD, "n": None, "at": 1.5, "tags": None}])
def test_what_is_common_is_read_at_once(row: dict[str, Any]) -> None:
    rows = [GOOD, row, GOOD]
    assert compile_batch(FIELDS, False).table(rows).equals(by_row(rows, False))


@pytest.mark.parametrize(
    "row",
    [
        *({}, {**GOOD, "more": 1}, {**GOOD, "S": "b"}, {**GOOD, "n": 2**63}, {**GOOD, "n": "x"}),
        *(
            {**GOOD, "d": "2023-02-29"},
            {**GOOD, "at": "2024-13-15T00:00:00Z"},
            {**GOOD, "short": "abcd"},
        ),
        *({**GOOD, "tags": ["x", None]}, {**GOOD, "items": [{"price": 1}]}, {**GOOD, "s": None}),
        *({**GOOD, "item": {"name": "y", "price": 1.5, "more": 2}}, {**GOOD, "s": ["a"]}),
    ],
)
def test_what_is_wrong_is_left_to_the_rows(row: dict[str, Any]) -> None:
    with pytest.raises(Unfit):
        compile_batch(FIELDS, False).table([GOOD, row])


def test_a_row_that_is_none() -> None:
    with pytest.raises(Unfit):
        compile_batch(FIELDS, False).table([GOOD, None])


def test_a_name_in_other_letters_is_left_to_the_rows() -> None:
    lower = {key: value for key, value in GOOD.items() if key != "n"} | {"N": 1}
    for ignore in (False, True):
        with pytest.raises(Unfit):
            compile_batch(FIELDS, ignore).table([GOOD, lower])
    with pytest.raises(RowError):
        by_row([{**GOOD, "more": 1}], False)
