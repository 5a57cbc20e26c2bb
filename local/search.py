"""Finds events among the stored ones: by id, by type, by any text or field of theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from event_types import registry
from event_types.dead_letter import DEAD_LETTER_TABLE
from event_types.schema import Column, Table
from local.errors import BadQuery
from local.trace import literal
from local.warehouse import Warehouse

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
TABLES: dict[str, Table] = {
    **{each.name: each.layout for each in registry.ALL},
    "dead_letter": DEAD_LETTER_TABLE,
}
"""By the name that a search knows them by."""


def search(
    warehouse: Warehouse, text: str = "", kind: str = "", field: str = "", limit: int = 50
) -> list[dict[str, Any]]:
    """The newest rows that hold `text`, in `field` (a dotted path) or anywhere.

    Each as {kind, table, values}. Raises BadQuery, also for a kind or a field that is none.
    """
    if kind and kind not in TABLES:
        raise BadQuery(f"no event type {kind!r}; there are {', '.join(TABLES)}")
    if field and not _PATH.fullmatch(field):
        raise BadQuery(
            f"field should be a dotted path such as shipping_address.city; got {field!r}"
        )
    chosen: dict[str, Table] = {kind: TABLES[kind]} if kind else TABLES
    if field and not any(list(_leaves(each.columns, field)) for each in chosen.values()):
        raise BadQuery(f"no field {field!r} in {', '.join(chosen)}")
    found: list[dict[str, Any]] = []
    for name, table in chosen.items():
        sql = _sql(table, text, field, limit)
        if sql is not None and warehouse.has(table.name):
            found += [
                {"kind": name, "table": table.name, "values": values}
                for values in warehouse.rows(sql)
            ]
    found.sort(key=lambda each: str(each["values"]["publish_time"]), reverse=True)
    return found[:limit]


def _sql(table: Table, text: str, field: str, limit: int) -> str | None:
    """The query of one table; None where it has no such field."""
    where = "TRUE"
    if text or field:
        # A field is compared whole, and anything else looked for inside.
        test = f"= {literal(text)}" if field else None
        wanted = [
            _inside(leaf, test or "LIKE", text) for leaf in _leaves(table.columns, field or None)
        ]
        if not wanted:
            return None
        where = " OR ".join(wanted)
    return f"SELECT * FROM `{table.name}` WHERE {where} ORDER BY publish_time DESC LIMIT {limit}"


def _inside(leaf: Sequence[Column], test: str, text: str) -> str:
    """Whether a leaf meets the test: of a repeated record, whether any of its items does."""
    path, repeated = "", ""
    for column in leaf:
        path = f"{path}.{column.name}" if path else f"`{column.name}`"
        if column.mode == "REPEATED":
            repeated, path = path, "item"
    value = f"CAST({path} AS STRING)"
    found = f"STRPOS(LOWER({value}), LOWER({literal(text)})) > 0"
    condition = found if test == "LIKE" else f"{value} {test}"
    if repeated:
        return f"EXISTS (SELECT 1 FROM UNNEST({repeated}) AS item WHERE {condition})"
    return condition


def _leaves(columns: Sequence[Column], field: str | None) -> Iterator[list[Column]]:
    """The ways to each scalar column; with a field, the way to that one alone."""
    for column in columns:
        head, _, rest = (field or "").partition(".")
        if field is not None and column.name != head:
            continue
        if column.fields:
            if field is None or rest:
                for leaf in _leaves(column.fields, rest if field is not None else None):
                    yield [column, *leaf]
        elif not rest:
            yield [column]
