"""Rows as the text of an extract: CSV lines, or newline-delimited JSON.

Source: Exporting table data, "CSV and JSON export details": an INT64 or NUMERIC is text in JSON.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from localgcp.bigquery.catalog import bignumeric
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import Invalid
from localgcp.bigquery.rows.cells import float_text

if TYPE_CHECKING:
    import pyarrow as pa

Write = Callable[[Any], Any]


def check_flat(fields: tuple[Field, ...]) -> None:
    """Look whether CSV can hold the columns. Raises Invalid for a column that CSV cannot hold."""
    for column in fields:
        if column.fields or column.repeated:
            raise Invalid(f"Operation cannot be performed on a nested schema. Field: {column.name}")


def header(fields: tuple[Field, ...], delimiter: str) -> bytes:
    """The line of names."""
    return (delimiter.join(_cell(f.name, delimiter) for f in fields) + "\n").encode()


def csv_lines(fields: tuple[Field, ...], rows: pa.RecordBatch, delimiter: str) -> bytes:
    """A line a row; a NULL is an empty cell, an empty text a quoted one."""
    columns = []
    for column, values in zip(fields, rows.columns, strict=True):
        write = _TEXTS.get(column.type, str)
        columns.append(
            [
                "" if value is None else _cell(write(value), delimiter)
                for value in values.to_pylist()
            ]
        )
    lines = (delimiter.join(cells) + "\n" for cells in zip(*columns, strict=True))
    return "".join(lines).encode()


def json_lines(fields: tuple[Field, ...], rows: pa.RecordBatch) -> bytes:
    """An object a line; a NULL has no key."""
    columns = [
        [_json(column, value) for value in values.to_pylist()]
        for column, values in zip(fields, rows.columns, strict=True)
    ]
    names = [column.name for column in fields]
    return b"".join(_objects(names, columns))


def _objects(names: list[str], columns: list[list[Any]]) -> Iterator[bytes]:
    for row in zip(*columns, strict=True):
        present = {k: v for k, v in zip(names, row, strict=True) if v is not None}
        yield orjson.dumps(present) + b"\n"


def _json(column: Field, value: Any) -> Any:
    if column.repeated:
        return [_json_single(column, item) for item in value or ()]
    return None if value is None else _json_single(column, value)


def _json_single(column: Field, value: Any) -> Any:
    if column.fields:
        members = {f.name: _json(f, value[f.name]) for f in column.fields}
        return {name: member for name, member in members.items() if member is not None}
    if column.type == "JSON":
        return orjson.Fragment(value)
    if column.type == "BOOLEAN" or (column.type == "FLOAT" and math.isfinite(value)):
        return value
    return _TEXTS.get(column.type, str)(value)


def _cell(text: str, delimiter: str) -> str:
    plain = text and not any(mark in text for mark in (delimiter, '"', "\n", "\r"))
    return text if plain else '"' + text.replace('"', '""') + '"'


def _decimal(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ") + " UTC"


_TEXTS: dict[str, Write] = {
    "BYTES": lambda value: base64.b64encode(value).decode(),
    "FLOAT": float_text,
    "NUMERIC": _decimal,
    "BIGNUMERIC": bignumeric.text,
    "BOOLEAN": lambda value: "true" if value else "false",
    "TIMESTAMP": _moment,
    "DATE": lambda value: value.isoformat(),
    "TIME": lambda value: value.isoformat(),
    "DATETIME": lambda value: value.isoformat(),
}
