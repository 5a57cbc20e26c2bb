"""Comparisons: what NaN, arrays and STRUCTs are to them, which DuckDB sees otherwise.

In GoogleSQL NaN equals nothing and is less and greater than nothing, arrays have no equality, and
STRUCTs are compared field by field with three-valued logic (Operators, "Comparison operators").
"""

from __future__ import annotations

from sqlglot import exp

from localgcp.bigquery.googlesql.nodes import Rule, call, refuse

_ARRAYS = (exp.Array, exp.ArrayConcat, exp.ArrayReverse, exp.Split, exp.GenerateSeries)
_SURE = (exp.Literal, exp.Boolean, exp.Null, exp.Interval)


def _comparison(suspect: str, result: bool) -> Rule:
    """A comparison that is `result` whenever its `suspect` side is NaN."""

    def rule(node: exp.Expr) -> exp.Expr:
        if isinstance(node.parent, exp.Update) and node.arg_key == "expressions":
            return node  # SET a = 1
        _refuse_arrays(node)
        node.set("this", _scalar(node.this))
        side = node.args[suspect]
        if _never_nan(side) or isinstance(node.find_ancestor(exp.Join, exp.Select), exp.Join):
            return node
        nan = call("bq_is_nan", side.copy())
        if result:
            return exp.Paren(this=exp.Or(this=node.copy(), expression=nan))
        return exp.Paren(this=exp.And(this=node.copy(), expression=exp.Not(this=nan)))

    return rule


def _scalar(value: exp.Expr) -> exp.Expr:
    """The value, or an error if it is an array or a STRUCT: DuckDB knows, at no cost."""
    windowed = value.find_ancestor(exp.Window)  # which takes nothing that may fail
    return value.copy() if _plain(value) or windowed else call("bq_comparable", value.copy())


def _plain(value: exp.Expr) -> bool:
    inner = value.this if isinstance(value, exp.Cast | exp.Paren | exp.Neg) else value
    return isinstance(inner, _SURE)


def _never_nan(value: exp.Expr) -> bool:
    return _plain(value) and not (isinstance(value, exp.Cast) and value.this.is_string)


def _refuse_arrays(node: exp.Expr) -> None:
    for side in (node.this, node.expression):
        if isinstance(side.unnest(), _ARRAYS):
            refuse("equality of arrays, which BigQuery does not have either")


def _in(node: exp.Expr) -> exp.Expr:
    """NaN is in no list."""
    unnest = node.args.get("unnest")
    if unnest is not None:
        return call("bq_in_array", unnest.expressions[0], node.this)
    if _never_nan(node.this) or isinstance(node.find_ancestor(exp.Join, exp.Select), exp.Join):
        return node
    nan = call("bq_is_nan", node.this.copy())
    return exp.Paren(this=exp.And(this=node.copy(), expression=exp.Not(this=nan)))


def _equal(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return RULES[exp.EQ](exp.EQ(this=left.copy(), expression=right.copy()))


def _case(node: exp.Expr) -> exp.Expr:
    """CASE x WHEN y compares as `=` does."""
    if node.this is None:
        return node
    ifs = [
        exp.If(this=_equal(node.this, each.this), true=each.args["true"].copy())
        for each in node.args["ifs"]
    ]
    default = node.args.get("default")
    return exp.Case(ifs=ifs, default=None if default is None else default.copy())


def _nullif(node: exp.Expr) -> exp.Expr:
    same = exp.If(this=_equal(node.this, node.expression), true=exp.Null())
    return exp.Case(ifs=[same], default=node.this.copy())


def _checked(node: exp.Expr) -> exp.Expr:
    node.set("this", call("bq_no_struct", node.this.copy()))
    return node


RULES: dict[type[exp.Expr], Rule] = {
    exp.EQ: _comparison("this", result=False),
    exp.NEQ: _comparison("this", result=True),
    exp.GT: _comparison("this", result=False),
    exp.GTE: _comparison("this", result=False),
    exp.LT: _comparison("expression", result=False),
    exp.LTE: _comparison("expression", result=False),
    exp.In: _in,
    exp.Case: _case,
    exp.Nullif: _nullif,
    exp.NullSafeEQ: _checked,
    exp.NullSafeNEQ: _checked,
}
