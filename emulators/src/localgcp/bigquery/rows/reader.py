"""A row as insertAll takes it -> the values Arrow takes, or what is wrong with it, and where.

A schema is compiled once into one reader a column, so that a row costs one call a value.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.rows import as_text, decimals
from localgcp.bigquery.rows.limits import within

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT64 = range(-(2**63), 2**63)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_TIMESTAMP = re.compile(
    r"(\d{4}-\d{1,2}-\d{1,2})(?:[Tt ](\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?))?"
    r"\s*(Z|z|UTC|[+-]\d{1,2}(?::?\d{2})?)?"
)

Reader = Callable[[Any, str], Any]


class RowError(Exception):
    """One value is wrong: `location` is the field's path, `message` BigQuery's wording."""

    def __init__(self, location: str, message: str) -> None:
        self.location, self.message = location, message
        super().__init__(f"{location}: {message}")


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads rows (or RECORD values) of one schema."""

    columns: tuple[tuple[Field, Reader], ...]
    by_lower: Mapping[str, str]
    ignore_unknown: bool

    def read(self, row: Mapping[str, Any], path: str = "") -> dict[str, Any]:
        """Every column's value, in the schema's order. Raises RowError."""
        values: dict[str, Any] = {}
        used = 0
        for field, reader in self.columns:
            raw = row.get(field.name)
            if raw is None and field.name not in row:
                values[field.name] = self._absent(row, field, reader, path)
                continue
            used += 1
            values[field.name] = reader(raw, path + field.name)
        if used != len(row):
            self._check_unknown(row, path)
        return values

    def _absent(self, row: Mapping[str, Any], field: Field, reader: Reader, path: str) -> Any:
        # Names are matched without case, but rows rarely need it.
        for key in row:
            if key.lower() == field.name.lower():
                return reader(row[key], path + field.name)
        if field.required:
            raise RowError(path + field.name, f"Missing required field: {path}{field.name}.")
        return [] if field.repeated else None

    def _check_unknown(self, row: Mapping[str, Any], path: str) -> None:
        for key in row:
            if not self.ignore_unknown and key.lower() not in self.by_lower:
                raise RowError(path + key, f"no such field: {path}{key}.")


def compile_reader(fields: tuple[Field, ...], ignore_unknown: bool) -> RowReader:
    """The reader for a schema."""
    columns = tuple((field, reader_of(field, ignore_unknown)) for field in fields)
    return RowReader(columns, {f.name.lower(): f.name for f in fields}, ignore_unknown)


def reader_of(field: Field, ignore_unknown: bool) -> Reader:
    """What reads one column's values, each with its path. It raises RowError."""
    value = _record(field, ignore_unknown) if field.fields else _SCALARS[field.type]
    limited = field.length is not None or field.precision is not None
    if limited:
        value = within(field, value, RowError)
    if field.repeated:
        return _repeated(value)
    return _single(value, field.required, None if limited else _AS_IS.get(field.type))


def _single(value: Reader, required: bool, as_is: type | None) -> Reader:
    def read(raw: Any, path: str) -> Any:
        if type(raw) is as_is:
            return raw
        if raw is None:
            if required:
                raise RowError(path, f"Missing required field: {path}.")
            return None
        if isinstance(raw, list):
            raise RowError(path, f"Array specified for non-repeated field: {path}.")
        return value(raw, path)

    return read


def _repeated(value: Reader) -> Reader:
    def read(raw: Any, path: str) -> list[Any]:
        if raw is None:
            return []
        if not isinstance(raw, list):
            raise RowError(path, f"Repeated field must be specified as an array: {path}.")
        values = []
        for index, item in enumerate(raw):
            if item is None or isinstance(item, list):
                raise RowError(f"{path}[{index}]", f"Only scalars or records in an array: {path}.")
            values.append(value(item, f"{path}[{index}]"))
        return values

    return read


def _record(field: Field, ignore_unknown: bool) -> Reader:
    reader = compile_reader(field.fields, ignore_unknown)

    def read(raw: Any, path: str) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise RowError(path, f"This field: {path} is not a record.")
        return reader.read(raw, path + ".")

    return read


def _bad(kind: str, raw: Any, path: str) -> RowError:
    return RowError(path, f"Cannot convert value to {kind} (bad value): {raw}")


def _string(raw: Any, path: str) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | float):
        return str(raw)
    raise RowError(path, f"This field: {path} is not a record.")


def _grouped(raw: Any) -> bool:
    """Python reads 1_000 as a number, BigQuery does not."""
    return isinstance(raw, str) and "_" in raw


