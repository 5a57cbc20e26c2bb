"""A DML statement as queries: which rows of its table change, by number, and to what.

The evaluator's own DML wants primary keys and breaks off on much of it. So each action of an
INSERT, UPDATE, DELETE or MERGE becomes a query over the statement's own expressions; a hidden
column numbers the table's rows. `IF(FALSE, column, value)` coerces a value as an assignment does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localgcp.bigquery.googlesql.reference.messages import ROW, Change
from localgcp.bigquery.googlesql.reference.trees import place_of, unwrapped

_INSERT, _UPDATE, _DELETE = 1, 2, 3
_MATCHED, _BY_SOURCE, _BY_TARGET = 1, 2, 3


class NotExpressible(Exception):
    """A form that has no such query."""


@dataclass(frozen=True, slots=True)
class _Target:
    """The table that changes: as it is named, and what it is called within the statement."""

    path: str
    alias: str
    columns: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"{self.path} AS `{self.alias}`"

    @property
    def row(self) -> str:
        return f"`{self.alias}`.{ROW}"

    def column(self, name: str) -> str:
        return f"`{self.alias}`.`{name}`"


class Changes:
    """Reads one statement. `columns` are those of its table, in order."""

    def __init__(self, sql: str, node: Any, columns: tuple[str, ...]) -> None:
        self._raw, self._node, self._columns = sql.encode(), node, columns

    def read(self) -> list[Change]:
        """Its actions. Raises NotExpressible."""
        node = self._node
        for clause in ("assert_rows_modified", "returning", "on_conflict", "offset"):
            if clause in node.DESCRIPTOR.fields_by_name and node.HasField(clause):
                raise NotExpressible(clause)
        kind = node.DESCRIPTOR.name
        if kind == "ASTInsertStatementProto":
            return [self._insert(node)]
        if kind == "ASTUpdateStatementProto":
            return [self._update(node)]
        if kind == "ASTDeleteStatementProto":
            target = self._target(node)
            where = self._text(node.where)
            return [Change("DELETE", f"SELECT {target.row} FROM {target.text} WHERE {where}")]
        if kind == "ASTMergeStatementProto":
            return self._merge(node)
        raise NotExpressible(kind)

    def _text(self, node: Any) -> str:
        start, end = place_of(unwrapped(node)[1])
        return self._raw[start:end].decode()

    def _target(self, node: Any) -> _Target:
        path = unwrapped(node.target_path)[1]
        if path.DESCRIPTOR.name != "ASTPathExpressionProto":
            raise NotExpressible("a nested target")
        named = "alias" in node.DESCRIPTOR.fields_by_name and node.HasField("alias")
        alias = node.alias.identifier.id_string if named else path.names[-1].id_string
        return _Target(self._text(path), alias, self._columns)

    def _insert(self, node: Any) -> Change:
        if not node.HasField("rows"):
            raise NotExpressible("a query")
        target = self._target(node)
        names = self._names(node.column_list if node.HasField("column_list") else None)
        rows = [f"SELECT {self._values(target, names, row.values)}" for row in node.rows.rows]
        return Change("INSERT", " UNION ALL ".join(rows), names)

    def _names(self, columns: Any) -> tuple[str, ...]:
        if columns is None:
            return self._columns
        return tuple(identifier.id_string for identifier in columns.identifiers)

    def _values(self, target: _Target, names: Sequence[str], values: Sequence[Any]) -> str:
        """The target is in no scope of theirs: a column of the same name is another's."""
        if len(names) != len(values):
            raise NotExpressible("another number of values")
        cells = [
            self._assigned(value, f"(SELECT {target.column(name)} FROM {target.text} WHERE FALSE)")
            for name, value in zip(names, values, strict=True)
        ]
        return ", ".join(cells)

    def _assigned(self, value: Any, column: str) -> str:
        if unwrapped(value)[0] == "ast_default_literal_node":
            return f"IF(FALSE, {column}, NULL)"
        return f"IF(FALSE, {column}, ({self._text(value)}))"

    def _update(self, node: Any) -> Change:
        target = self._target(node)
        names, values = self._assignments(target, node.update_item_list)
        others = ""
        if node.HasField("from_clause"):
            others = f"{self._text(node.from_clause.table_expression)} CROSS JOIN "
        sql = (
            f"SELECT {', '.join([target.row, *values])} FROM {others}{target.text}"
            f" WHERE {self._text(node.where)}"
        )
        return Change("UPDATE", sql, names)

    def _assignments(self, target: _Target, items: Any) -> tuple[tuple[str, ...], list[str]]:
        """The columns that are set, each once, and what to."""
        tree: dict[str, Any] = {}
        for item in items.update_items:
            if not item.HasField("set_value"):
                raise NotExpressible("a nested statement")
            path = unwrapped(item.set_value.path)[1]
            if path.DESCRIPTOR.name != "ASTPathExpressionProto":
                raise NotExpressible("an element")
            names = [name.id_string for name in path.names]
            if len(names) > 1 and names[0].lower() == target.alias.lower():
                names = names[1:]
            inner = tree
            for name in names[:-1]:
                inner = inner.setdefault(name, {})
            inner[names[-1]] = item.set_value.value
        return tuple(tree), [self._set(value, target.column(name)) for name, value in tree.items()]

    def _set(self, value: Any, column: str) -> str:
        if not isinstance(value, dict):
            return self._assigned(value, column)
        fields = [f"{self._set(v, f'{column}.`{name}`')} AS `{name}`" for name, v in value.items()]
        whole = f"(SELECT AS STRUCT {column}.* REPLACE ({', '.join(fields)}))"
        return f"IF({column} IS NULL, ERROR('Cannot set field of NULL `STRUCT`'), {whole})"

    def _merge(self, node: Any) -> list[Change]:
        target = self._target(node)
        source, on = self._text(node.table_expression), self._text(node.merge_condition)
        by_target = f"{source} WHERE NOT EXISTS (SELECT 1 FROM {target.text} WHERE {on})"
        if not self._takes_bare_names(node):  # a join is quicker, and has both sides in its scope
            by_target = f"{source} LEFT JOIN {target.text} ON {on} WHERE {target.row} IS NULL"
        froms = {
            _MATCHED: f"{source} JOIN {target.text} ON {on} WHERE TRUE",
            _BY_TARGET: by_target,
            _BY_SOURCE: f"{target.text} WHERE NOT EXISTS (SELECT 1 FROM {source} WHERE {on})",
        }
        changes: list[Change] = []
        for clause in node.when_clauses.clause_list:
            asked = "TRUE"
            if clause.HasField("search_condition"):
                asked = f"({self._text(clause.search_condition)})"
            changes.append(
                self._action(target, clause.action, f"{froms[clause.match_type]} AND {asked}")
            )
            froms[clause.match_type] += f" AND ({asked}) IS NOT TRUE"
        return changes

    def _takes_bare_names(self, node: Any) -> bool:
        """Whether what is inserted may name a column of the source as the target's are named.

        INSERT ROW takes all of them, by their places.
        """
        names = "|".join(map(re.escape, self._columns))
        bare = re.compile(rf"(?i)(?<![.\w`])(`?)({names})\1(?!\w)")
        for clause in node.when_clauses.clause_list:
            if clause.match_type == _BY_TARGET:
                values = [self._text(value) for value in clause.action.insert_row.values]
                if clause.HasField("search_condition"):
                    values.append(self._text(clause.search_condition))
                if not clause.action.insert_row.values or any(map(bare.search, values)):
                    return True
        return False

    def _action(self, target: _Target, action: Any, rest: str) -> Change:
        if action.action_type == _DELETE:
            return Change("DELETE", f"SELECT {target.row} FROM {rest}")
        if action.action_type == _UPDATE:
            names, values = self._assignments(target, action.update_item_list)
            return Change("UPDATE", f"SELECT {', '.join([target.row, *values])} FROM {rest}", names)
        listed = action.insert_column_list if action.HasField("insert_column_list") else None
        names = self._names(listed)
        if not action.insert_row.values:
            return Change("INSERT", f"SELECT * FROM {rest}", names)
        listing = self._values(target, names, action.insert_row.values)
        return Change("INSERT", f"SELECT {listing} FROM {rest}", names)
