"""Rows as `RowReader` reads them -> Arrow -> DuckDB: how every row that is sent gets in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.partitioning import PSEUDO
from localgcp.bigquery.catalog.schema import Field, arrow_type, quoted
from localgcp.bigquery.catalog.sizes import logical_bytes
from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.store import Transaction

if TYPE_CHECKING:
    import pyarrow as pa


def to_arrow(fields: tuple[Field, ...], rows: list[dict[str, Any]]) -> pa.Table:
    """A column for each field."""
    import pyarrow as pa

    arrays = [pa.array([row[f.name] for row in rows], arrow_type(f)) for f in fields]
    return pa.table(arrays, names=[field.name for field in fields])


def append(tx: Transaction, name: Name, batch: pa.Table) -> int:
    """Add the rows to the columns of their names; return their logical bytes."""
    columns = ", ".join(quoted(column) for column in batch.column_names)
    tx.db.register("_batch", batch)
    tx.db.execute(f"INSERT INTO {name.sql} ({columns}) SELECT {columns} FROM _batch")
    tx.db.unregister("_batch")
    named = zip(batch.column_names, batch.columns, strict=True)
    own = [column for name, column in named if name != PSEUDO]
    return sum(logical_bytes(chunk) for column in own for chunk in column.chunks)
