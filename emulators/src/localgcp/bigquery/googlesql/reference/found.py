"""What a resolved statement holds: its tables, types, functions and collations."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.message import Message
from zetasql.wasi._pb2.zetasql.public import type_pb2
from zetasql.wasi._pb2.zetasql.resolved_ast import resolved_ast_pb2 as resolved
from zetasql.wasi._pb2.zetasql.resolved_ast import serialization_pb2

from localgcp.bigquery.errors import SqlNotSupported
from localgcp.bigquery.googlesql.reference import trees
from localgcp.bigquery.googlesql.reference.messages import Scan

_LANGUAGE = re.compile(r"([A-Za-z]+|\?)(?:[-_]\w+)*(?::c[is])?")
# Their order is that of the root: collation data of CLDR has nothing for them.
_OF_ROOT = {"binary", "unicode", "und", "en", "de"}
# What a BIGNUMERIC's bytes do as the number does: they are alike, and sort alike.
_OF_BYTES = {"$equal", "$not_equal", "$less", "$less_or_equal", "$greater", "$in", "$between"} | {
    *("$greater_or_equal", "$is_distinct_from", "$is_not_distinct_from", "$is_null", "nullif"),
    *("if", "ifnull", "coalesce", "$case_no_value", "$case_with_value", "count", "min", "max"),
    *("lag", "lead", "first_value", "last_value", "nth_value"),
}


class Found:
    """What a statement reads, in the order of the tree, and the types and functions in it."""

    def __init__(self) -> None:
        self.scans: list[Scan] = []
        self.kinds: set[int] = set()
        self.functions: set[str] = set()
        self.collations: set[str] = set()
        self.reckons: set[str] = set()

    def look(self, node: Message) -> None:
        """Walk the tree from here."""
        if isinstance(node, type_pb2.TypeProto):
            self.kinds.add(node.type_kind)
        if isinstance(node, serialization_pb2.FunctionRefProto):
            self.functions.add(_name(node))
        self._reckon(node)
        if (
            isinstance(node, resolved.ResolvedFunctionCallBaseProto)
            and node.function.name == "ZetaSQL:collate"
        ):
            self._collate(node.argument_list[1])
        if isinstance(node, resolved.ResolvedOrderByItemProto) and node.HasField("collation_name"):
            self._collate(node.collation_name)
        if isinstance(node, resolved.ResolvedTableScanProto):
            place = node.parent.parent.parse_location_range
            columns = frozenset(node.column_index_list)
            table = node.table.serialization_id - 1
            self.scans.append(Scan(place.start, place.end, table, node.alias, columns))
        for descriptor, value in node.ListFields():
            if descriptor.message_type is not None:
                for inner in value if descriptor.is_repeated else (value,):
                    self.look(inner)

    def _reckon(self, node: Message) -> None:
        """Note what is done with a BIGNUMERIC; a constant of one has no bytes in a text."""
        if isinstance(node, resolved.ResolvedFunctionCallBaseProto):
            if _name(node.function) not in _OF_BYTES and _is_big(node.signature):
                self.reckons.add(_name(node.function))
        elif isinstance(node, resolved.ResolvedCastProto):
            if _is_big(node.parent.type) or _is_big(trees.type_of(node.expr)):
                self.reckons.add("cast")
        elif isinstance(node, resolved.ResolvedLiteralProto) and _is_big(node.parent.type):
            given = node.value.value.WhichOneof("value")
            self.reckons |= {"literal"} if given else set()

    def check_collations(self, known: bool) -> None:
        """Look whether the order of their languages is at hand: that of all without one.

        Raises SqlNotSupported. What is no collation at all is left to the evaluator's error.
        """
        if self.collations and not known:
            raise SqlNotSupported("COLLATE without the package pyicu-wheels")
        for name in self.collations:
            language = _LANGUAGE.fullmatch(name)
            if language and language[1] not in _OF_ROOT:
                raise SqlNotSupported(f"collation {name}")

    def _collate(self, name: Any) -> None:
        kind, node = trees.unwrapped(name)
        literal = kind == "resolved_literal_node"
        self.collations.add(node.value.value.string_value if literal else "?")


def _name(function: serialization_pb2.FunctionRefProto) -> str:
    name: str = function.name.rpartition(":")[2].lower()
    return name


def _is_big(node: Message) -> bool:
    """Whether a type, or one in it, is BIGNUMERIC."""
    if isinstance(node, type_pb2.TypeProto) and node.type_kind == type_pb2.TYPE_BIGNUMERIC:
        return True
    return any(
        _is_big(inner)
        for descriptor, value in node.ListFields()
        if descriptor.message_type is not None
        for inner in (value if descriptor.is_repeated else (value,))
    )