def _integer(raw: Any, path: str) -> int:
    try:
        value = int(raw) if not isinstance(raw, bool) and not _grouped(raw) else None
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad("integer", raw, path) from error
    if value is None or value not in _INT64 or (isinstance(raw, float) and raw != value):
        raise _bad("integer", raw, path)
    return value


def _float(raw: Any, path: str) -> float:
    try:
        if isinstance(raw, bool) or _grouped(raw):
            raise TypeError(raw)
        return float(raw)
    except (TypeError, ValueError) as error:
        raise _bad("floating point", raw, path) from error


def _boolean(raw: Any, path: str) -> bool:
    if isinstance(raw, bool):
        return raw
    known = {"true": True, "false": False, "t": True, "f": False, "1": True, "0": False}
    value = known.get(str(raw).lower())
    if value is None:
        raise _bad("boolean", raw, path)
    return value


def _bytes(raw: Any, path: str) -> bytes:
    try:
        return base64.b64decode(raw, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise RowError(path, f"Could not decode base64 string to bytes: {raw}") from error


def read_json(raw: Any, path: str) -> str:
    """JSON arrives as text that holds JSON, as the API asks; anything else is a value as it is."""
    if not isinstance(raw, str):
        return json.dumps(raw)
    try:
        json.loads(raw)
    except ValueError as error:
        raise RowError(path, f"Invalid JSON value: {raw}") from error
    return raw


def _moment(raw: Any, path: str) -> datetime:
    """RFC 3339, the canonical 'YYYY-MM-DD HH:MM:SS UTC', or seconds since the epoch."""
    if isinstance(raw, str):
        try:
            # The common shape, by far the fastest way.
            if raw.endswith("Z") and len(raw) <= 27 and raw[10] in "T " and raw[4] == "-":
                return datetime.fromisoformat(raw)
            return _parse_moment(raw)
        except (ValueError, IndexError) as error:
            raise _bad_moment(raw, path) from error
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise _bad_moment(raw, path)
    return _from_seconds(raw, path)


def _from_seconds(seconds: float, path: str) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError as error:
        raise RowError(path, f"Timestamp value is out of range: {seconds}") from error


def _bad_moment(raw: Any, path: str) -> RowError:
    wanted = "Required format is YYYY-MM-DD HH:MM[:SS[.SSSSSS]]"
    return RowError(path, f"Could not parse '{raw}' as a timestamp. {wanted}")


def _parse_moment(text: str) -> datetime:
    match = _TIMESTAMP.fullmatch(text.strip())
    if match is None:
        return _EPOCH + timedelta(seconds=float(text))
    day, clock, zone = match.groups()
    moment = datetime.combine(_parse_date(day), _parse_time(clock or "00:00"), UTC)
    if zone and zone[0] in "+-":
        digits = zone[1:].replace(":", "")
        hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
        shift = timedelta(hours=int(hours), minutes=int(minutes))
        moment += -shift if zone[0] == "+" else shift
    return moment


def _parse_date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    year, month, day = text.split("-")
    return date(int(year), int(month), int(day))


def _parse_time(text: str) -> time:
    hours, _, rest = text.partition(":")
    return time.fromisoformat(f"{hours:0>2}:{rest}")


def _datetime(raw: Any, path: str) -> datetime:
    match = _TIMESTAMP.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if match is None or match[3]:  # a DATETIME has no zone
        raise RowError(path, f'Invalid datetime string "{raw}"')
    return _moment(raw, path).replace(tzinfo=None)


def _date(raw: Any, path: str) -> date:
    try:
        return _parse_date(raw)
    except (TypeError, ValueError) as error:
        raise RowError(path, f"Invalid date: '{raw}'") from error


def _time(raw: Any, path: str) -> time:
    try:
        value = _parse_time(raw)
    except (TypeError, ValueError, AttributeError) as error:
        raise RowError(path, f'Invalid time string "{raw}"') from error
    if value.tzinfo is not None:
        raise RowError(path, f'Invalid time string "{raw}"')
    return value


# Python types that are the value already: most of what comes.
_AS_IS: dict[str, type] = {"STRING": str, "FLOAT": float, "BOOLEAN": bool}
_SCALARS: dict[str, Reader] = {
    "STRING": _string,
    "BYTES": _bytes,
    "INTEGER": _integer,
    "FLOAT": _float,
    "NUMERIC": decimals.numeric(RowError),
    "BIGNUMERIC": decimals.bignumeric(RowError),
    "BOOLEAN": _boolean,
    "TIMESTAMP": _moment,
    "DATE": _date,
    "TIME": _time,
    "DATETIME": _datetime,
    "JSON": read_json,
    **{kind: as_text.reader(kind, RowError) for kind in as_text.FORMS},
}
