"""Arrays and structs."""

from __future__ import annotations

from sqlglot import exp

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.googlesql.moments import interval
from localgcp.bigquery.googlesql.nodes import Rule, call, cast, number, one, refuse, text
from localgcp.bigquery.googlesql.types import duckdb_cast


def _index(node: exp.Expr) -> exp.Expr:
    (index,) = node.expressions
    if index.is_string:
        return refuse("a JSON subscript; use JSON_VALUE or JSON_QUERY")
    if node.args.get("offset") == 1:
        index = exp.Paren(this=exp.Sub(this=index, expression=number(1)))
    return call("bq_safe_at" if node.args.get("safe") else "bq_at", node.this, index)


def _dot(node: exp.Expr) -> exp.Expr:
    if not isinstance(node.expression, exp.Identifier):
        return refuse(f"{node.sql(dialect='bigquery')}")
    return call("struct_extract", node.this, text(node.expression.name))


def _struct(node: exp.Expr) -> exp.Expr:
    members = []
    for value in node.expressions:
        if isinstance(value, exp.PropertyEQ):
            members.append(value)
        elif isinstance(value, exp.Column):
            name = exp.to_identifier(value.name)
            members.append(exp.PropertyEQ(this=name, expression=value))
    if len(members) == len(node.expressions):
        return exp.Struct(expressions=members)
    if members or not isinstance(node.parent, exp.Cast):
        return refuse("a STRUCT whose fields have no names")
    return call("row", *node.expressions)


def _generate_array(node: exp.Expr) -> exp.Expr:
    args, step = [node.args["start"], node.args["end"]], node.args.get("step")
    return call("generate_series", *args, *([call("bq_step", step)] if step else []))


def _generate_dates(kind: str) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        start, end = (cast(node.args[key], kind) for key in ("start", "end"))
        step = node.args.get("step") or interval(number(1), "DAY")
        series = call("generate_series", start, end, call("bq_interval_step", step))
        return duckdb_cast(series, Field("", kind, "REPEATED"))

    return rule


def _array_concat(node: exp.Expr) -> exp.Expr:
    joined: exp.Expr = node.this
    for array in node.expressions:
        joined = call("bq_concat", joined, array)
    return joined


def _array_to_string(node: exp.Expr) -> exp.Expr:
    if node.args.get("null"):
        return refuse("ARRAY_TO_STRING with a text for NULL")
    return call("array_to_string", node.this, node.expression)


RULES: dict[type[exp.Expr], Rule] = {
    exp.Bracket: _index,
    exp.Dot: _dot,
    exp.Struct: _struct,
    exp.ArraySize: one("len"),
    exp.ArrayToString: _array_to_string,
    exp.ArrayConcat: _array_concat,
    exp.ArrayReverse: one("list_reverse"),
    exp.GenerateSeries: _generate_array,
    exp.GenerateDateArray: _generate_dates("DATE"),
    exp.GenerateTimestampArray: _generate_dates("TIMESTAMP"),
}
