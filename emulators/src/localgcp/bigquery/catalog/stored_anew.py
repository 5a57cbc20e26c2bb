"""Columns that become BIGNUMERIC: those of another type, and those of states of before.

Until 2026-11 a BIGNUMERIC was kept as DECIMAL(38,19).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from localgcp.bigquery.catalog import bignumeric
from localgcp.bigquery.catalog.schema import Field, arrow_type, duckdb_type, quoted
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.store import Transaction

_OF_BEFORE = "DECIMAL(38,19)"


def bring_up(tx: Transaction, tables: Iterable[Table]) -> None:
    """Store the BIGNUMERICs of a state of before as they are stored now."""
    for table in tables:
        if table.is_view or not bignumeric.holds(table.fields):
            continue
        for name, kind, *_ in tx.db.execute(f"DESCRIBE {table.name.sql}").fetchall():
            if _OF_BEFORE in kind:
                (field,) = (field for field in table.fields if field.name == name)
                store_anew(tx, table, field)


def store_anew(tx: Transaction, table: Table, field: Field) -> None:
    """Give a column the type of `field`, each of its numbers a BIGNUMERIC.

    They are made here and put in their places: a function of ours in DuckDB would want numpy.
    """
    import pyarrow as pa

    name, at = quoted(field.name), table.name.sql
    kind = duckdb_type(field)
    rows = tx.db.sql(f"SELECT rowid, {name} FROM {at}").to_arrow_table()
    values = [_anew(value, field) for value in rows.column(1).to_pylist()]
    columns = {"_row": rows.column(0), "_value": pa.array(values, arrow_type(field))}
    empty = f"CAST({_empty(field)} AS {kind})"
    tx.db.execute(f"ALTER TABLE {at} ALTER COLUMN {name} SET DATA TYPE {kind} USING {empty}")
    tx.db.register("_localgcp_anew", pa.table(columns))
    tx.db.execute(
        f"UPDATE {at} SET {name} = _localgcp_anew._value FROM _localgcp_anew"
        f" WHERE {at}.rowid = _localgcp_anew._row"
    )
    tx.db.unregister("_localgcp_anew")


def _anew(value: Any, field: Field) -> Any:
    """A value with its numbers packed."""
    if value is None:
        return None
    if field.repeated:
        item = replace(field, mode="NULLABLE")
        return [_anew(each, item) for each in value]
    if field.type == "BIGNUMERIC":
        return bignumeric.packed(Decimal(value))
    if field.type == "RECORD":
        return {each.name: _anew(value[each.name], each) for each in field.fields}
    return value


def _empty(field: Field) -> str:
    """SQL for what stands in the column meanwhile, which may have to be something."""
    if not field.required:
        return "NULL"
    if field.type == "BIGNUMERIC":
        return "''::BLOB"
    return f"{{{', '.join(f'{quoted(each.name)}: NULL' for each in field.fields)}}}"
