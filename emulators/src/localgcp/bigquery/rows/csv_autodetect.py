"""A schema from CSV's own cells, where BigQuery's answer is beyond doubt.

Source: Using schema auto-detection, "CSV data".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from localgcp.bigquery.catalog.schema import MAX_NAME, Field
from localgcp.bigquery.errors import Invalid, NotSupported
from localgcp.bigquery.rows.autodetect import MOMENT, ROWS

_KINDS = (
    ("INTEGER", re.compile(r"[+-]?\d{1,18}")),
    ("FLOAT", re.compile(r"[+-]?(\d+\.\d*|\.?\d+)([eE][+-]?\d+)?")),
    ("BOOLEAN", re.compile(r"true|false", re.I)),
    ("DATE", re.compile(r"\d{4}-\d\d?-\d\d?")),
    ("TIMESTAMP", MOMENT),
)
# A TIME, a DATETIME or a date in another order, which BigQuery may take or leave.
_DOUBTFUL = re.compile(r"[\dT/: .-]*\d[:/]\d[\dT/: .-]*( ?[AP]M)?", re.I)
_PLAIN = re.compile(r"[A-Za-z0-9_]+")
Record = list[str | None]


def detect(records: list[Record], names: bool) -> tuple[tuple[Field, ...], bool]:
    """The columns, and whether the first record holds their names (never unless `names`).

    It does when all its cells are text and a column below is something else. Raises Invalid for no
    records, NotSupported where only BigQuery could say.
    """
    if not records:
        raise Invalid("Schema has no fields: the file has no row to detect them from", "schema")
    width = max(map(len, records[: ROWS + 1]))
    first = [_kind(cell) for cell in records[0]]
    below = _kinds(records[1 : ROWS + 1], width)
    header = names and set(first) == {"STRING"} and set(below) - {"STRING", None} != set()
    kinds = below if header else _kinds(records[:ROWS], width)
    titles = _titles(records[0], width) if header else None
    fields = tuple(
        Field(
            titles[place] if titles else f"{_WORDS[kind or 'STRING']}_field_{place}",
            kind or "STRING",
        )
        for place, kind in enumerate(kinds)
    )
    return fields, header


_WORDS = {"INTEGER": "int64", "FLOAT": "double", "BOOLEAN": "bool", "STRING": "string"} | {
    "DATE": "date",
    "TIMESTAMP": "timestamp",
}


def _titles(record: Record, width: int) -> list[str]:
    """The names that a header gives. Raises NotSupported for a header that BigQuery makes over.

    Save what is beyond doubt: each other character is an underscore, and one stands before a digit.
    """
    titles = [_title(title or "") for title in record]
    if len(titles) != width or len({title.lower() for title in titles}) != width:
        raise NotSupported(f"autodetect by the header {titles}; give a schema", "schema")
    return titles


def _title(title: str) -> str:
    plain = "".join(each if _PLAIN.fullmatch(each) else "_" for each in title)
    if not plain or not title.isascii() or len(plain) >= MAX_NAME:
        raise NotSupported(f"autodetect of a column named {title!r}; give a schema", "schema")
    return f"_{plain}" if plain[0].isdigit() else plain


def _kinds(records: Iterable[Record], width: int) -> list[str | None]:
    """The type of each column; None where no record has a value."""
    found: list[set[str]] = [set() for _ in range(width)]
    for record in records:
        for place, cell in enumerate(record):
            if cell is not None:
                found[place].add(_kind(cell))
    return [_one(kinds) for kinds in found]


def _one(kinds: set[str]) -> str | None:
    if kinds == {"INTEGER", "FLOAT"}:
        return "FLOAT"
    if len(kinds) > 1:
        return "STRING"
    return kinds.pop() if kinds else None


def _kind(cell: str | None) -> str:
    if cell is None:
        return "STRING"
    for kind, pattern in _KINDS:
        if pattern.fullmatch(cell):
            return kind
    if _DOUBTFUL.fullmatch(cell):
        raise NotSupported(f"autodetect of text {cell!r}; give a schema", "schema")
    return "STRING"
