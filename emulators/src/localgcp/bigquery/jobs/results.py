"""The result of a statement: its columns in BigQuery's types, its rows held in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from localgcp.bigquery.catalog.schema import Field, result_field
from localgcp.bigquery.errors import DuplicateColumn, QueryFailed, ResponseTooLarge

if TYPE_CHECKING:
    import pyarrow as pa

MAX_RESULT_BYTES = 256 * 1024 * 1024
_BATCH = 10_000


def fields_of(relation: duckdb.DuckDBPyRelation) -> tuple[Field, ...]:
    """Its columns. Raises DuplicateColumn, NotSupported."""
    fields = tuple(
        result_field(name, kind)
        for name, kind in zip(relation.columns, relation.types, strict=True)
    )
    seen: set[str] = set()
    for column in fields:
        if column.name.lower() in seen:
            raise DuplicateColumn(column.name)
        seen.add(column.name.lower())
    return fields


def fetch(relation: duckdb.DuckDBPyRelation) -> pa.Table:
    """Run it and hold its rows. Raises ResponseTooLarge, QueryFailed."""
    import pyarrow as pa

    reader = relation.to_arrow_reader(_BATCH)
    batches, size = [], 0
    for batch in reader:
        size += batch.nbytes
        if size > MAX_RESULT_BYTES:
            raise ResponseTooLarge(MAX_RESULT_BYTES)
        batches.append(batch)
    return _int64(pa.Table.from_batches(batches, reader.schema))


def first_bytes(relation: duckdb.DuckDBPyRelation, limit: int) -> pa.Table:
    """Its first rows, at least one if it has any, and as many as fit into `limit` bytes."""
    import pyarrow as pa

    reader = relation.to_arrow_reader(_BATCH)
    batches: list[pa.RecordBatch] = []
    left = limit
    for batch in reader:
        if batch.nbytes > left:
            fit = batch.num_rows * left // batch.nbytes
            batches.append(batch.slice(0, fit if batches or fit else 1))
            break
        batches.append(batch)
        left -= batch.nbytes
    return pa.Table.from_batches(batches, reader.schema)


def _int64(rows: pa.Table) -> pa.Table:
    """DuckDB sums up in 128 bits (here a decimal without a fraction), BigQuery in 64."""
    import pyarrow as pa

    wide = pa.decimal128(38, 0)
    if wide not in rows.schema.types:
        return rows
    fields = [f.with_type(pa.int64()) if f.type == wide else f for f in rows.schema]
    try:
        return rows.cast(pa.schema(fields))
    except pa.ArrowInvalid as error:
        raise QueryFailed("int64 overflow") from error
