"""Where in the client's own text the name stands that DuckDB did not find."""

from __future__ import annotations

import re

import duckdb
from sqlglot import exp

from localgcp.bigquery.errors import InvalidQuery, NameUnknown, QueryFailed

_UNKNOWN_COLUMN = re.compile(r'(?:Referenced column|column named|Referenced table) "([^"]+)"')


def explain(error: QueryFailed, tree: exp.Expr) -> InvalidQuery:
    """The error itself, or NameUnknown with the place where a statement names nothing."""
    unknown = _UNKNOWN_COLUMN.search(error.message)
    if isinstance(error.__cause__, duckdb.BinderException) and unknown:
        return NameUnknown(unknown[1], *_position(tree, unknown[1]))
    return error


def _position(tree: exp.Expr, name: str) -> tuple[int | None, int | None]:
    for identifier in tree.find_all(exp.Identifier):
        if identifier.name.lower() == name.lower() and "line" in identifier.meta:
            # SQLGlot's column is that of the last character.
            first = identifier.meta["col"] - len(identifier.name) + 1
            return identifier.meta["line"], first
    return None, None
