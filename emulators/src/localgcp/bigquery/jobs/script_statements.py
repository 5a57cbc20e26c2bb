"""The statements of a script: the variables that they know, and what they set."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import BigQueryError, InvalidQuery, SqlNotSupported
from localgcp.bigquery.googlesql.reference import steps as m
from localgcp.bigquery.jobs.query import Interruptible, Outcome, Query, Ran, Tell, Watch
from localgcp.bigquery.jobs.system_variables import Values, written

if TYPE_CHECKING:
    import pyarrow as pa

Statement = Callable[[Query, Watch], Outcome]
Variable = tuple[str, Field, Any]


# ScriptStatistics.evaluationKind
STATEMENT, EXPRESSION = "STATEMENT", "EXPRESSION"
_QUERY = re.compile(r"(?i)\bSELECT\b")


class ScriptStatements:
    """What a script knows while it runs; `statement` runs a statement of it, `tell` hears of it."""

    def __init__(self, query: Query, statement: Statement, tell: Tell) -> None:
        self._query, self._statement, self._tell = query, statement, tell
        self._variables: dict[str, Variable] = {}
        self._error: BigQueryError | None = None
        self._failed = ""  # the text of the statement that failed
        self._changed = 0  # rows, by the last statement that changed any
        self._outcome: Outcome | None = None
        self._working: Interruptible | None = None

    def _ask(self, text: str, told: str | None = None, **more: Any) -> Outcome:
        """Run a statement, or as `SELECT` the expression that is `told` of."""
        sql = written(text, self._system())
        known = {"variables": tuple(self._variables.values()), **more}
        asked, began = replace(self._query, sql=sql, **known), time.monotonic()
        try:
            outcome = self._statement(asked, self._watch)
        except BigQueryError as error:
            self._failed = sql
            self._report(text, told, began, error=error)
            raise
        self._report(text, told, began, outcome)
        if outcome.affected:
            self._changed = sum(outcome.affected.values())
        return outcome

    def _report(
        self,
        text: str,
        told: str | None,
        began: float,
        outcome: Outcome | None = None,
        error: BigQueryError | None = None,
    ) -> None:
        """An expression without a query in it is no job."""
        if told is None or _QUERY.search(told):
            kind = STATEMENT if told is None else EXPRESSION
            seconds = time.monotonic() - began
            written = self._as_written(text if told is None else told)
            self._tell(Ran(written, kind, seconds, outcome, error))

    def _as_written(self, text: str) -> str:
        """A part of the script as the client wrote it: the analyzer splits quoted paths."""
        whole = text.replace("`.`", ".")
        return whole if text not in self._query.sql and whole in self._query.sql else text

    def _system(self) -> Values:
        values: dict[str, str | int | None] = {
            "project_id": self._query.project,
            "dataset_project_id": self._query.project,
            "dataset_id": self._query.dataset,
            "time_zone": "UTC",
            "row_count": self._changed,
        }
        if self._error is not None:
            values["error.message"] = self._error.message
            values["error.statement_text"] = self._failed
        return values

    def _set_system(self, name: str, expression: str) -> None:
        value = self._value(f"({expression})")[1]
        if name == "dataset_id":
            self._query = replace(self._query, dataset=value)
        elif name != "time_zone" or value != "UTC":
            raise SqlNotSupported(f"SET of @@{name} to {value!r}")

    def _watch(self, working: Interruptible) -> None:
        self._working = working

    def _value(self, expression: str) -> tuple[Field, Any]:
        outcome = self._ask(f"SELECT {expression}", expression)
        rows = rows_of(outcome)
        return outcome.fields[0], rows.column(0)[0].as_py()

    def _holds(self, condition: str) -> bool:
        return self._value(f"({condition})")[1] is True

    def _declare(self, step: m.Declare) -> None:
        given = f"({step.default})" if step.default else "NULL"
        field, value = self._value(f"CAST({given} AS {step.type})" if step.type else given)
        for name in step.names:
            if name.lower() in self._variables:
                raise InvalidQuery(f"Variable '{name}' redeclaration", "query")
            self._variables[name.lower()] = (name, field, value)

    def _set(self, name: str, expression: str) -> None:
        known = self._variables.get(name.lower())
        if known is None:
            raise InvalidQuery(f"Undeclared variable: {name}", "query")
        # As an assignment coerces: to the type that the variable has.
        _, value = self._value(f"IF(FALSE, `{name}`, ({expression}))")
        self._variables[name.lower()] = (known[0], known[1], value)

    def _assign(self, step: m.Assign) -> None:
        if step.whole:
            self._set(step.names[0], step.expression)
            return
        field, value = self._value(f"({step.expression})")
        if field.type != "RECORD" or len(field.fields) != len(step.names) or value is None:
            raise InvalidQuery("SET wants a STRUCT of as many fields as there are variables")
        for name, member, each in zip(step.names, field.fields, value.values(), strict=True):
            self._give(name, ("", member, each))

    def _give(self, name: str, value: Variable) -> None:
        """Set a variable to a value that is at hand."""
        hidden = "_localgcp_given"
        self._variables[hidden] = (hidden, *value[1:])
        try:
            self._set(name, hidden)
        finally:
            del self._variables[hidden]

    def _execute(self, step: m.Execute) -> None:
        from localgcp.bigquery.googlesql.parameters import Parameter

        given = []
        for number, (name, expression) in enumerate(step.using):
            field, value = self._value(f"({expression})")
            given.append(Parameter(f"p{number}", name, field, value))
        sql = str(self._value(f"({step.sql})")[1])
        # What is executed so knows no variable of the script.
        self._outcome = self._ask(sql, parameters=tuple(given), variables=())
        if step.into:
            row = rows_of(self._outcome)
            for name, field, column in zip(
                step.into, self._outcome.fields, row.columns, strict=True
            ):
                value = column[0].as_py() if row.num_rows else None
                known = self._variables.get(name.lower(), (name, field, None))
                self._variables[name.lower()] = (known[0], known[1], value)


def rows_of(outcome: Outcome) -> pa.Table:
    """The rows of a query. Raises InvalidQuery for what is none."""
    if outcome.rows is None:
        raise InvalidQuery("A query is wanted here", "query")
    return outcome.rows
