"""What the lines of one table's objects say, and which rows of the table say something else.

A line and a row of an event are made of one record, so their own fields are equal for ever, unless
somebody has written over the row. What the pipeline adds differs from one delivery to the next.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from event_types.base import Envelope
from event_types.schema import Column, Table, columns_of

_KINDS = {
    "STRING": "VARCHAR",
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMPTZ",
    "DATE": "DATE",
    "JSON": "JSON",
}
_ADDED = {column.name for column in columns_of(Envelope)}


class Content:
    """The lines of one table, in a DuckDB of their own."""

    def __init__(self, table: Table, folder: Path) -> None:
        """`folder` holds the objects, at any depth; it need not be there."""
        self._own = [column for column in table.columns if column.name not in _ADDED]
        self._here = duckdb.connect()
        typed = {column.name: _kind(column) for column in self._own} | {"event_id": "VARCHAR"}
        columns = ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in typed.items())
        source = f"read_json({_text(f'{folder}/**/*.json')}, columns = {{{columns}}}, "
        there = folder.is_dir() and any(folder.rglob("*.json"))
        names = ", ".join(f"CAST(NULL AS {kind}) AS {_name(name)}" for name, kind in typed.items())
        self._here.execute(
            f"CREATE TABLE lines AS SELECT * FROM {source} format = 'newline_delimited', "
            "ignore_errors = true) WHERE event_id IS NOT NULL"
            if there
            else f"CREATE TABLE lines AS SELECT {names} WHERE FALSE"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._here.close()

    def line_ids(self) -> Counter[str]:
        """How many lines each event has."""
        return Counter(
            dict(self._here.sql("SELECT event_id, COUNT(*) FROM lines GROUP BY 1").fetchall())
        )

    def changed(self, rows: pa.Table) -> list[str]:
        """The ids of the rows that no line of their event is like; an event without lines is none.

        A value that the row lacks (its column came later) is no change.
        """
        own = [column for column in self._own if column.name in rows.column_names]
        self._here.register("stored", rows)
        casts = {each.name: f"CAST({_name(each.name)} AS {_kind(each)})" for each in own}
        of = ", ".join(casts.values())
        unlike = (
            f"SELECT stored.* FROM (SELECT *, hash({of}) AS digest FROM stored) AS stored "
            "SEMI JOIN lines USING (event_id) "
            f"ANTI JOIN (SELECT event_id, hash({of}) AS digest FROM lines) AS said "
            "USING (event_id, digest)"
        )
        self._here.execute(f"CREATE OR REPLACE TEMP TABLE suspects AS {unlike}")
        packed = ", ".join(
            f"{_name(each.name)} := CAST({_name(each.name)} AS {_kind(each)})" for each in own
        )
        record = f"to_json(struct_pack({packed}))"
        said = self._here.sql(
            f"SELECT event_id, {record} FROM lines SEMI JOIN suspects USING (event_id)"
        ).fetchall()
        known: dict[str, list[dict[str, Any]]] = {}
        for event_id, text in said:
            known.setdefault(event_id, []).append(json.loads(text))
        suspects = self._here.sql(f"SELECT event_id, {record} FROM suspects").fetchall()
        return [
            event_id
            for event_id, text in suspects
            if not any(_fits(json.loads(text), line) for line in known[event_id])
        ]


def _fits(row: Any, line: Any) -> bool:
    """Whether a row's value is the line's, or is not there."""
    if row is None or row == []:
        return True
    if isinstance(row, dict) and isinstance(line, dict):
        return all(_fits(value, line.get(name)) for name, value in row.items())
    if isinstance(row, list) and isinstance(line, list):
        return len(row) == len(line) and all(map(_fits, row, line))
    return bool(row == line)


def _kind(column: Column) -> str:
    """The column's type as DuckDB spells it."""
    if column.type == "RECORD":
        fields = ", ".join(f"{_name(each.name)} {_kind(each)}" for each in column.fields)
        one = f"STRUCT({fields})"
    else:
        one = _KINDS[column.type]
    return f"{one}[]" if column.mode == "REPEATED" else one


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
