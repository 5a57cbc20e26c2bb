"""Aggregate functions."""

from __future__ import annotations

from sqlglot import exp

from localgcp.bigquery.errors import InvalidQuery
from localgcp.bigquery.googlesql.nodes import Rule, call, number, refuse, text


def _avg(node: exp.Expr) -> exp.Expr:
    if isinstance(node.parent, exp.Window):
        return node  # `_window` has it
    inner = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    kind = call("typeof", exp.Min(this=inner.copy()))
    return call("bq_avg_of", kind, call("bq_no_infinity", node.copy()))


def _window(node: exp.Expr) -> exp.Expr:
    if isinstance(node.this, exp.Corr):
        return _few_pairs(node.this, node)
    if isinstance(node.this, exp.Sum):
        return call("bq_no_infinity", node.copy())
    if not isinstance(node.this, exp.Avg):
        return node
    kind = call("typeof", node.this.this.copy())
    return call("bq_avg_of", kind, call("bq_no_infinity", node.copy()))


def _sum(node: exp.Expr) -> exp.Expr:
    """DuckDB's sum of FLOAT64 overflows to infinity; BigQuery's is an error."""
    around = node.parent
    if isinstance(around, exp.Window | exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
        return node
    return call("bq_no_infinity", node.copy())


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
    separator = node.args.get("separator")
    if isinstance(separator, exp.Null):
        raise InvalidQuery("Argument 2 to STRING_AGG must be a non-NULL literal", "query")
    _wrap_value(node, "bq_text_only")
    if separator is None:
        node.set("separator", text(","))
    return node


def _quantiles(node: exp.Expr) -> exp.Expr:
    count = node.expression
    count = count.this if isinstance(count, exp.Cast) else count
    if not isinstance(count, exp.Literal) or isinstance(node.this, exp.Distinct):
        return refuse("APPROX_QUANTILES with DISTINCT or a computed number")
    parts = int(count.name)
    points: list[exp.Expr] = [number(i / parts) for i in range(parts + 1)]
    return call("quantile_disc", call("bq_no_nan", node.this), exp.Array(expressions=points))


def _by_extreme(node: exp.Expr) -> exp.Expr:
    name = "arg_max" if isinstance(node, exp.ArgMax) else "arg_min"
    return call(name, node.this, call("bq_no_nan", node.expression))


def _any_value(node: exp.Expr) -> exp.Expr:
    if not isinstance(node.this, exp.HavingMax):
        return node
    name = "arg_max" if node.this.args.get("max") else "arg_min"
    return call(name, node.this.this, call("bq_no_nan", node.this.expression))


def _wrap_value(node: exp.Expr, macro: str) -> None:
    """Put the aggregated value, below ORDER BY and DISTINCT, into a macro."""
    value = node.this
    while isinstance(value, exp.Order | exp.Distinct):
        value = value.expressions[0] if isinstance(value, exp.Distinct) else value.this
    value.replace(call(macro, value.copy()))


def _count_if(node: exp.Expr) -> exp.Expr:
    """0 over no rows, where DuckDB's own gives NULL."""
    if isinstance(node.this, exp.Distinct):
        return refuse("COUNTIF with DISTINCT")
    counted = exp.Case(ifs=[exp.If(this=node.this.copy(), true=number(1))])
    return exp.Count(this=counted)


def _min(node: exp.Expr) -> exp.Expr:
    """NaN if any value is, as MAX; DuckDB holds it for the greatest."""
    if isinstance(node.parent, exp.Window | exp.IgnoreNulls | exp.RespectNulls):
        _wrap_value(node, "bq_no_nan")
        return node
    value = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    if value.find(exp.AggFunc, exp.Window):
        return node
    some = call("bool_or", call("bq_is_nan", value.copy()))
    return exp.Case(
        ifs=[exp.If(this=some, true=call("max", value.copy()))], default=call("min", value.copy())
    )


def _spread(node: exp.Expr) -> exp.Expr:
    """DuckDB says 0 for VAR_POP of one NaN or infinity, and overflows in STDDEV of huge numbers."""
    if isinstance(node, exp.StddevPop | exp.VariancePop):
        _wrap_value(node, "bq_finite")
    if not isinstance(node, exp.VariancePop):
        _wrap_value(node, "bq_moderate")
    return node


def _corr(node: exp.Expr) -> exp.Expr:
    """NULL for fewer than two pairs."""
    return node if isinstance(node.parent, exp.Window) else _few_pairs(node, node)


def _few_pairs(corr: exp.Expr, whole: exp.Expr) -> exp.Expr:
    """`whole` is the aggregate, or its window."""
    pairs = call("regr_count", corr.this.copy(), corr.expression.copy())
    if whole is not corr:
        counting = whole.copy()
        counting.set("this", pairs)
        few = exp.LT(this=counting, expression=number(2))
    else:
        few = exp.LT(this=pairs, expression=number(2))
    return exp.Case(ifs=[exp.If(this=few, true=exp.Null())], default=whole.copy())


RULES: dict[type[exp.Expr], Rule] = {
    exp.Avg: _avg,
    exp.Sum: _sum,
    exp.Window: _window,
    exp.ArrayAgg: _array_agg,
    exp.IgnoreNulls: _ignore_nulls,
    exp.GroupConcat: _string_agg,
    exp.ApproxQuantiles: _quantiles,
    exp.ArgMax: _by_extreme,
    exp.ArgMin: _by_extreme,
    exp.AnyValue: _any_value,
    exp.CountIf: _count_if,
    exp.Min: _min,
    exp.Corr: _corr,
    **dict.fromkeys((exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.VariancePop), _spread),
}
