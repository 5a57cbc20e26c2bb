"""SQL for the logical bytes of a column's value, by BigQuery's data size table.

The same figures as `sizes.logical_bytes` gives for Arrow, where rows are added up by DuckDB.
"""

from __future__ import annotations

from dataclasses import replace

from localgcp.bigquery.catalog.schema import Field, quoted

_TEXTS = {"STRING": "strlen", "JSON": "strlen", "INTERVAL": "strlen", "RANGE": "strlen"} | {
    "BYTES": "octet_length"
}
_WIDTHS = {"BOOLEAN": 1, "NUMERIC": 16, "BIGNUMERIC": 32}


def of_column(field: Field) -> str:
    """The bytes of one row's value."""
    return _of(quoted(field.name), field, 0)


def _of(value: str, field: Field, depth: int) -> str:
    if field.repeated:
        item = f"_v{depth}"
        inner = _of(item, replace(field, mode="REQUIRED"), depth + 1)
        return f"coalesce(list_sum(list_transform({value}, lambda {item}: {inner})), 0)"
    if field.fields:
        members = (_of(f"{value}.{quoted(f.name)}", f, depth) for f in field.fields)
        return f"({' + '.join(members)})"
    length = _TEXTS.get(field.type)
    size = f"2 + {length}({value})" if length else str(_WIDTHS.get(field.type, 8))
    return f"CASE WHEN {value} IS NULL THEN 0 ELSE {size} END"
