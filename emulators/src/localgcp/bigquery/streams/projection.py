"""The columns that a session selects, those inside of RECORDs included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import BadValue
from localgcp.bigquery.rows.api_arrow import arrow_field, as_api

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
    arrays = [as_api(array, field.type) for array, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
