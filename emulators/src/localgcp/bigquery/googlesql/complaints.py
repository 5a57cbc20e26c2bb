"""DuckDB's errors -> BigQuery's: what was meant, where it stands in the client's own text."""

from __future__ import annotations

import re

import duckdb
from sqlglot import exp

from localgcp.bigquery.errors import (
    InvalidQuery,
    NameUnknown,
    QueryCancelled,
    QueryFailed,
    SqlNotSupported,
)

_UNKNOWN_COLUMN = re.compile(r'(?:Referenced column|column named|Referenced table) "([^"]+)"')
_PREFIX = re.compile(r"^[A-Z][\w ]* Error: ")


def explain(error: duckdb.Error, tree: exp.Expr) -> InvalidQuery:
    """The domain's error for a DuckDB error raised by the statement."""
    if isinstance(error, duckdb.InterruptException):
        return QueryCancelled()
    message = _PREFIX.sub("", str(error)).split("\n", 1)[0].strip()
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryFailed(f"Resources exceeded during query execution: {message}")
    if message.startswith("not supported by the emulator: "):
        return SqlNotSupported(message.partition(": ")[2])
    unknown = _UNKNOWN_COLUMN.search(message)
    if isinstance(error, duckdb.BinderException) and unknown:
        return NameUnknown(unknown[1], *_position(tree, unknown[1]))
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException):
        return QueryFailed(f"Invalid expression: {_without_internals(message)}")
    return QueryFailed(_without_internals(message))


def _position(tree: exp.Expr, name: str) -> tuple[int | None, int | None]:
    for identifier in tree.find_all(exp.Identifier):
        if identifier.name.lower() == name.lower() and "line" in identifier.meta:
            # SQLGlot's column is that of the last character.
            first = identifier.meta["col"] - len(identifier.name) + 1
            return identifier.meta["line"], first
    return None, None


def _without_internals(message: str) -> str:
    return re.sub(r"\bbq_(\w+)", r"\1", message)
