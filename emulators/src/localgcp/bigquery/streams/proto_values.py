"""A value of a protobuf field -> what its column holds.

Source: "Data type conversions" of the Storage Write API: which types of protobuf a column takes,
the preferred one first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as Kind

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.rows.reader import RowError, compile_reader

Convert = Callable[[Any, str], Any]

_EPOCH, _FIRST = datetime(1970, 1, 1, tzinfo=UTC), date(1970, 1, 1)
_INTS = {
    *(Kind.TYPE_INT32, Kind.TYPE_INT64, Kind.TYPE_UINT32, Kind.TYPE_UINT64, Kind.TYPE_SINT32),
    *(Kind.TYPE_SINT64, Kind.TYPE_FIXED32, Kind.TYPE_FIXED64, Kind.TYPE_SFIXED32),
    Kind.TYPE_SFIXED64,
}
_FLOATS = {Kind.TYPE_DOUBLE, Kind.TYPE_FLOAT}
_SCALES = {"NUMERIC": 9, "BIGNUMERIC": 38}
_MOST_BYTES = 32


def converter(column: Field, kind: int) -> Convert | None:
    """What turns values of protobuf type `kind` into the column's; None where it takes none."""
    group = _group(kind)
    found = _CONVERTERS.get((column.type, group))
    if found is not None:
        return found
    if group == "text" and column.type not in ("RECORD", "BYTES"):
        return _texts(column)
    if group in ("int", "float") and column.type in _SCALES:
        return _texts(column)
    if group == "bytes" and column.type in _SCALES:
        return _decimal_bytes(column)
    return None


def _group(kind: int) -> str:
    if kind in _INTS:
        return "int"
    if kind in _FLOATS:
        return "float"
    names = {Kind.TYPE_STRING: "text", Kind.TYPE_BYTES: "bytes", Kind.TYPE_BOOL: "bool"}
    return names.get(kind, "enum" if kind == Kind.TYPE_ENUM else "message")


def _same(value: Any, path: str) -> Any:
    return value


def _texts(column: Field) -> Convert:
    """By the reader of insertAll, whose texts are the same."""
    read = compile_reader((Field("value", column.type),), False).columns[0][1]

    def convert(value: Any, path: str) -> Any:
        return read(repr(value) if isinstance(value, float) else value, path)

    return convert


def _integer(value: int, path: str) -> int:
    if value >= 2**63:
        raise RowError(path, f"Value {value} of field {path} is no INT64")
    return value


def _day(value: int, path: str) -> date:
    try:
        return _FIRST + timedelta(days=value)
    except OverflowError as error:
        raise RowError(path, f"Date value {value} of field {path} is out of range") from error


def _moment(value: int, path: str) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=value)
    except OverflowError as error:
        raise RowError(path, f"Timestamp value {value} of field {path} is out of range") from error


def _civil_time(value: int, path: str) -> time:
    """Hours, minutes, seconds and microseconds in 5, 6, 6 and 20 bits (CivilTimeEncoder)."""
    try:
        return time(value >> 32, value >> 26 & 63, value >> 20 & 63, value & 0xFFFFF)
    except ValueError as error:
        raise RowError(path, f"Time value {value} of field {path} is no packed time") from error


def _civil_datetime(value: int, path: str) -> datetime:
    """Year, month and day before the time, in 14, 4 and 5 bits."""
    try:
        day = date(value >> 46, value >> 42 & 15, value >> 37 & 31)
    except ValueError as error:
        why = f"Datetime value {value} of field {path} is no packed datetime"
        raise RowError(path, why) from error
    return datetime.combine(day, _civil_time(value & (1 << 37) - 1, path))


def _decimal_bytes(column: Field) -> Convert:
    """A whole number, little-endian, in units of the type's last place."""
    check, scale = _texts(column), _SCALES[column.type]

    def convert(value: bytes, path: str) -> Any:
        if len(value) > _MOST_BYTES:
            raise RowError(path, f"Invalid {column.type} value of {len(value)} bytes")
        units = int.from_bytes(value, "little", signed=True)
        return check(f"{units}e-{scale}", path)

    return convert


_CONVERTERS: dict[tuple[str, str], Convert] = {
    ("STRING", "text"): _same,
    ("BYTES", "bytes"): _same,
    ("BYTES", "text"): lambda value, path: value.encode(),
    ("INTEGER", "int"): _integer,
    ("INTEGER", "enum"): _same,
    ("FLOAT", "float"): _same,
    ("FLOAT", "int"): lambda value, path: float(value),
    ("BOOLEAN", "bool"): _same,
    ("BOOLEAN", "int"): lambda value, path: value != 0,
    ("DATE", "int"): _day,
    ("TIMESTAMP", "int"): _moment,
    ("TIME", "int"): _civil_time,
    ("DATETIME", "int"): _civil_datetime,
}
