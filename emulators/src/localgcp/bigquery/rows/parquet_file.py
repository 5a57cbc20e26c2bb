"""Parquet -> a schema and rows (Loading Parquet data, "Parquet conversions")."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.schema import Field, arrow_type
from localgcp.bigquery.errors import Invalid, NotSupported, SchemaChangeRefused
from localgcp.bigquery.rows.reader import RowError, read_json

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 10_000
# A column of the file goes into a column of the table of its own type, or of one of these.
_WIDER = {
    "INTEGER": ("FLOAT", "NUMERIC", "BIGNUMERIC"),
    "NUMERIC": ("BIGNUMERIC",),
    "STRING": ("JSON",),
}


@dataclass(slots=True)
class ParquetFile:
    """A Parquet file; `lists` is the client's enableListInference."""

    data: bytes
    lists: bool = False
    read: int = 0
    bad: int = 0
    told: list[str] = field(default_factory=list)
    described: bool = True

    def detect(self) -> tuple[Field, ...]:
        """The file's own columns. Raises Invalid, NotSupported."""
        return tuple(self._field(column) for column in self._table().schema)

    def rows(
        self, fields: tuple[Field, ...], ignore_unknown: bool, max_bad: int
    ) -> Iterator[dict[str, Any]]:
        """All rows; a file that has a bad one is no such file. Raises Invalid and its kin."""
        table = self._table()
        columns = {column.name.lower(): place for place, column in enumerate(table.schema)}
        wanted = {column.name.lower() for column in fields}
        if unknown := [name for name in columns if name not in wanted and not ignore_unknown]:
            raise SchemaChangeRefused("the table", f"Cannot add fields (field: {unknown[0]})")
        arrays = [self._column(table, columns.get(f.name.lower()), f) for f in fields]
        for start in range(0, table.num_rows, _BATCH):
            values = [array.slice(start, _BATCH).to_pylist() for array in arrays]
            for row in zip(*values, strict=True):
                self.read += 1
                yield {f.name: _checked(f, value) for f, value in zip(fields, row, strict=True)}

    def _table(self) -> pa.Table:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.read_table(pa.BufferReader(self.data))
        except (pa.ArrowException, OSError) as error:
            raise Invalid(f"Error while reading data, error message: {error}") from error

    def _column(self, table: pa.Table, place: int | None, wanted: Field) -> pa.ChunkedArray:
        """The file's column as the table's type; NULLs where the file has none."""
        import pyarrow as pa

        if place is None or pa.types.is_null(table.schema[place].type):
            return pa.chunked_array([pa.nulls(table.num_rows, arrow_type(wanted))])
        _check_fits(self._field(table.schema[place]), wanted, wanted.name)
        try:
            return _storage(table.column(place)).cast(arrow_type(wanted))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise Invalid(f"Column {wanted.name} is no {wanted.type}: {error}") from error

    def _field(self, column: pa.Field) -> Field:
        """The BigQuery column for one of the file."""
        import pyarrow as pa

        kind, name = column.type, column.name
        if isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            if not self.lists:
                raise NotSupported(
                    f"the list {name} of a Parquet file without enableListInference",
                    "load.parquetOptions",
                )
            inner = self._field(kind.value_field)
            if inner.repeated:
                raise NotSupported(f"the list of lists {name} of a Parquet file", "media")
            return replace(inner, name=name, mode="REPEATED")
        if pa.types.is_struct(kind):
            return Field(name, "RECORD", fields=tuple(self._field(member) for member in kind))
        return Field(name, _scalar(kind, name))


def _scalar(kind: pa.DataType, name: str) -> str:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return "TIMESTAMP" if kind.tz else "DATETIME"
    if pa.types.is_decimal(kind) and kind.precision - kind.scale <= 29 and kind.scale <= 9:
        return "NUMERIC"
    if pa.types.is_decimal(kind):
        return "BIGNUMERIC"
    for test, found in _tests():
        if test(kind):
            return found
    raise NotSupported(f"a Parquet column of type {kind} ({name})", "media")


def _tests() -> tuple[tuple[Callable[[pa.DataType], bool], str], ...]:
    import pyarrow as pa

    types = pa.types
    return (
        (types.is_string, "STRING"),
        (types.is_large_string, "STRING"),
        (types.is_integer, "INTEGER"),
        (types.is_floating, "FLOAT"),
        (types.is_boolean, "BOOLEAN"),
        (types.is_binary, "BYTES"),
        (types.is_fixed_size_binary, "BYTES"),
        (types.is_large_binary, "BYTES"),
        (types.is_date, "DATE"),
        (types.is_time, "TIME"),
        (types.is_null, "STRING"),
    )


def _storage(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    if isinstance(column.type, pa.BaseExtensionType):
        return column.cast(column.type.storage_type)
    return column


def _check_fits(found: Field, wanted: Field, path: str) -> None:
    """Raises SchemaChangeRefused where the file's column is of another type than the table's."""
    same = found.type == wanted.type or wanted.type in _WIDER.get(found.type, ())
    if not same or found.repeated != wanted.repeated:
        raise SchemaChangeRefused(
            "the table",
            f"Field {path} has changed type from {wanted.mode} {wanted.type} to"
            f" {found.mode} {found.type}",
        )
    named = {member.name.lower(): member for member in wanted.fields}
    for member in found.fields:
        if member.name.lower() not in named:
            raise SchemaChangeRefused(
                "the table", f"Cannot add fields (field: {path}.{member.name})"
            )
        _check_fits(member, named[member.name.lower()], f"{path}.{member.name}")


def _checked(column: Field, value: Any) -> Any:
    """The value, which must be there where it is required. Raises Invalid."""
    if column.repeated:
        if value and any(item is None for item in value):
            raise Invalid(f"Array cannot have a null element; error in field {column.name}")
        return [_member(column, item) for item in value or ()]
    if value is None:
        if column.required:
            raise Invalid(f"Missing required field: {column.name}.")
        return None
    return _member(column, value)


def _member(column: Field, value: Any) -> Any:
    if column.fields:
        return {f.name: _checked(f, value.get(f.name)) for f in column.fields}
    if column.type == "JSON":
        try:
            return read_json(value, column.name)
        except RowError as error:
            raise Invalid(error.message) from error
    return value
