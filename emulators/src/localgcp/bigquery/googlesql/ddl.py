"""CREATE, DROP and TRUNCATE: what a parsed statement says, as the API's own Table resource."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from localgcp.bigquery.catalog.partitioning import PSEUDO, PSEUDO_DATE
from localgcp.bigquery.catalog.schema import to_resource
from localgcp.bigquery.errors import InvalidQuery, SqlNotSupported
from localgcp.bigquery.googlesql.alterations import ValueOf, option_of
from localgcp.bigquery.googlesql.types import column_of

_TRUNCATIONS = (exp.TimestampTrunc, exp.DateTrunc, exp.DatetimeTrunc)


def target(tree: exp.Expr) -> exp.Expr:
    """The table expression that the statement is about."""
    if isinstance(tree, exp.Drop):
        return _single(tree.args.get("tables") or [tree.this])
    if isinstance(tree, exp.TruncateTable):
        return _single(tree.expressions)
    node: exp.Expr = tree.this
    inner: exp.Expr = node.this
    return inner if isinstance(node, exp.Schema) else node


def _single(tables: list[exp.Expr]) -> exp.Expr:
    if len(tables) != 1:
        raise SqlNotSupported("more than one table in one statement")
    return tables[0]


def table_resource(tree: exp.Expr, value_of: ValueOf) -> dict[str, Any]:
    """The Table resource of a CREATE TABLE or VIEW, its name left out. Raises SqlNotSupported.

    `value_of` gives the value of an expression, for options.
    """
    resource: dict[str, Any] = {}
    if isinstance(tree.this, exp.Schema):
        fields = [column_of(column) for column in tree.this.expressions]
        resource["schema"] = {"fields": to_resource(fields)}
    properties = tree.args.get("properties")
    for option in properties.expressions if properties else ():
        resource |= _property(option, value_of)
    for key in ("clone", "shallow"):
        if tree.args.get(key):
            raise SqlNotSupported(f"CREATE TABLE ... {key.upper()}")
    if tree.args["kind"] == "VIEW":
        query = tree.expression.sql(dialect="bigquery")
        resource["view"] = {"query": query, "useLegacySql": False}
    _nest_expiration(resource)
    by_ingestion = "field" not in resource.get("timePartitioning", {"field": ""})
    if by_ingestion and tree.args["kind"] == "TABLE" and tree.expression:
        what = f"PARTITION BY {PSEUDO_DATE} cannot be used with the AS query_statement clause"
        raise InvalidQuery(what, "query")
    return resource


def _nest_expiration(resource: dict[str, Any]) -> None:
    expiration = resource.pop("partitionExpirationMs", None)
    if expiration is not None:
        resource.setdefault("timePartitioning", {})["expirationMs"] = expiration


def _property(option: exp.Expr, value_of: ValueOf) -> dict[str, Any]:
    if isinstance(option, exp.PartitionedByProperty):
        by = _only(option.this)
        if isinstance(by, exp.RangeBucket):
            return {"rangePartitioning": _ranges(by)}
        return {"timePartitioning": _partitioning(by)}
    if isinstance(option, exp.ClusterProperty):
        return {"clustering": {"fields": [column.name for column in option.expressions]}}
    return option_of(option, value_of)


def _only(by: exp.Expr) -> exp.Expr:
    """What stands in the parentheses that SQLGlot puts around it."""
    if isinstance(by, exp.Schema | exp.Tuple | exp.Paren):
        inner: exp.Expr = by.expressions[0] if by.expressions else by.this
        return inner
    return by


def _partitioning(by: exp.Expr) -> dict[str, str]:
    if isinstance(by, exp.Column | exp.Identifier):
        return _timed("DAY", by.name)
    if isinstance(by, exp.Date | exp.TsOrDsToDate) and isinstance(by.this, exp.Column):
        return _timed("DAY", by.this.name)
    if isinstance(by, _TRUNCATIONS) and isinstance(by.this, exp.Column):
        return _timed(by.args["unit"].name.upper(), by.this.name)
    raise SqlNotSupported(f"PARTITION BY {by.sql(dialect='bigquery')}")


def _timed(unit: str, column: str) -> dict[str, str]:
    """A pseudo-column stands for ingestion time."""
    if column.upper() in (PSEUDO, PSEUDO_DATE):
        return {"type": unit}
    return {"type": unit, "field": column}


def _ranges(by: exp.RangeBucket) -> dict[str, Any]:
    """RANGE_BUCKET(column, GENERATE_ARRAY(start, end[, interval])). Raises SqlNotSupported."""
    array, bounds = by.expression, {}
    for key, name in (("start", "start"), ("end", "end"), ("interval", "step")):
        value = array.args.get(name)
        bounds[key] = value.sql(dialect="bigquery") if value is not None else "1"
    if not isinstance(by.this, exp.Column) or not isinstance(array, exp.GenerateSeries):
        raise SqlNotSupported(f"PARTITION BY {by.sql(dialect='bigquery')}")
    return {"field": by.this.name, "range": bounds}
