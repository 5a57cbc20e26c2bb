"""Parquet and ORC -> a schema and rows, by way of Arrow.

Sources: Loading Parquet data, "Parquet conversions"; Loading ORC data, "ORC conversions".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.schema import Field, arrow_type
from localgcp.bigquery.errors import Invalid, NotSupported
from localgcp.bigquery.rows.described import check_columns, checked, decimal_type

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 10_000


def read_parquet(data: bytes) -> pa.Table:
    """The whole file. Raises what Arrow raises."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.read_table(pa.BufferReader(data))


def read_orc(data: bytes) -> pa.Table:
    """The whole file, its moments cut to microseconds. Raises what Arrow raises."""
    import pyarrow as pa
    import pyarrow.orc

    table = pyarrow.orc.read_table(pa.BufferReader(data))
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            cut = table.column(place).cast(pa.timestamp("us", column.type.tz), safe=False)
            table = table.set_column(place, column.with_type(cut.type), cut)
    return table


@dataclass(slots=True)
class ColumnarFile:
    """A file that `reader` reads.

    `lists`: whether its lists are REPEATED columns (Parquet's enableListInference); `naive` is the
    type of a timestamp that knows no zone; `decimals` is the client's decimalTargetTypes.
    """

    data: bytes
    reader: Callable[[bytes], pa.Table] = read_parquet
    lists: bool = False
    naive: str = "DATETIME"
    decimals: tuple[str, ...] = ("NUMERIC",)
    read: int = 0
    bad: int = 0
    told: list[str] = field(default_factory=list)
    described: bool = True
    titled: bool = False

    def detect(self) -> tuple[Field, ...]:
        """The file's own columns. Raises Invalid, NotSupported."""
        return tuple(self._field(column) for column in self._table().schema)

    def another(self, data: bytes) -> ColumnarFile:
        """The next file."""
        return replace(self, data=data, read=0, bad=0, told=[])

    def rows(
        self, fields: tuple[Field, ...], ignore_unknown: bool, max_bad: int
    ) -> Iterator[dict[str, Any]]:
        """All rows; a file that has a bad one is no such file. Raises Invalid and its kin."""
        table = self._table()
        # A column of nothing but NULLs is of every type.
        found = [column for column in table.schema if not _is_null(column.type)]
        unnamed = {c.name.lower() for c in table.schema} - {f.name.lower() for f in fields}
        found += [c for c in table.schema if _is_null(c.type) and c.name.lower() in unnamed]
        check_columns(tuple(self._field(each) for each in found), fields, ignore_unknown)
        places = {column.name.lower(): place for place, column in enumerate(table.schema)}
        arrays = [_column(table, places.get(f.name.lower()), f) for f in fields]
        for start in range(0, table.num_rows, _BATCH):
            values = [array.slice(start, _BATCH).to_pylist() for array in arrays]
            for row in zip(*values, strict=True):
                self.read += 1
                yield {f.name: checked(f, value) for f, value in zip(fields, row, strict=True)}

    def _table(self) -> pa.Table:
        import pyarrow as pa

        try:
            return self.reader(self.data)
        except (pa.ArrowException, OSError) as error:
            raise Invalid(f"Error while reading data, error message: {error}") from error

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
                raise NotSupported(f"the list of lists {name} of a file", "media")
            return replace(inner, name=name, mode="REPEATED")
        if pa.types.is_struct(kind):
            return Field(name, "RECORD", fields=tuple(self._field(member) for member in kind))
        return Field(name, self._scalar(kind, name))

    def _scalar(self, kind: pa.DataType, name: str) -> str:
        import pyarrow as pa

        if pa.types.is_timestamp(kind):
            return "TIMESTAMP" if kind.tz else self.naive
        if pa.types.is_decimal(kind):
            return decimal_type(kind.precision, kind.scale, self.decimals)
        for test, found in _tests():
            if test(kind):
                return found
        raise NotSupported(f"a column of type {kind} ({name})", "media")


def _column(table: pa.Table, place: int | None, wanted: Field) -> pa.ChunkedArray:
    """The file's column as the table's type; NULLs where the file has none. Raises Invalid."""
    import pyarrow as pa

    if place is None or _is_null(table.schema[place].type):
        return pa.chunked_array([pa.nulls(table.num_rows, arrow_type(wanted))])
    column = _storage(table.column(place))
    try:
        return column.cast(_target(column.type, wanted))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise Invalid(f"Column {wanted.name} is no {wanted.type}: {error}") from error


def _target(kind: pa.DataType, wanted: Field) -> pa.DataType:
    """The file's type with the table's scalars in it; its members stay those of the file."""
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_target(kind.value_type, replace(wanted, mode="NULLABLE")))
    if wanted.type == "BIGNUMERIC":
        return kind
    if not pa.types.is_struct(kind):
        return arrow_type(replace(wanted, mode="NULLABLE"))
    named = {member.name.lower(): member for member in wanted.fields}
    return pa.struct(
        [
            each.with_type(_target(each.type, named[each.name.lower()]))
            for each in kind
            if each.name.lower() in named
        ]
    )


def _is_null(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_null(kind))


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
