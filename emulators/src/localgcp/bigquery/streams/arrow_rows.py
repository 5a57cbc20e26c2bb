"""Rows as an Arrow record batch, by the schema that their writer sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localgcp.bigquery.catalog.schema import Field, arrow_type
from localgcp.bigquery.errors import Invalid
from localgcp.bigquery.rows.described import checked
from localgcp.bigquery.streams.faults import ExtraFields, RowFault, RowFaults

if TYPE_CHECKING:
    import pyarrow as pa

_CHECKED = ("JSON", "BIGNUMERIC")


def read_batch(schema: bytes, batch: bytes, fields: tuple[Field, ...], table: str) -> pa.Table:
    """The batch with the table's columns and types. Raises Invalid, ExtraFields, RowFaults."""
    import pyarrow as pa

    try:
        read = pa.ipc.read_record_batch(
            pa.py_buffer(batch), pa.ipc.read_schema(pa.py_buffer(schema))
        )
    except (pa.ArrowException, OSError, EOFError) as error:
        raise Invalid(f"Invalid Arrow data: {error}", "arrow_rows") from error
    places = {name.lower(): place for place, name in enumerate(read.schema.names)}
    known = {column.name.lower() for column in fields}
    if extra := [name for name in read.schema.names if name.lower() not in known]:
        raise ExtraFields(table, extra[0])
    arrays = [_column(read, places.get(column.name.lower()), column) for column in fields]
    return pa.table(arrays, names=[column.name for column in fields])


def _column(batch: pa.RecordBatch, place: int | None, column: Field) -> pa.Array:
    import pyarrow as pa

    kind = arrow_type(column)
    if place is None:
        array = pa.array([[]] * batch.num_rows, kind) if column.repeated else None
        array = pa.nulls(batch.num_rows, kind) if array is None else array
    else:
        array = batch.column(place)
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    try:
        limited = column.length is not None or column.precision is not None
        if column.fields or column.repeated or limited or column.type in _CHECKED:
            return _checked(array, column, kind)
        array = array.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise Invalid(
            f"The Arrow field mismatched with BigQuery field at {column.name}, the Arrow field type"
            f" {array.type}, BigQuery field type {column.mode} {column.type}: {error}"
        ) from error
    if column.required and array.null_count:
        nulls = (index for index in range(len(array)) if not array[index].is_valid)
        raise RowFaults([RowFault(index, _required(column)) for index in nulls])
    return array


def _checked(array: pa.Array, column: Field, kind: pa.DataType) -> pa.Array:
    """Value by value, since what is inside may be REQUIRED, or text that has to be JSON."""
    import pyarrow as pa

    values: list[object] = []
    faults = []
    for index, value in enumerate(array.to_pylist()):
        try:
            values.append(checked(column, value))
        except Invalid as error:
            faults.append(RowFault(index, error.message))
    if faults:
        raise RowFaults(faults)
    return pa.array(values, kind)


def _required(column: Field) -> str:
    return f"Field {column.name}: is required but not set."
