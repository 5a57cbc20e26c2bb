"""ORDER BY as GoogleSQL orders: NaN comes right after NULL and before all numbers.

DuckDB has NaN last. Only it knows which column is a FLOAT64, so every term gets a key before it,
which DuckDB folds to a constant for any other type. Source: Query syntax, "ORDER BY clause", and
Data types, "Floating point semantics".
"""

from __future__ import annotations

from sqlglot import exp

from localgcp.bigquery.googlesql.nodes import own

_PLAIN_BOUNDS = (None, "UNBOUNDED", "CURRENT ROW")


def order_nans(tree: exp.Expr) -> exp.Expr:
    """The tree with the keys in it; its root may be a new one."""
    for node in [found for found in tree.find_all(exp.Query) if found.args.get("order")]:
        if _orders_output(node) and _names_columns(node):
            wrapped = _wrap(node)
            tree = wrapped if node is tree else tree
    for order in list(tree.find_all(exp.Order)):
        parent = order.parent
        if not (isinstance(parent, exp.Query) and _orders_output(parent)):
            _add_keys(order)
    return tree


def _orders_output(query: exp.Expr) -> bool:
    """Whether terms may name output columns only, or do so by a number that cannot be looked up."""
    if not isinstance(query, exp.Select):
        return True
    group = query.args.get("group")
    if group is not None and group.args.get("all"):
        return True
    star = any(column.is_star for column in query.expressions)
    numbers = any(_ordinal(term) for term in query.args["order"].expressions)
    return bool(query.args.get("distinct")) or (star and numbers)


def _names_columns(query: exp.Expr) -> bool:
    """Whether every term is the name or the number of a column."""
    terms = query.args["order"].expressions
    return all(_ordinal(term) or isinstance(term.this, exp.Column) for term in terms)


def _ordinal(term: exp.Expr) -> int | None:
    value = term.this
    literal = isinstance(value, exp.Literal) and not value.is_string and value.name.isdigit()
    return int(value.name) if literal else None


def _wrap(query: exp.Expr) -> exp.Expr:
    """SELECT * FROM (query) ORDER BY its columns, in the query's place."""
    outer = exp.Select(expressions=[exp.Star()])
    for key in ("order", "limit", "offset"):
        if query.args.get(key):
            outer.set(key, query.args[key].pop())
    for term in outer.args["order"].expressions:
        place = _ordinal(term)
        if place is not None:
            term.set("this", exp.Var(this=f"#{place}"))
        else:
            term.this.set("table", None)
    alias = exp.TableAlias(this=exp.to_identifier("_ordered"))
    if isinstance(query, exp.Subquery) and query.args.get("alias"):
        outer_alias = query.args["alias"].pop()
        query.replace(exp.Subquery(this=outer, alias=outer_alias))
    elif query.parent is not None:
        query.replace(outer)
    inner = query if isinstance(query, exp.Subquery) else exp.Subquery(this=query)
    inner.set("alias", alias)
    outer.set("from_", exp.From(this=inner))
    return outer


def _add_keys(order: exp.Order) -> None:
    if isinstance(order.this, exp.Distinct):
        _guard_distinct(order)
        return
    if _counts_distance(order.parent):
        for term in order.expressions:
            term.set("this", own("bq_no_nan_in_range", term.this.copy()))
        return
    macro = "bq_nan_key" if isinstance(order.parent, exp.Window) else "bq_orderable"
    terms: list[exp.Expr] = []
    for term in order.expressions:
        key = term.copy()
        key.set("this", own(macro, _meant(term, order.parent)))
        terms += [key, term]
    order.set("expressions", terms)


def _meant(term: exp.Expr, query: exp.Expr | None) -> exp.Expr:
    """What a term stands for: DuckDB knows numbers and aliases only when they are all of a term."""
    value: exp.Expr = term.this.copy()
    if not isinstance(query, exp.Select):
        return value
    place = _ordinal(term)
    if place is not None and 0 < place <= len(query.expressions):
        value = query.expressions[place - 1].unalias().copy()
    if isinstance(value, exp.Column) and not value.table:
        for column in query.expressions:
            if isinstance(column, exp.Alias) and column.alias.lower() == value.name.lower():
                value = column.unalias().copy()
                break
    return value


def _guard_distinct(order: exp.Order) -> None:
    """An aggregate of DISTINCT values orders by those alone: a NaN is refused."""
    for place, value in enumerate(order.this.expressions):
        order.this.expressions[place].replace(own("bq_no_nan", value.copy()))
    for term in order.expressions:
        term.set("this", own("bq_no_nan", term.this.copy()))


def _counts_distance(window: exp.Expr | None) -> bool:
    """Whether it is a window RANGE of so many units, which takes one term only."""
    if not isinstance(window, exp.Window):
        return False
    if _distant(window.args.get("spec")):
        return True
    named = window.arg_key == "windows"  # it is as whatever refers to it
    around = window.parent.find_all(exp.Window) if named and window.parent else ()
    return any(_distant(other.args.get("spec")) for other in around)


def _distant(spec: exp.Expr | None) -> bool:
    if spec is None or spec.args.get("kind") != "RANGE":
        return False
    return any(spec.args.get(key) not in _PLAIN_BOUNDS for key in ("start", "end"))
