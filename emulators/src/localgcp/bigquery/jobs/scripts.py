"""Scripts: statement after statement, with variables, conditions, loops and handlers.

A variable is a constant to each statement, which the reference evaluator knows by its name; columns
of that name go before it, as in BigQuery. What a script comes to is its last statement's outcome.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog.information_views import standard_type
from localgcp.bigquery.catalog.routine import Argument, Routine
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
from localgcp.bigquery.googlesql.reference import steps as m
from localgcp.bigquery.googlesql.reference.messages import Path
from localgcp.bigquery.jobs.query import Outcome, Query, Ran, Tell, Watch
from localgcp.bigquery.jobs.script_statements import (
    STATEMENT,
    ScriptStatements,
    Statement,
    Variable,
    rows_of,
)
from localgcp.bigquery.store import Store

if TYPE_CHECKING:
    pass

SCRIPT_SECONDS = 300.0
MAX_CALLS = 50  # Quotas, "Stored procedures": depth of nested calls


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a script finds around it."""

    routine: Callable[[Path, Query], Routine | None]
    steps: Callable[[str], tuple[m.Step, ...]]
    store: Store


class _Left(Exception):
    """BREAK, CONTINUE or RETURN, on its way out."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(kind)


class Script(ScriptStatements):
    """One run of a script; `statement` runs a statement."""

    def __init__(
        self,
        query: Query,
        statement: Statement,
        watch: Watch,
        around: Surroundings,
        tell: Tell = lambda ran: None,
    ) -> None:
        super().__init__(query, statement, tell)
        self._around, self._calls = around, 0
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
            case m.SetSystem(path, expression):
                self._set_system(".".join(path).lower(), expression)
            case m.Execute():
                self._execute(step)
            case m.Call():
                self._call(step)
            case m.Transact(kind):
                self._transact(kind)
            case _:
                self._control(step)

    def _control(self, step: m.Step) -> None:
        match step:
            case m.If(branches, last):
                chosen = (body for condition, body in branches if self._holds(condition))
                self._all(next(chosen, last))
            case m.Case():
                self._case(step)
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

    def _case(self, step: m.Case) -> None:
        """The subject is asked for once."""
        hidden = f"_localgcp_case_{len(self._variables)}"
        if step.subject is not None:
            field, value = self._value(f"({step.subject})")
            self._variables[hidden] = (hidden, field, value)
        try:
            same = f"{hidden} = " if step.subject is not None else ""
            chosen = (body for value, body in step.branches if self._holds(f"{same}({value})"))
            body = next(chosen, step.last or ())
        finally:
            self._variables.pop(hidden, None)
        self._all(body)

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
        for values in rows_of(outcome).to_pylist():
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

    def _call(self, step: m.Call) -> None:
        """A procedure sees its arguments, and no other variable."""
        routine = self._around.routine(step.path, self._query)
        name = ".".join(step.path)
        if routine is None or routine.kind != "PROCEDURE":
            if name.upper().startswith("BQ."):
                raise SqlNotSupported(f"CALL {name}")
            raise InvalidQuery(f"Procedure not found: {name}", "query")
        if len(routine.arguments) != len(step.arguments):
            raise InvalidQuery(f"CALL {name}: another number of arguments is wanted", "query")
        if self._calls >= MAX_CALLS:
            raise QueryFailed(f"Procedures call each other more than {MAX_CALLS} deep")
        given = list(zip(routine.arguments, step.arguments, strict=True))
        inner = {a.name.lower(): self._argument(a, text) for a, text in given}
        steps = self._around.steps(routine.body)
        outer, self._variables = self._variables, inner
        self._calls += 1
        try:
            self._procedure(steps)
        finally:
            self._calls -= 1
            inner, self._variables = self._variables, outer
        for argument, text in given:
            if argument.mode != "IN":
                self._variables["_localgcp_out"] = (
                    "_localgcp_out",
                    *inner[argument.name.lower()][1:],
                )
                self._set(text.strip("` "), "_localgcp_out")
        self._variables.pop("_localgcp_out", None)

    def _procedure(self, steps: tuple[m.Step, ...]) -> None:
        try:
            self._all(steps)
        except _Left as left:
            if left.kind != "RETURN":
                raise

    def _argument(self, argument: Argument, text: str) -> Variable:
        given = "NULL" if argument.mode == "OUT" else f"({text})"
        if argument.mode != "IN" and text.strip("` ").lower() not in self._variables:
            what = f"The argument for {argument.mode} {argument.name} is to be a variable"
            raise InvalidQuery(what, "query")
        kind = argument.type
        asked = given if kind is None else f"CAST({given} AS {standard_type(kind)})"
        return (argument.name, *self._value(asked))

    def _transact(self, kind: str) -> None:
        store = self._around.store
        if kind == "BEGIN":
            if store.within is not None:
                raise InvalidQuery("Transaction is already in progress", "query")
            store.begin()
        elif store.within is None:
            raise InvalidQuery(f"{kind}: no transaction is in progress", "query")
        elif kind == "COMMIT":
            store.commit()
        else:
            store.roll_back()
        self._outcome = Outcome(f"{kind}_TRANSACTION")
        self._tell(Ran(f"{kind} TRANSACTION", STATEMENT, 0, self._outcome))
