"""A result's columns -> BigQuery's row format: {"f": [{"v": ...}]}, every scalar as text.

Source of the format: tabledata.list and jobs.getQueryResults in the REST reference. Work goes
column by column, since the type of a column decides all its values' form.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog import bignumeric
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import QueryFailed
from localgcp.bigquery.failures import told

if TYPE_CHECKING:
    import pyarrow as pa

_EPOCH = datetime(1970, 1, 1)
_PLACES, _DIGITS = Decimal("1e-9"), Context(prec=80)
_MICROSECOND = timedelta(microseconds=1)
Writer = Callable[[Any], Any]


def encode(fields: tuple[Field, ...], rows: pa.Table, int64_timestamps: bool) -> list[Any]:
    """The rows of an Arrow table whose columns are `fields`, as the wire has them.

    Raises QueryFailed for a value that BigQuery does not have, as a DATE of the year 10000.
    """
    columns = []
    with told():
        for field, column in zip(fields, rows.columns, strict=True):
            write = _writer(field, int64_timestamps)
            columns.append([{"v": write(value)} for value in column.to_pylist()])
    if not columns:
        return [{"f": []} for _ in range(rows.num_rows)]
    return [{"f": list(cells)} for cells in zip(*columns, strict=True)]


def _writer(field: Field, int64_timestamps: bool) -> Writer:
    single = _scalar_or_record(field, int64_timestamps)
    if not field.repeated:
        return lambda value: None if value is None else single(value)

    def write(values: list[Any] | None) -> list[Any]:
        if values and any(value is None for value in values):
            raise QueryFailed(
                f"Array cannot have a null element; error in writing field {field.name}"
            )
        # BigQuery stores no null array: it reads back as an empty one.
        return [{"v": single(value)} for value in values or ()]

    return write


def _scalar_or_record(field: Field, int64_timestamps: bool) -> Writer:
    if field.type == "TIMESTAMP":
        return _micros if int64_timestamps else _seconds
    if field.type == "RANGE" and field.element == "TIMESTAMP":
        return _bounds(_micros if int64_timestamps else _seconds)
    if field.type != "RECORD":
        return _WRITERS[field.type]
    members = [(f.name, _writer(f, int64_timestamps)) for f in field.fields]

    def write(value: dict[str, Any]) -> dict[str, Any]:
        return {"f": [{"v": member(value[name])} for name, member in members]}

    return write


def _micros(value: datetime) -> str:
    return str((value.replace(tzinfo=None) - _EPOCH) // _MICROSECOND)


def _seconds(value: datetime) -> str:
    return repr((value.replace(tzinfo=None) - _EPOCH) / timedelta(seconds=1))


def _bounds(write: Writer) -> Writer:
    """A RANGE of TIMESTAMP: its bounds are written as timestamps are."""

    def bound(text: str) -> str:
        return text if text == "UNBOUNDED" else str(write(datetime.fromisoformat(text)))

    def both(text: str) -> str:
        start, _, end = text[1:-1].partition(", ")
        return f"[{bound(start)}, {bound(end)})"

    return both


def float_text(value: float) -> str:
    """A FLOAT64 as BigQuery writes it where it is text: the shortest that reads back the same."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _decimal(value: Decimal) -> str:
    rounded = value.quantize(_PLACES, ROUND_HALF_UP, _DIGITS)
    text = format(rounded, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _iso(value: date | time | datetime) -> str:
    return value.isoformat()


_WRITERS: dict[str, Writer] = {
    "STRING": str,
    "BYTES": _bytes,
    "INTEGER": str,
    "FLOAT": float_text,
    "NUMERIC": _decimal,
    "BIGNUMERIC": bignumeric.text,
    "BOOLEAN": _boolean,
    "DATE": _iso,
    "TIME": _iso,
    "DATETIME": _iso,
    "JSON": str,
    "INTERVAL": str,
    "RANGE": str,
}
