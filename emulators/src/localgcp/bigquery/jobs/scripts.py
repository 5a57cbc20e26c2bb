"""Scripts: statement after statement, with variables, conditions, loops and handlers.

A variable is a constant to each statement, which the reference evaluator knows by its name; columns
of that name go before it, as in BigQuery. What a script comes to is its last statement's outcome.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import (
    BigQueryError,
    InvalidQuery,
    QueryCancelled,
    QueryFailed,
    SqlNotSupported,
    TimedOut,
    Unavailable,
)
from localgcp.bigquery.googlesql.reference import messages as m
from localgcp.bigquery.jobs.query import Interruptible, Outcome, Query, Watch

if TYPE_CHECKING:
    import pyarrow as pa

SCRIPT_SECONDS = 300.0
_MESSAGE = re.compile(r"(?i)@@error\.message\b")
Statement = Callable[[Query, Watch], Outcome]


class _Left(Exception):
    """BREAK, CONTINUE or RETURN, on its way out."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(kind)


class Script:
    """One run of a script; `statement` runs a statement."""

    def __init__(self, query: Query, statement: Statement, watch: Watch) -> None:
        self._query, self._statement = query, statement
        self._variables: dict[str, tuple[str, Field, Any]] = {}
        self._error: BigQueryError | None = None
        self._outcome: Outcome | None = None
        self._working: Interruptible | None = None
        self._stopped, self._end = False, time.monotonic() + SCRIPT_SECONDS
        watch(self)

    def interrupt(self) -> None:
        """End it: the statement at work, and those to come."""
        self._stopped = True
        if self._working is not None:
            self._working.interrupt()

    def run(self, steps: tuple[m.Step, ...]) -> Outcome:
        """Run the steps; gives what the last of them that has an outcome gave.

        Raises what its statements raise, and what it raises itself.
        """
        try:
            self._all(steps)
        except _Left as left:
            if left.kind != "RETURN":
                raise InvalidQuery(f"{left.kind} is only allowed inside of a loop body") from left
        return self._outcome or Outcome("SCRIPT")

    def _all(self, steps: tuple[m.Step, ...]) -> None:
        for step in steps:
            if self._stopped:
                raise QueryCancelled
            if time.monotonic() > self._end:
                raise TimedOut(SCRIPT_SECONDS)
            self._step(step)

    def _step(self, step: m.Step) -> None:
        match step:
            case m.Run(sql):
                self._outcome = self._ask(sql)
            case m.Declare():
                self._declare(step)
            case m.Assign():
                self._assign(step)
            case m.Execute():
                self._execute(step)
            case _:
                self._control(step)

    def _control(self, step: m.Step) -> None:
        match step:
            case m.If(branches, last):
                chosen = (body for condition, body in branches if self._holds(condition))
                self._all(next(chosen, last))
            case m.While():
                self._while(step)
            case m.For():
                self._for(step)
            case m.Block(body, handler):
                self._block(body, handler)
            case m.Jump(kind):
                raise _Left(kind)
            case m.Raise(message):
                self._raise(message)

    def _ask(self, sql: str, **more: Any) -> Outcome:
        if self._error is not None:
            text = repr(self._error.message)
            sql = _MESSAGE.sub(lambda _: text, sql)
        known = {"variables": tuple(self._variables.values()), **more}
        asked = replace(self._query, sql=sql, **known)
        return self._statement(asked, self._watch)

    def _watch(self, working: Interruptible) -> None:
        self._working = working

    def _value(self, expression: str) -> tuple[Field, Any]:
        outcome = self._ask(f"SELECT {expression}")
        rows = _rows(outcome)
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
            self._variables["_localgcp_member"] = ("_localgcp_member", member, each)
            self._set(name, "_localgcp_member")
        del self._variables["_localgcp_member"]

    def _while(self, step: m.While) -> None:
        while step.condition is None or self._holds(step.condition):
            if not self._turn(step.body) or (step.until and self._holds(step.until)):
                return

    def _turn(self, body: tuple[m.Step, ...]) -> bool:
        """Once through a loop's body: whether it goes on."""
        try:
            self._all(body)
        except _Left as left:
            if left.kind == "RETURN":
                raise
            return left.kind == "CONTINUE"
        return True

    def _for(self, step: m.For) -> None:
        outcome = self._ask(step.query)
        row = Field(step.name, "RECORD", fields=outcome.fields)
        outer = self._variables.get(step.name.lower())
        for values in _rows(outcome).to_pylist():
            self._variables[step.name.lower()] = (step.name, row, values)
            if not self._turn(step.body):
                break
        self._variables.pop(step.name.lower(), None)
        if outer is not None:
            self._variables[step.name.lower()] = outer

    def _block(self, body: tuple[m.Step, ...], handler: tuple[m.Step, ...] | None) -> None:
        before = set(self._variables)
        try:
            self._all(body)
        except (QueryCancelled, TimedOut, SqlNotSupported, Unavailable):
            raise
        except BigQueryError as error:
            if handler is None:
                raise
            self._handle(handler, error)
        finally:
            for name in set(self._variables) - before:
                del self._variables[name]

    def _handle(self, handler: tuple[m.Step, ...], error: BigQueryError) -> None:
        outer, self._error = self._error, error
        try:
            self._all(handler)
        finally:
            self._error = outer

    def _raise(self, message: str | None) -> None:
        if message is not None:
            raise QueryFailed(str(self._value(f"({message})")[1]))
        if self._error is None:
            raise InvalidQuery("Cannot re-raise: no exception is being handled", "query")
        raise self._error

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
            row = _rows(self._outcome)
            for name, field, column in zip(
                step.into, self._outcome.fields, row.columns, strict=True
            ):
                value = column[0].as_py() if row.num_rows else None
                known = self._variables.get(name.lower(), (name, field, None))
                self._variables[name.lower()] = (known[0], known[1], value)


def _rows(outcome: Outcome) -> pa.Table:
    if outcome.rows is None:
        raise InvalidQuery("A query is wanted here", "query")
    return outcome.rows
