"""CREATE and DROP of functions, table functions and procedures."""

from __future__ import annotations

import re
from dataclasses import replace

from localgcp.bigquery.catalog.routines import RoutineName, RoutineNotFound, StoredRoutines
from localgcp.bigquery.errors import InvalidQuery, SqlNotSupported
from localgcp.bigquery.googlesql.reference.messages import Created, Path
from localgcp.bigquery.jobs.query import Outcome, Query

CREATES = ("create_function", "create_table_function", "create_procedure")
_DROP = re.compile(
    r"""(?ix)^\s*DROP\s+(?P<kind>TABLE\s+FUNCTION|FUNCTION|PROCEDURE)\s+
    (?P<exists>IF\s+EXISTS\s+)?(?P<path>(?:`[^`]+`|[\w-]+)(?:\s*\.\s*(?:`[^`]+`|[\w-]+))*)\s*;?\s*$"""
)


def drops(sql: str) -> bool:
    """Whether a statement drops a routine."""
    return _DROP.match(sql) is not None


class RoutineStatements:
    """Runs them over the stored routines and those of a query's scope."""

    def __init__(self, stored: StoredRoutines) -> None:
        self._stored = stored

    def create(self, query: Query, created: Created) -> Outcome:
        """Make a routine. Raises AlreadyExists, DatasetNotFound, InvalidQuery, SqlNotSupported."""
        routine = created.routine
        kind = f"CREATE_{_kind(routine.kind)}"
        if created.temporary:
            if query.scope is None:
                what = "Use of CREATE TEMP FUNCTION requires a script or session"
                raise InvalidQuery(what, "query")
            query.scope.routines[routine.path[-1].lower()] = routine
            return Outcome(kind, operation="CREATE")
        name = _name(routine.path, query)
        if query.dry_run:
            return Outcome(kind, routine=name, operation="CREATE", dry_run=True)
        operation = self._stored.create(name, replace(routine, path=()), created.mode)
        return Outcome(kind, routine=name, operation=operation)

    def drop(self, query: Query) -> Outcome:
        """Forget a routine. Raises RoutineNotFound, DatasetNotFound."""
        match = _DROP.match(query.sql)
        assert match is not None
        kind = "_".join(["DROP", *match["kind"].upper().split()])
        path = tuple(re.sub(r"[`\s]", "", match["path"]).split("."))
        if len(path) == 1 and query.scope and path[0].lower() in query.scope.routines:
            del query.scope.routines[path[0].lower()]
            return Outcome(kind, operation="DROP")
        name = _name(path, query)
        try:
            self._stored.get(name)
        except RoutineNotFound:
            if not match["exists"]:
                raise
            return Outcome(kind, routine=name, operation="SKIP")
        if not query.dry_run:
            self._stored.delete(name)
        return Outcome(kind, routine=name, operation="DROP")


def _kind(kind: str) -> str:
    if kind == "TABLE":
        return "TABLE_FUNCTION"
    return "PROCEDURE" if kind == "PROCEDURE" else "FUNCTION"


def _name(path: Path, query: Query) -> RoutineName:
    home = path[-2] if len(path) > 1 else query.dataset
    if home is None:
        what = f"Routine name missing dataset while no default dataset is set: {path[-1]}"
        raise InvalidQuery(what, "query")
    if home.startswith("_"):
        raise SqlNotSupported(f"a routine in dataset {home}")
    return RoutineName(".".join(path[:-2]) or query.project, home, path[-1])
