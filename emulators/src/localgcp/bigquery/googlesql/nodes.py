"""What the rules build with, and how one refuses."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import SqlNotSupported
from localgcp.bigquery.googlesql.types import duckdb_cast

Rule = Callable[[exp.Expr], exp.Expr]


def call(name: str, *args: exp.Expr) -> exp.Anonymous:
    """A DuckDB function or one of our macros."""
    return exp.Anonymous(this=name, expressions=list(args))


def own(name: str, *args: exp.Expr) -> exp.Anonymous:
    """One of our macros in a tree that is yet to be translated."""
    made = call(name, *args)
    made.meta["own"] = True
    return made


def text(value: str) -> exp.Literal:
    """A string literal."""
    return exp.Literal.string(value)


def number(value: float) -> exp.Expr:
    """A number literal, not typed further."""
    return exp.Literal.number(value)


def cast(value: exp.Expr, kind: str) -> exp.Expr:
    """CAST to the DuckDB type for the API's type name."""
    return duckdb_cast(value, Field("", kind))


def refuse(what: str) -> exp.Expr:
    """Refuse a construct by name.

    Raises SqlNotSupported; an expression, so that a rule can return it.
    """
    raise SqlNotSupported(what)


def named(node: exp.Expr) -> str:
    """What a user calls this node."""
    if isinstance(node, exp.Anonymous):
        return f"function {node.name.upper()}"
    if isinstance(node, exp.Func):
        return f"function {node.sql_name()}"
    return node.key.upper()


def has_aggregate(node: exp.Expr) -> bool:
    """Whether DuckDB would bind it too late to choose an overload of a macro."""
    return node.find(exp.AggFunc, exp.Window) is not None or any(
        f.name.lower() in ("quantile_disc", "cast_to_type") for f in node.find_all(exp.Anonymous)
    )


def two(name: str) -> Rule:
    """The rule for a function of `this` and `expression`."""
    return lambda node: call(name, node.this, node.expression)


def one(name: str) -> Rule:
    """The rule for a function of `this` alone."""
    return lambda node: call(name, node.this)
