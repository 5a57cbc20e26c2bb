"""GoogleSQL expressions -> DuckDB's, node by node on the parsed tree.

The rules list every kind of node that has a translation; a node that is not in them is refused,
since a clear error beats a wrong answer. `SAME` are those that mean the same in both, or that
SQLGlot writes right by itself. A rule gets a node whose children are translated and returns its
replacement.
"""

from __future__ import annotations

from sqlglot import exp

from localgcp.bigquery.errors import SqlNotSupported
from localgcp.bigquery.googlesql import aggregates, arrays, comparisons, literals, moments, scalars
from localgcp.bigquery.googlesql.nodes import Rule, named

SAME: tuple[type[exp.Expr], ...] = (
    *(exp.Select, exp.From, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit),
    *(exp.Offset, exp.Join, exp.Subquery, exp.CTE, exp.With, exp.Union, exp.Intersect, exp.Except),
    *(exp.Column, exp.Identifier, exp.Star, exp.Alias, exp.TableAlias, exp.Table, exp.Qualify),
    *(exp.Boolean, exp.Null, exp.And, exp.Or, exp.Not),
    *(exp.Between, exp.Is, exp.If, exp.Coalesce),
    *(exp.Paren, exp.Exists),
    *(exp.WindowSpec, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead),
    *(exp.FirstValue, exp.LastValue, exp.NthValue, exp.Ntile, exp.PercentRank, exp.CumeDist),
    *(exp.Count, exp.Max, exp.Distinct, exp.ApproxDistinct),
    *(exp.LogicalAnd, exp.LogicalOr, exp.Variance),
    *(exp.CovarPop, exp.CovarSamp, exp.RespectNulls, exp.DPipe),
    *(exp.Abs, exp.Mod, exp.Rand),
    *(exp.Upper, exp.Lower, exp.Trim, exp.Replace, exp.Reverse),
    *(exp.StartsWith, exp.EndsWith, exp.Array, exp.Tuple, exp.Unnest, exp.DataType, exp.Var),
    *(exp.WeekStart, exp.PropertyEQ, exp.JSONPath, exp.JSONPathRoot, exp.JSONPathKey),
    *(exp.JSONPathSubscript, exp.ColumnDef, exp.HavingMax, exp.IsNan, exp.IsInf, exp.Contains),
    *(exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseAndAgg, exp.BitwiseOrAgg),
    *(exp.BitwiseXorAgg, exp.Placeholder, exp.Uuid, exp.Values, exp.Schema, exp.Insert, exp.Update),
    *(exp.Delete, exp.Merge, exp.When, exp.Whens, exp.CurrentTimestamp, exp.Lateral),
)


RULES: dict[type[exp.Expr], Rule] = {
    **dict.fromkeys(SAME, lambda node: node),
    **literals.RULES,
    **moments.RULES,
    **scalars.RULES,
    **arrays.RULES,
    **aggregates.RULES,
    **comparisons.RULES,
}


def rewrite(node: exp.Expr) -> exp.Expr:
    """Translate a tree, children first. Raises SqlNotSupported naming what has no translation."""
    if isinstance(node, exp.DataType):
        return node  # `_cast` reads it whole
    for child in list(node.iter_expressions()):
        new = rewrite(child)
        if new is not child:
            child.replace(new)
    rule = RULES.get(type(node))
    if rule is None:
        raise SqlNotSupported(named(node))
    return rule(node)
