"""Rows as a person reads them: a table where it fits the screen, else one field a line."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

GAP = "  "
NULL = "NULL"


def lines(columns: Sequence[str], pages: Iterator[list[list[Any]]], width: int) -> Iterator[str]:
    """The rows, page by page, in at most `width` columns where they can be.

    The first page says how wide a column is; a longer value of a later one stands out.
    """
    first = next(pages, [])
    cells = [[_shown(value) for value in row] for row in first]
    widths = [
        max(map(_width, (column, *(row[each] for row in cells))))
        for each, column in enumerate(columns)
    ]
    whole = chain((cells,), ([[_shown(value) for value in row] for row in page] for page in pages))
    if sum(widths) + len(GAP) * (len(widths) - 1) > width:
        yield from _records(columns, whole)
        return
    numbers = [
        bool(first) and all(_is_number(row[each]) for row in first) for each in range(len(columns))
    ]
    yield _line(columns, widths, numbers)
    yield GAP.join("─" * each for each in widths)
    for page in whole:
        for row in page:
            yield _line(row, widths, numbers)


def _line(cells: Sequence[str], widths: Sequence[int], numbers: Sequence[bool]) -> str:
    padded = (
        " " * (width - _width(cell)) + cell if right else cell + " " * (width - _width(cell))
        for cell, width, right in zip(cells, widths, numbers, strict=True)
    )
    return GAP.join(padded).rstrip()


def _records(columns: Sequence[str], pages: Iterator[list[list[str]]]) -> Iterator[str]:
    names = max(map(_width, columns))
    number = 0
    for page in pages:
        for row in page:
            number += 1
            yield f"row {number:,}"
            for column, cell in zip(columns, row, strict=True):
                yield f"  {column}{' ' * (names - _width(column))}{GAP}{cell}"


def _shown(value: Any) -> str:
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # A line break in a value would break the table; a control character, the terminal.
        return "".join(each if each.isprintable() else repr(each)[1:-1] for each in value)
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _width(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )
