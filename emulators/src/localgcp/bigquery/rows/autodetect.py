"""A schema from the rows themselves, where BigQuery's own answer is beyond doubt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import Invalid, NotSupported

ROWS = 500  # Using schema auto-detection: it scans up to the first 500 rows

_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
MOMENT = re.compile(r"\d{4}-\d\d?-\d\d?[T ]\d\d?:\d\d(:\d\d(\.\d+)?)?( ?(Z|UTC|[+-]\d\d(:?\d\d)?))")
# BigQuery may take such a text for a number, a BOOL, a TIME or a DATETIME.
_DOUBTFUL = re.compile(r"[+-]?[\d.]+([eE][+-]?\d+)?|true|false|[\dT: .-]*\d:\d[\d.]*", re.I)


def detect(rows: Iterable[Mapping[str, Any]]) -> tuple[Field, ...]:
    """The fields that the rows have, in the order that they first appear.

    Raises NotSupported for a text of which only BigQuery could say what it takes it for, Invalid
    for a field that has two types.
    """
    kinds: dict[str, list[Any]] = {}
    for row in rows:
        for key, value in row.items():
            kinds.setdefault(key, []).append(value)
    return tuple(_field(name, values) for name, values in kinds.items())


def _field(name: str, values: list[Any]) -> Field:
    present = [value for value in values if value is not None]
    lists = [value for value in present if isinstance(value, list)]
    if lists:
        if len(lists) < len(present):
            raise Invalid(f"Field {name} is an array in one row and none in another")
        present = [item for value in lists for item in value if item is not None]
    mode = "REPEATED" if lists else "NULLABLE"
    if present and all(isinstance(value, dict) for value in present):
        return Field(name, "RECORD", mode, fields=detect(present))
    found = {_kind(name, value) for value in present}
    if found == {"INTEGER", "FLOAT"}:
        found = {"FLOAT"}
    if len(found) > 1 and found <= {"STRING", "DATE", "TIMESTAMP"}:
        found = {"STRING"}
    if len(found) > 1:
        raise Invalid(f"Field {name} has values of several types: {', '.join(sorted(found))}")
    return Field(name, found.pop() if found else "STRING", mode)


def _kind(name: str, value: Any) -> str:
    if isinstance(value, str):
        return _kind_of_text(name, value)
    kinds = {bool: "BOOLEAN", int: "INTEGER", float: "FLOAT", dict: "RECORD", list: "array"}
    return kinds[type(value)]


def _kind_of_text(name: str, text: str) -> str:
    if _DATE.fullmatch(text):
        return "DATE"
    if MOMENT.fullmatch(text):
        return "TIMESTAMP"
    if _DOUBTFUL.fullmatch(text):
        raise NotSupported(
            f"autodetect of field {name} from text {text!r}; give a schema", "schema"
        )
    return "STRING"
