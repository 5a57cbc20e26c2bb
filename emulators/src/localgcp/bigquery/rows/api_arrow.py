"""Rows as Arrow in the API's types, which are not in all those that DuckDB gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog import bignumeric
from localgcp.bigquery.catalog.schema import Field, arrow_type

if TYPE_CHECKING:
    import pyarrow as pa


def as_api(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """As `kind`; of a struct only the members that it has."""
    import pyarrow as pa

    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_list(kind):  # BigQuery has no NULL for an array: it is an empty one
        values = as_api(array.values, kind.value_type)
        return pa.ListArray.from_arrays(array.offsets, values, kind)
    if pa.types.is_decimal256(kind):
        return bignumeric.decimals(array)
    if not pa.types.is_struct(kind):
        return array.cast(kind)
    members = [as_api(array.field(member.name), member.type) for member in kind]
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
