"""Columns that become BIGNUMERIC: those of another type, and those of states of before.

Until 2026-11 a BIGNUMERIC was kept as DECIMAL(38,19).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from localgcp.bigquery.catalog import bignumeric
from localgcp.bigquery.catalog.schema import Field, duckdb_type, quoted
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.store import Function, Transaction

_OF_BEFORE = "DECIMAL(38,19)"
PACK = Function(
    "_localgcp_bignumeric",
    lambda number: bignumeric.packed(Decimal(number)),
    ("VARCHAR",),
    "BLOB",
)


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
    """Give a column the type of `field`, each of its numbers a BIGNUMERIC."""
    name = quoted(field.name)
    clause = f"ALTER COLUMN {name} SET DATA TYPE {duckdb_type(field)} USING {_anew(name, field, 0)}"
    tx.db.execute(f"ALTER TABLE {table.name.sql} {clause}")


def _anew(value: str, field: Field, depth: int) -> str:
    """SQL for a value, of whose numbers each is of another of DuckDB's types."""
    if field.repeated:
        item = f"_v{depth}"
        inner = _anew(item, replace(field, mode="NULLABLE"), depth + 1)
        return f"list_transform({value}, lambda {item}: {inner})"
    if field.type == "BIGNUMERIC":
        return f"{PACK.name}(CAST({value} AS VARCHAR))"
    if not bignumeric.holds(field.fields):
        return value
    members = ", ".join(
        f"{quoted(f.name)} := {_anew(f'{value}.{quoted(f.name)}', f, depth)}" for f in field.fields
    )
    return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({members}) END"
