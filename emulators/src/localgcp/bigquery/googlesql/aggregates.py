"""Aggregate functions."""

from __future__ import annotations

from sqlglot import exp

from localgcp.bigquery.googlesql.nodes import Rule, call, number, refuse, text


def _avg(node: exp.Expr) -> exp.Expr:
    if isinstance(node.parent, exp.Window):
        return node  # `_window` has it
    inner = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    kind = call("typeof", exp.Min(this=inner.copy()))
    return call("bq_avg_of", kind, node.copy())


def _window(node: exp.Expr) -> exp.Expr:
    if not isinstance(node.this, exp.Avg):
        return node
    return call("bq_avg_of", call("typeof", node.this.this.copy()), node.copy())


def _array_agg(node: exp.Expr) -> exp.Expr:
    if not isinstance(node.this, exp.Limit):
        return node
    if isinstance(node.parent, exp.Window | exp.IgnoreNulls):
        return refuse("ARRAY_AGG with LIMIT and IGNORE NULLS, or over a window")
    limit = node.this
    whole = exp.ArrayAgg(this=limit.this.copy())
    return call("list_slice", whole, number(1), limit.expression.copy())


def _ignore_nulls(node: exp.Expr) -> exp.Expr:
    if not isinstance(node.this, exp.ArrayAgg):
        return node
    value = node.this.this
    while isinstance(value, exp.Order | exp.Distinct):
        value = value.expressions[0] if isinstance(value, exp.Distinct) else value.this
    present = exp.Not(this=exp.Is(this=value.copy(), expression=exp.Null()))
    return exp.Filter(this=node.this.copy(), expression=exp.Where(this=present))


def _string_agg(node: exp.Expr) -> exp.Expr:
    if isinstance(node.this, exp.Limit):
        return refuse("STRING_AGG with LIMIT")
    if node.args.get("separator") is None:
        node.set("separator", text(","))
    return node


def _quantiles(node: exp.Expr) -> exp.Expr:
    count = node.expression
    count = count.this if isinstance(count, exp.Cast) else count
    if not isinstance(count, exp.Literal) or isinstance(node.this, exp.Distinct):
        return refuse("APPROX_QUANTILES with DISTINCT or a computed number")
    parts = int(count.name)
    points: list[exp.Expr] = [number(i / parts) for i in range(parts + 1)]
    return call("quantile_disc", node.this, exp.Array(expressions=points))


def _by_extreme(node: exp.Expr) -> exp.Expr:
    name = "arg_max" if isinstance(node, exp.ArgMax) else "arg_min"
    return call(name, node.this, node.expression)


def _any_value(node: exp.Expr) -> exp.Expr:
    if not isinstance(node.this, exp.HavingMax):
        return node
    name = "arg_max" if node.this.args.get("max") else "arg_min"
    return call(name, node.this.this, node.this.expression)


RULES: dict[type[exp.Expr], Rule] = {
    exp.Avg: _avg,
    exp.Window: _window,
    exp.ArrayAgg: _array_agg,
    exp.IgnoreNulls: _ignore_nulls,
    exp.GroupConcat: _string_agg,
    exp.ApproxQuantiles: _quantiles,
    exp.ArgMax: _by_extreme,
    exp.ArgMin: _by_extreme,
    exp.AnyValue: _any_value,
}
