"""requirePartitionFilter: whether a query narrows the partitions of a table that demands it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from localgcp.bigquery.catalog.partitioning import PSEUDO, PSEUDO_DATE
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.errors import PartitionFilterMissing
from localgcp.bigquery.googlesql.names import Names, _is_cte
from localgcp.bigquery.googlesql.sources import TABLES_SUMMARY

_NARROWING = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is)

_OF_INGESTION = ("_PARTITION_LOAD_TIME", PSEUDO_DATE, PSEUDO)


def check(tree: exp.Expr, names: Names) -> None:
    """Look for the filter that a table may require.

    Raises PartitionFilterMissing. Must see the tree before names are resolved.
    """
    for node in tree.find_all(exp.Table):
        if _is_cte(node) or node.name.upper().startswith(("INFORMATION_SCHEMA.", TABLES_SUMMARY)):
            continue
        table = names.catalog.table(names.name_of(node))
        if table.require_partition_filter and table.partitioning and not _filtered(node, table):
            name = table.name
            full = f"{name.project}.{name.dataset}.{name.table}"
            names_of = _OF_INGESTION if table.is_ingested else (table.partitioning.column,)
            raise PartitionFilterMissing(full, "', '".join(names_of))


def _filtered(node: exp.Table, table: Table) -> bool:
    statement = node.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Merge)
    if statement is None or (isinstance(node.parent, exp.Insert | exp.Schema)):
        return True  # INSERT INTO reads nothing
    column = {table.partitioning.column.lower()} if table.partitioning else set()
    column |= {PSEUDO_DATE.lower()} if table.is_ingested else set()
    alias = (node.alias or node.name).lower()
    while statement is not None:
        if any(_narrows(c, column, alias) for c in _conditions(statement)):
            return True
        # A filter around a plain subquery or view reaches the table below it.
        outer = statement.parent
        if not isinstance(statement, exp.Select) or not _transparent(statement):
            return False
        if not isinstance(outer, exp.Subquery):
            return False
        alias = outer.alias.lower()
        statement = outer.find_ancestor(exp.Select)
    return False


def _transparent(select: exp.Select) -> bool:
    blocking = ("group", "distinct", "limit", "qualify", "having")
    return not any(select.args.get(key) for key in blocking) and not any(
        e.find(exp.Window, exp.AggFunc) for e in select.expressions
    )


def _conditions(statement: exp.Expr) -> Iterator[exp.Expr]:
    where = statement.args.get("where")
    ons = [join.args.get("on") for join in statement.args.get("joins") or ()]
    for clause in (where.this if where else None, statement.args.get("on"), *ons):
        if clause is not None:
            yield from clause.flatten() if isinstance(clause, exp.And) else (clause,)


def _narrows(condition: exp.Expr, column: set[str], alias: str) -> bool:
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        return any(_narrows(part, column, alias) for part in condition.flatten())
    if isinstance(condition, exp.Or):
        return all(_narrows(part, column, alias) for part in condition.flatten())
    if isinstance(condition, exp.Not):
        condition = condition.this.unnest()
    if not isinstance(condition, _NARROWING):
        return False
    return any(
        found.name.lower() in column and found.table.lower() in ("", alias)
        for found in condition.find_all(exp.Column)
    )
