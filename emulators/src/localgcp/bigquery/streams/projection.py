"""The columns that a session selects, those inside of RECORDs included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog.schema import Field, arrow_type
from localgcp.bigquery.errors import BadValue

if TYPE_CHECKING:
    import pyarrow as pa


def select(fields: tuple[Field, ...], paths: Iterable[str]) -> tuple[Field, ...]:
    """What `a`, `b.c` pick, in the schema's order; no path picks all. Raises BadValue."""
    chosen: dict[str, list[str]] = {}
    for path in paths:
        head, _, rest = path.strip().strip("`").partition(".")
        chosen.setdefault(head.lower(), []).append(rest)
    if not chosen:
        return fields
    known = {field.name.lower() for field in fields}
    for head in chosen:
        if head not in known:
            why = "the following selected fields do not exist in the table schema"
            raise BadValue("read_options.selected_fields", head, why)
    picked = []
    for field in fields:
        inner = chosen.get(field.name.lower())
        if inner is not None:
            whole = "" in inner
            picked.append(field if whole else replace(field, fields=select(field.fields, inner)))
    return tuple(picked)


def pruned(batch: pa.RecordBatch, fields: tuple[Field, ...]) -> pa.RecordBatch:
    """The batch with those columns, in the API's Arrow types."""
    import pyarrow as pa

    schema = pa.schema([arrow_field(field) for field in fields])
    if not fields:
        return pa.RecordBatch.from_arrays([], schema=schema)
    arrays = [_cast(array, field.type) for array, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """As `kind`; of a struct only the members that it has."""
    import pyarrow as pa

    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_list(kind):  # BigQuery has no NULL for an array: it is an empty one
        values = _cast(array.values, kind.value_type)
        return pa.ListArray.from_arrays(array.offsets, values, kind)
    if not pa.types.is_struct(kind):
        return array.cast(kind)
    members = [_cast(array.field(member.name), member.type) for member in kind]
    return pa.StructArray.from_arrays(members, fields=list(kind), mask=array.is_null())


def arrow_field(field: Field) -> pa.Field:
    """The API's Arrow field (Storage Read API, "Arrow schema details")."""
    import pyarrow as pa

    kind = arrow_type(replace(field, mode="NULLABLE"))
    if field.type == "RECORD":
        kind = pa.struct([arrow_field(member) for member in field.fields])
    if field.type == "BIGNUMERIC":
        kind = pa.decimal256(76, 38)
    if field.repeated:
        return pa.field(field.name, pa.list_(pa.field("item", kind)), nullable=False)
    return pa.field(field.name, kind, nullable=not field.required)
