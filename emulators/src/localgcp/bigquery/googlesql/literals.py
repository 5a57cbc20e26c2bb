"""Literals and casts."""

from __future__ import annotations

from sqlglot import exp

from localgcp.bigquery.catalog import bignumeric
from localgcp.bigquery.googlesql.nodes import Rule, call, cast, number, refuse, text
from localgcp.bigquery.googlesql.types import duckdb_cast, field_of


def _literal(node: exp.Expr) -> exp.Expr:
    if node.args.get("is_string") or isinstance(node.parent, _RAW_NUMBERS):
        return node
    return cast(node.copy(), "INTEGER" if node.name.isdigit() else "FLOAT")


_RAW_NUMBERS = (exp.Limit, exp.Offset, exp.Group, exp.Ordered, exp.WindowSpec, exp.DataTypeParam)


_BEYOND_INT64 = str(1 << 63)


def _negative(node: exp.Expr) -> exp.Expr:
    """The least INT64, whose digits alone are none."""
    value = node.this
    digits = value.this if isinstance(value, exp.Cast) else None
    if isinstance(digits, exp.Literal) and digits == exp.Literal.number(_BEYOND_INT64):
        return cast(text(f"-{_BEYOND_INT64}"), "INTEGER")
    return node


def _hex(node: exp.Expr) -> exp.Expr:
    return cast(number(int(node.name, 16)), "INTEGER")


def _bytes(node: exp.Expr) -> exp.Expr:
    if "\\" in node.name or not node.name.isascii():
        # The tokenizer has read escapes as characters: \\xE2 can't be told from its letter.
        return refuse("a bytes literal with an escape, or beyond ASCII")
    return call("unhex", text(node.name.encode().hex()))


def _cast(node: exp.Expr) -> exp.Expr:
    if node.args.get("format"):
        return refuse("CAST with FORMAT")
    field, value = field_of("", node.args["to"]), node.this
    if bignumeric.holds([field]):
        return refuse("CAST to BIGNUMERIC")
    own = {"INTEGER": "bq_int64", "STRING": "bq_string", "BOOLEAN": "bq_bool", "BYTES": "bq_bytes"}
    if field.type in own and not field.repeated:
        return call(own[field.type], value)
    number_of_text = field.type in ("FLOAT", "NUMERIC") and not field.repeated
    if number_of_text and not isinstance(value, exp.Null):
        value = call("bq_digits", value)
    return duckdb_cast(value, field)


def _try(node: exp.Expr) -> exp.Expr:
    return call("try", node)


RULES: dict[type[exp.Expr], Rule] = {
    exp.Literal: _literal,
    exp.Neg: _negative,
    exp.RawString: lambda node: text(node.name),
    exp.HexString: _hex,
    exp.ByteString: _bytes,
    exp.Cast: _cast,
    exp.TryCast: lambda node: _try(_cast(node)),
    exp.SafeFunc: lambda node: _try(node.this),
}
