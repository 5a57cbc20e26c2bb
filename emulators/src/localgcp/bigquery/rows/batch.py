"""A whole batch of rows -> Arrow, column by column, where nothing is wrong with any of them.

Most batches hold what their table wants: texts for STRINGs, numbers for numbers, times in one of
two common shapes. So a column's values are looked at all at once, by their types and by one regular
expression in Arrow. What that does not know goes through the exact reader of `reader`, value by
value; and a batch in which anything is wrong is `Unfit`, to be read row by row, which tells what.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.schema import Field, arrow_type
from localgcp.bigquery.rows.reader import RowError, reader_of

if TYPE_CHECKING:
    import pyarrow as pa

Column = Callable[[Sequence[Any]], "pa.Array"]

_PLAIN: dict[str, set[type]] = {"STRING": {str}, "INTEGER": {int}, "BOOLEAN": {bool}}
# What Python and Arrow read alike.
_DAY = r"[12]\d{3}-\d{2}-\d{2}"
_CLOCK = r"\d{2}:\d{2}:\d{2}(\.\d{1,6})?"
_SHAPES = {
    "DATE": f"^{_DAY}$",
    "DATETIME": f"^{_DAY}T{_CLOCK}$",
    "TIMESTAMP": rf"^{_DAY}[T ]{_CLOCK}(Z|[+-](0\d|1[0-4]):[0-5]\d)$",
}
_NONE = type(None)


class Unfit(Exception):
    """Something in the batch is not as the table wants it, or may not be."""


@dataclass(frozen=True, slots=True)
class BatchReader:
    """Reads batches of rows (or of RECORD values) of one schema."""

    fields: tuple[Field, ...]
    columns: tuple[Column, ...]
    ignore_unknown: bool

    def table(self, rows: Sequence[object]) -> pa.Table:
        """The rows as a table. Raises Unfit."""
        import pyarrow as pa

        try:
            return pa.table(self.arrays(rows), names=[field.name for field in self.fields])
        except (RowError, pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise Unfit from error

    def arrays(self, rows: Sequence[Any]) -> list[pa.Array]:
        """Each column's values. Raises Unfit, and what readers and Arrow raise."""
        if not set(map(type, rows)) <= {dict}:
            raise Unfit
        pairs = zip(self.columns, self._values(rows), strict=True)
        return [column(values) for column, values in pairs]

    def _values(self, rows: Sequence[dict[str, Any]]) -> list[Sequence[Any]]:
        names = [field.name for field in self.fields]
        if not rows or not names:
            if any(rows):
                raise Unfit
            return [() for _ in names]
        try:
            get = itemgetter(*names)
            cells = map(get, rows)
            found: list[Sequence[Any]] = list(zip(*cells, strict=True) if names[1:] else [[*cells]])
        except KeyError:
            return self._sparse(rows)
        if not self.ignore_unknown and set(map(len, rows)) != {len(names)}:
            raise Unfit
        return found

    def _sparse(self, rows: Sequence[dict[str, Any]]) -> list[Sequence[Any]]:
        """Where a row lacks a field; it may have it under a name in other letters."""
        named = 0
        values: list[Sequence[Any]] = []
        for field in self.fields:
            present = [field.name in row for row in rows]
            named += sum(present)
            if field.required and not all(present):
                raise Unfit
            values.append([row.get(field.name) for row in rows])
        if sum(map(len, rows)) != named:
            raise Unfit
        return values


def compile_batch(fields: tuple[Field, ...], ignore_unknown: bool) -> BatchReader:
    """The reader for a schema."""
    columns = tuple(_column(field, ignore_unknown) for field in fields)
    return BatchReader(fields, columns, ignore_unknown)


def _column(field: Field, ignore_unknown: bool) -> Column:
    kind, exact = arrow_type(field), _exact(field, ignore_unknown)
    if field.length is not None or field.precision is not None:
        return exact
    if field.repeated:
        return _lists(field, ignore_unknown, exact)
    if field.fields:
        return _records(field, ignore_unknown, exact)
    if field.type in _PLAIN:
        return _plain(kind, _allowed(field, _PLAIN[field.type]), exact)
    if field.type == "FLOAT":
        return _floats(exact)
    if field.type in _SHAPES:
        return _times(kind, _SHAPES[field.type], _allowed(field, {str}), exact)
    return exact


def _allowed(field: Field, types: set[type]) -> set[type]:
    return types if field.required else {*types, _NONE}


def _exact(field: Field, ignore_unknown: bool) -> Column:
    """Value by value."""
    kind, read = arrow_type(field), reader_of(field, ignore_unknown)

    def column(values: Sequence[Any]) -> pa.Array:
        import pyarrow as pa

        return pa.array([read(value, field.name) for value in values], kind)

    return column


def _plain(kind: pa.DataType, allowed: set[type], exact: Column) -> Column:
    def column(values: Sequence[Any]) -> pa.Array:
        import pyarrow as pa

        return pa.array(values, kind) if set(map(type, values)) <= allowed else exact(values)

    return column


def _floats(exact: Column) -> Column:
    def column(values: Sequence[Any]) -> pa.Array:
        import pyarrow as pa

        if set(map(type, values)) <= {float, int}:
            return pa.array(list(map(float, values)), pa.float64())
        return exact(values)

    return column


def _times(kind: pa.DataType, shape: str, allowed: set[type], exact: Column) -> Column:
    def column(values: Sequence[Any]) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        if not set(map(type, values)) <= allowed:
            return exact(values)
        texts = pa.array(values, pa.string())
        shaped = pc.all(pc.match_substring_regex(texts, shape)).as_py()
        return texts.cast(kind) if shaped is not False else exact(values)

    return column


def _records(field: Field, ignore_unknown: bool, exact: Column) -> Column:
    inner, kind = compile_batch(field.fields, ignore_unknown), arrow_type(field)

    def column(values: Sequence[Any]) -> pa.Array:
        import pyarrow as pa

        if not set(map(type, values)) <= {dict}:
            return exact(values)
        return pa.StructArray.from_arrays(inner.arrays(values), fields=list(kind))

    return column


def _lists(field: Field, ignore_unknown: bool, exact: Column) -> Column:
    """The elements of all rows as one column."""
    from dataclasses import replace

    element = _column(replace(field, mode="REQUIRED"), ignore_unknown)

    def column(values: Sequence[Any]) -> pa.Array:
        import pyarrow as pa

        if not set(map(type, values)) <= {list}:
            return exact(values)
        ends = pa.array([0, *accumulate(map(len, values))], pa.int32())
        return pa.ListArray.from_arrays(ends, element(list(chain.from_iterable(values))))

    return column
