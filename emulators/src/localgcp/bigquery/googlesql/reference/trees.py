"""What is read off a parsed statement: where its query stands, how deep its recursion goes."""

from __future__ import annotations

import re
from typing import Any

from zetasql.wasi._pb2.zetasql.proto import simple_catalog_pb2 as c

from localgcp.bigquery.googlesql.reference.messages import Path

MAX_ITERATIONS = 500  # Recursive CTEs, "Limits"


def unwrapped(node: Any) -> tuple[str, Any]:
    """A node out of the unions that hold it, and its name."""
    name = ""
    while node.DESCRIPTOR.name.startswith("Any"):
        name = node.WhichOneof("node")
        node = getattr(node, name)
    return name, node


def type_of(node: Any) -> Any:
    """The type of an expression."""
    _, node = unwrapped(node)
    while "type" not in node.DESCRIPTOR.fields_by_name:
        node = node.parent
    return node.type


def place_of(node: Any) -> tuple[int, int]:
    """The first byte of a node's text and the one past it."""
    while not hasattr(node, "parse_location_range"):
        node = node.parent
    return node.parse_location_range.start, node.parse_location_range.end


def query_within(node: Any) -> int | None:
    """Where the query of a CREATE or an INSERT begins; None if it has none."""
    while "query" not in node.DESCRIPTOR.fields_by_name:  # a view's is that of its base class
        if "parent" not in node.DESCRIPTOR.fields_by_name:
            return None
        node = node.parent
    return place_of(node.query)[0] if node.HasField("query") else None


def depth_of(sql: str, node: Any) -> str | None:
    """A query for the iterations of a query's recursive CTEs, up to one more than there may be."""
    within = query_within(node)
    if within is None or not node.query.HasField("with_clause"):
        return None
    clause = node.query.with_clause
    if not clause.recursive:
        return None
    raw, parts, depths = sql.encode(), [], []
    at = place_of(clause)[0]
    for entry in getattr(clause, "with"):
        start, end = place_of(entry)
        name = entry.alias.id_string
        body = raw[start:end].decode()
        parts.append(raw[at:end].decode())
        at = end
        if len(re.findall(rf"(?i)\b{re.escape(name)}\b", body)) > 1:
            parts.append(f" WITH DEPTH AS _localgcp_depth MAX {MAX_ITERATIONS + 1}")
            depths.append(f"(SELECT MAX(_localgcp_depth) FROM `{name}`)")
    if not depths:
        return None
    return f"{''.join(parts)} SELECT GREATEST({', '.join(depths)})"


def target_of(node: Any) -> tuple[str, ...]:
    """The path of the table that a DML statement changes."""
    _, path = unwrapped(node.target_path)
    return tuple(name.id_string for name in path.names)


def home(catalog: c.SimpleCatalogProto, path: Path) -> c.SimpleCatalogProto:
    """The catalog within a catalog that a path's last name belongs to."""
    for name in path[:-1]:
        catalog = _folder(catalog, name)
    return catalog


def _folder(catalog: c.SimpleCatalogProto, name: str) -> c.SimpleCatalogProto:
    for inner in catalog.catalog:
        if inner.name.lower() == name.lower():
            return inner
    return catalog.catalog.add(name=name)
