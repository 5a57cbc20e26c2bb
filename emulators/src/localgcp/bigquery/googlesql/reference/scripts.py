"""A parsed script as steps: the procedural language's own, and every other statement's text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from localgcp.bigquery.errors import InvalidQuery, SqlNotSupported
from localgcp.bigquery.googlesql.reference import steps as m
from localgcp.bigquery.googlesql.reference.trees import place_of, unwrapped

_TOO_LATE = "Variable declarations are allowed only at the start of a block or script"
_JUMPS = {"ASTBreakStatementProto": "BREAK", "ASTContinueStatementProto": "CONTINUE"} | {
    "ASTReturnStatementProto": "RETURN"
}
_TRANSACTIONS = {
    "ASTBeginStatementProto": "BEGIN",
    "ASTCommitStatementProto": "COMMIT",
    "ASTRollbackStatementProto": "ROLLBACK",
}


class Steps:
    """Reads one script."""

    def __init__(self, sql: str, script: Any) -> None:
        self._raw, self._script = sql.encode(), script

    def read(self) -> tuple[m.Step, ...]:
        """The script's steps, in order. Raises SqlNotSupported."""
        return self._list(self._script.statement_list_node)

    def _list(self, node: Any) -> tuple[m.Step, ...]:
        steps = tuple(self._step(unwrapped(each)[1]) for each in node.statement_list)
        begun = False
        for step in steps:
            if begun and isinstance(step, m.Declare):
                raise InvalidQuery(_TOO_LATE, "query")
            begun = not isinstance(step, m.Declare)
        return steps

    def _text(self, node: Any) -> str:
        start, end = place_of(unwrapped(node)[1])
        return self._raw[start:end].decode()

    def _optional(self, node: Any, field: str) -> str | None:
        return self._text(getattr(node, field)) if node.HasField(field) else None

    def _step(self, node: Any) -> m.Step:
        name = node.DESCRIPTOR.name
        if name in _JUMPS:
            return m.Jump(_JUMPS[name])
        if name in _TRANSACTIONS:
            return m.Transact(_TRANSACTIONS[name])
        if name == "ASTParameterAssignmentProto":
            raise SqlNotSupported("SET of a parameter in a script")
        known = getattr(self, f"_{name.removeprefix('AST').removesuffix('Proto').lower()}", None)
        return known(node) if known is not None else m.Run(self._text(node))

    def _variabledeclaration(self, node: Any) -> m.Step:
        kind, default = self._optional(node, "type"), self._optional(node, "default_value")
        return m.Declare(_names(node.variable_list.identifier_list), kind, default)

    def _singleassignment(self, node: Any) -> m.Step:
        return m.Assign((node.variable.id_string,), self._text(node.expression))

    def _assignmentfromstruct(self, node: Any) -> m.Step:
        names = _names(node.variables.identifier_list)
        return m.Assign(names, self._text(node.struct_expression), whole=False)

    def _ifstatement(self, node: Any) -> m.Step:
        branches = [(self._text(node.condition), self._list(node.then_list))]
        if node.HasField("elseif_clauses"):
            branches += [
                (self._text(clause.condition), self._list(clause.body))
                for clause in node.elseif_clauses.elseif_clauses
            ]
        last = self._list(node.else_list) if node.HasField("else_list") else ()
        return m.If(tuple(branches), last)

    def _casestatement(self, node: Any) -> m.Step:
        branches = tuple(
            (self._text(clause.condition), self._list(clause.body))
            for clause in node.when_then_clauses.when_then_clauses
        )
        last = self._list(node.else_list) if node.HasField("else_list") else None
        return m.Case(self._optional(node, "expression"), branches, last)

    def _callstatement(self, node: Any) -> m.Step:
        path = tuple(name.id_string for name in node.procedure_name.names)
        return m.Call(path, tuple(self._text(each) for each in node.arguments))

    def _systemvariableassignment(self, node: Any) -> m.Step:
        path = tuple(name.id_string for name in node.system_variable.path.names)
        return m.SetSystem(path, self._text(node.expression))

    def _whilestatement(self, node: Any) -> m.Step:
        return m.While(self._optional(node, "condition"), self._body(node))

    def _repeatstatement(self, node: Any) -> m.Step:
        until = self._text(node.until_clause.condition)
        return m.While(None, self._body(node), until)

    def _forinstatement(self, node: Any) -> m.Step:
        return m.For(node.variable.id_string, self._text(node.query), self._body(node))

    def _beginendblock(self, node: Any) -> m.Step:
        handler = None
        if node.HasField("handler_list"):
            handler = self._list(node.handler_list.exception_handler_list[0].statement_list)
        return m.Block(self._list(node.statement_list_node), handler)

    def _raisestatement(self, node: Any) -> m.Step:
        return m.Raise(self._optional(node, "message"))

    def _executeimmediatestatement(self, node: Any) -> m.Step:
        into: tuple[str, ...] = ()
        if node.HasField("into_clause"):
            into = _names(node.into_clause.identifiers.identifier_list)
        using: list[tuple[str, str]] = []
        if node.HasField("using_clause"):
            using = [
                (
                    each.alias.identifier.id_string if each.HasField("alias") else "",
                    self._text(each.expression),
                )
                for each in node.using_clause.arguments
            ]
        return m.Execute(self._text(node.sql), into, tuple(using))

    def _body(self, node: Any) -> tuple[m.Step, ...]:
        while "body" not in node.DESCRIPTOR.fields_by_name:
            node = node.parent
        return self._list(node.body)


def _names(identifiers: Iterable[Any]) -> tuple[str, ...]:
    return tuple(identifier.id_string for identifier in identifiers)
