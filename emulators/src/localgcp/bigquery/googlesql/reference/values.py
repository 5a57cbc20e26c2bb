"""Values of Arrow to the evaluator's and back, each type by a writer and a reader of its own.

Forms of the evaluator's (value.proto): NUMERIC and BIGNUMERIC are scaled integers in the fewest
bytes of two's complement; TIME and DATETIME are bit fields; INTERVAL is micros, days, and months
with nanoseconds, 16 bytes in all. INTERVAL and RANGE are held as text here, as BigQuery shows them,
BIGNUMERIC as `bignumeric` says.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp
from zetasql.wasi._pb2.zetasql.public.value_pb2 import ValueProto

from localgcp.bigquery.catalog import bignumeric
from localgcp.bigquery.catalog.schema import Field

if TYPE_CHECKING:
    import pyarrow as pa

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = Context(prec=100)
_SCALE = 9  # of a NUMERIC
_MONTH_SHIFT, _NANOS = 13, 0x1FFF
_INTERVAL = re.compile(r"(-?)(\d+)-(\d+) (-?\d+) (-?)(\d+):(\d+):(\d+)(?:\.(\d+))?")
_RANGE = re.compile(r"\[(.*), (.*)\)")

Writer = Callable[[Any], ValueProto]
Reader = Callable[[ValueProto], Any]


def writer(field: Field) -> Writer:
    """Python's value, as pyarrow gives it, to the evaluator's."""
    if field.repeated:
        return _array_writer(writer(replace(field, mode="NULLABLE")))
    if field.type == "RECORD":
        return _or_null(_struct_writer(field))
    if field.type == "RANGE":
        return _or_null(_range_writer(field.element))
    return _or_null(_WRITERS[field.type])


def reader(field: Field) -> Reader:
    """The evaluator's value to what pyarrow takes for the field's Arrow type."""
    if field.repeated:
        inner = reader(replace(field, mode="NULLABLE"))
        return lambda v: (
            [inner(e) for e in v.array_value.element] if v.HasField("array_value") else None
        )
    if field.type == "RECORD":
        single = _struct_reader(field)
    elif field.type == "RANGE":
        single = _range_reader(field.element)
    else:
        single = _READERS[field.type]
    return lambda v: None if v.WhichOneof("value") is None else single(v)


def rows_of(table: pa.Table, fields: Iterable[Field], used: set[int]) -> Iterable[list[ValueProto]]:
    """The cells of an Arrow table row by row; a column that is not used is NULL."""
    columns: list[list[ValueProto]] = []
    empty = [ValueProto()] * table.num_rows
    for place, field in enumerate(fields):
        write = writer(field)
        cells = table.column(place).to_pylist() if place in used else ()
        columns.append([write(cell) for cell in cells] if place in used else empty)
    return (list(cells) for cells in zip(*columns, strict=True))


def _or_null(write: Writer) -> Writer:
    return lambda value: ValueProto() if value is None else write(value)


def _array_writer(inner: Writer) -> Writer:
    def write(values: list[Any] | None) -> ValueProto:
        # BigQuery stores no null array: it reads back as an empty one.
        elements = [inner(value) for value in values or ()]
        return ValueProto(array_value=ValueProto.Array(element=elements))

    return write


def _struct_writer(field: Field) -> Writer:
    members = [(f.name, writer(f)) for f in field.fields]

    def write(value: dict[str, Any]) -> ValueProto:
        cells = [inner(value[name]) for name, inner in members]
        return ValueProto(struct_value=ValueProto.Struct(field=cells))

    return write


def _struct_reader(field: Field) -> Reader:
    members = [(f.name, reader(f)) for f in field.fields]

    def read(value: ValueProto) -> dict[str, Any]:
        cells = value.struct_value.field
        return {name: inner(cell) for (name, inner), cell in zip(members, cells, strict=True)}

    return read


def _range_writer(element: str) -> Writer:
    def write(text: str) -> ValueProto:
        match = _RANGE.fullmatch(text)
        assert match is not None, text
        start, end = (_bound(element, bound) for bound in match.groups())
        return ValueProto(range_value=ValueProto.Range(start=start, end=end))

    return write


def _bound(element: str, text: str) -> ValueProto:
    if text == "UNBOUNDED":
        return ValueProto()
    parse = date.fromisoformat if element == "DATE" else datetime.fromisoformat
    return _WRITERS[element](parse(text))


def _range_reader(element: str) -> Reader:
    def bound(value: ValueProto) -> str:
        if value.WhichOneof("value") is None:
            return "UNBOUNDED"
        return str(_READERS[element](value).isoformat())

    return lambda v: f"[{bound(v.range_value.start)}, {bound(v.range_value.end)})"


def _write_numeric(value: Decimal) -> ValueProto:
    return ValueProto(numeric_value=_little(int(value.scaleb(_SCALE, _DIGITS))))


def _read_numeric(value: ValueProto) -> Decimal:
    whole = int.from_bytes(value.numeric_value, "little", signed=True)
    return Decimal(whole).scaleb(-_SCALE, _DIGITS)


def _write_bignumeric(raw: bytes) -> ValueProto:
    return ValueProto(bignumeric_value=_little(bignumeric.units_of(raw)))


def _read_bignumeric(value: ValueProto) -> bytes:
    return bignumeric.of_units(int.from_bytes(value.bignumeric_value, "little", signed=True))


def _little(units: int) -> bytes:
    bits = (~units if units < 0 else units).bit_length()  # and one for the sign
    return units.to_bytes(bits // 8 + 1, "little", signed=True)


def _write_timestamp(value: datetime) -> ValueProto:
    since = value - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    return ValueProto(timestamp_value=Timestamp(seconds=seconds, nanos=since.microseconds * 1000))


def _read_timestamp(value: ValueProto) -> datetime:
    at = value.timestamp_value
    return _EPOCH + timedelta(seconds=at.seconds, microseconds=at.nanos // 1000)


def _write_time(v: time) -> ValueProto:
    fields = v.hour << 42 | v.minute << 36 | v.second << 30 | v.microsecond * 1000
    return ValueProto(time_value=fields)


def _read_time(value: ValueProto) -> time:
    v = value.time_value
    nanos = v & ((1 << 30) - 1)
    return time(v >> 42 & 31, v >> 36 & 63, v >> 30 & 63, nanos // 1000)


def _write_datetime(v: datetime) -> ValueProto:
    day = v.year << 26 | v.month << 22 | v.day << 17
    return ValueProto(
        datetime_value=ValueProto.Datetime(
            bit_field_datetime_seconds=day | v.hour << 12 | v.minute << 6 | v.second,
            nanos=v.microsecond * 1000,
        )
    )


def _read_datetime(value: ValueProto) -> datetime:
    v, micros = value.datetime_value.bit_field_datetime_seconds, value.datetime_value.nanos // 1000
    day = (v >> 26, v >> 22 & 15, v >> 17 & 31)
    return datetime(*day, v >> 12 & 31, v >> 6 & 63, v & 63, micros)


def _write_interval(text: str) -> ValueProto:
    match = _INTERVAL.fullmatch(text)
    assert match is not None, text
    years, months, days, hours, minutes, seconds = (int(match[i]) for i in (2, 3, 4, 6, 7, 8))
    months = (years * 12 + months) * (-1 if match[1] else 1)
    nanos = ((hours * 60 + minutes) * 60 + seconds) * 10**9 + int((match[9] or "").ljust(9, "0"))
    micros, fraction = divmod(nanos * (-1 if match[5] else 1), 1000)
    sign = 1 << 31 if months < 0 else 0
    packed = sign | abs(months) << _MONTH_SHIFT | fraction
    return ValueProto(interval_value=struct.pack("<qiI", micros, days, packed))


def _read_interval(value: ValueProto) -> str:
    micros, days, packed = struct.unpack("<qiI", value.interval_value)
    years, months = divmod((packed & 0x7FFFFFFF) >> _MONTH_SHIFT, 12)
    nanos = micros * 1000 + (packed & _NANOS)
    seconds, fraction = divmod(abs(nanos), 10**9)
    text = f"{seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}"
    if fraction:
        digits = f"{fraction:09}"
        text += "." + next(digits[:n] for n in (3, 6, 9) if not digits[n:].strip("0"))
    before, after = "-" if packed >> 31 else "", "-" if nanos < 0 else ""
    return f"{before}{years}-{months} {days} {after}{text}"


_WRITERS: dict[str, Writer] = {
    "STRING": lambda v: ValueProto(string_value=v),
    "BYTES": lambda v: ValueProto(bytes_value=v),
    "INTEGER": lambda v: ValueProto(int64_value=v),
    "FLOAT": lambda v: ValueProto(double_value=v),
    "NUMERIC": _write_numeric,
    "BIGNUMERIC": _write_bignumeric,
    "BOOLEAN": lambda v: ValueProto(bool_value=v),
    "TIMESTAMP": _write_timestamp,
    "DATE": lambda v: ValueProto(date_value=v.toordinal() - _EPOCH_DAY),
    "TIME": _write_time,
    "DATETIME": _write_datetime,
    "JSON": lambda v: ValueProto(json_value=v),
    "INTERVAL": _write_interval,
}
_READERS: dict[str, Reader] = {
    "STRING": lambda v: v.string_value,
    "BYTES": lambda v: v.bytes_value,
    "INTEGER": lambda v: v.int64_value,
    "FLOAT": lambda v: v.double_value,
    "NUMERIC": _read_numeric,
    "BIGNUMERIC": _read_bignumeric,
    "BOOLEAN": lambda v: v.bool_value,
    "TIMESTAMP": _read_timestamp,
    "DATE": lambda v: date.fromordinal(v.date_value + _EPOCH_DAY),
    "TIME": _read_time,
    "DATETIME": _read_datetime,
    "JSON": lambda v: v.json_value,
    "INTERVAL": _read_interval,
}
