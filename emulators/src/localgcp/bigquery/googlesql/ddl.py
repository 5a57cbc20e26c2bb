"""CREATE, DROP and TRUNCATE: what a parsed statement says, as the API's own Table resource."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from localgcp.bigquery.catalog.schema import to_resource
from localgcp.bigquery.errors import SqlNotSupported
from localgcp.bigquery.googlesql.types import column_of

_TRUNCATIONS = (exp.TimestampTrunc, exp.DateTrunc, exp.DatetimeTrunc)
_DAY_MS = 86_400_000


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


def table_resource(tree: exp.Expr) -> dict[str, Any]:
    """The Table resource of a CREATE TABLE or VIEW, its name left out. Raises SqlNotSupported."""
    resource: dict[str, Any] = {}
    if isinstance(tree.this, exp.Schema):
        fields = [column_of(column) for column in tree.this.expressions]
        resource["schema"] = {"fields": to_resource(fields)}
    properties = tree.args.get("properties")
    for option in properties.expressions if properties else ():
        resource |= _property(option)
    for key in ("clone", "shallow"):
        if tree.args.get(key):
            raise SqlNotSupported(f"CREATE TABLE ... {key.upper()}")
    if tree.args["kind"] == "VIEW":
        query = tree.expression.sql(dialect="bigquery")
        resource["view"] = {"query": query, "useLegacySql": False}
    _nest_expiration(resource)
    return resource


def _nest_expiration(resource: dict[str, Any]) -> None:
    days = resource.pop("partition_expiration_days", None)
    if days is not None:
        part = resource.setdefault("timePartitioning", {})
        part["expirationMs"] = str(int(float(days) * _DAY_MS))


def _property(option: exp.Expr) -> dict[str, Any]:
    if isinstance(option, exp.PartitionedByProperty):
        return {"timePartitioning": _partitioning(option.this)}
    if isinstance(option, exp.ClusterProperty):
        return {"clustering": {"fields": [column.name for column in option.expressions]}}
    if type(option) is exp.Property:
        return _option(option.name, option.args["value"])
    raise SqlNotSupported(f"{option.sql(dialect='bigquery')} in a CREATE statement")


def _partitioning(by: exp.Expr) -> dict[str, str]:
    if isinstance(by, exp.Schema | exp.Tuple | exp.Paren):
        by = by.expressions[0] if by.expressions else by.this
    if isinstance(by, exp.Column | exp.Identifier):
        return {"type": "DAY", "field": by.name}
    if isinstance(by, exp.Date | exp.TsOrDsToDate) and isinstance(by.this, exp.Column):
        return {"type": "DAY", "field": by.this.name}
    if isinstance(by, _TRUNCATIONS) and isinstance(by.this, exp.Column):
        return {"type": by.args["unit"].name.upper(), "field": by.this.name}
    raise SqlNotSupported(f"PARTITION BY {by.sql(dialect='bigquery')}")


def _option(name: str, value: exp.Expr) -> dict[str, Any]:
    if name == "description":
        return {"description": value.name}
    if name == "friendly_name":
        return {"friendlyName": value.name}
    if name == "require_partition_filter":
        return {"requirePartitionFilter": bool(value.this)}
    if name == "partition_expiration_days":
        return {"partition_expiration_days": value.name}
    if name == "labels" and isinstance(value, exp.Array):
        pairs = [[part.name for part in pair.expressions] for pair in value.expressions]
        return {"labels": dict(pairs)}
    raise SqlNotSupported(f"option {name}")
