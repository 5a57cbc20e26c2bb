"""A statement as the reference sees it: checked against the catalog, evaluated over its tables.

What the analyzer said of a text is remembered for as long as the tables that it names keep their
columns, so that a query that comes again costs no call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.routine import Routine
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.errors import (
    EvaluatorBound,
    InvalidQuery,
    NotFound,
    QueryFailed,
    SqlNotSupported,
)
from localgcp.bigquery.googlesql import exceptions, sessions, texts
from localgcp.bigquery.googlesql.bodies import Bodies
from localgcp.bigquery.googlesql.reference import messages as m
from localgcp.bigquery.googlesql.reference.client import Reference
from localgcp.bigquery.googlesql.reference.steps import Step
from localgcp.bigquery.googlesql.remembered import Remembered
from localgcp.bigquery.googlesql.scope import OfDatasets, Routines, Scope
from localgcp.bigquery.googlesql.sources import PSEUDO_COLUMNS, SUFFIX, Source, Sources

if TYPE_CHECKING:
    import pyarrow as pa

    from localgcp.bigquery.googlesql.parameters import Parameter

_REMEMBERED = 1000
_CONSTANT_BYTES = 4096
# What answers anew each time; a CAST with FORMAT may take today's date for what the text lacks.
_VOLATILE = {"rand", "generate_uuid", "session_user", "current_date", "current_time"} | {
    *("current_datetime", "current_timestamp", "error"),
}
_FORMAT = re.compile(r"(?i)\bFORMAT\b")
MAX_ITERATIONS = 500  # Recursive CTEs, "Limits"
Watch = Callable[[Any], object]
View = Callable[[Table], "pa.Table"]
Library = Callable[[str], str]
"""The code at a `gs://` URI. Raises BigQueryError."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A text and what its names mean."""

    sql: str
    project: str
    dataset: str | None
    parameters: tuple[Parameter, ...] = ()
    variables: m.Variables = ()
    scope: Scope | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What an analysis depends on, but for the tables."""
        shapes = tuple((p.name, p.field) for p in self.parameters)
        number = self.scope.number if self.scope else 0
        return (self.sql, self.project, self.dataset, shapes, repr(self.variables), number)


@dataclass(frozen=True, slots=True)
class Checked:
    """A statement that the analyzer accepts."""

    split: texts.Split
    shape: m.Shape
    analysis: m.Analysis
    sources: tuple[Source, ...]
    routines: Mapping[m.Path, Routine]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The columns of a query."""
        return self.analysis.fields

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables and views that it names."""
        return tuple(table for source in self.sources for table in source.tables)


class Evaluator:
    """The reference over one catalog."""

    def __init__(
        self, reference: Reference, sources: Sources, stored: OfDatasets, library: Library
    ) -> None:
        self.reference, self._sources, self._library = reference, sources, library
        self._routines = Routines(stored)
        self._known = Remembered[Checked](_REMEMBERED)
        self._constants = Remembered["pa.Table"](_REMEMBERED)

    def check(self, statement: Statement) -> Checked:
        """Analyze a statement, or remember what was said of it.

        Raises InvalidQuery with BigQuery's text and place, NotFound, SqlNotSupported.
        """
        known = self._known.get(statement.key)
        if known is not None and self._still(known, statement):
            return known
        split = texts.split_paths(statement.sql)
        split = replace(split, sql=sessions.written_out(split.sql))
        with _told(split):
            checked = self._analyze(split, statement)
        return self._known.put(statement.key, checked)

    def split_query(self, sql: str) -> tuple[str, str] | None:
        """The text before the query of a CREATE or an INSERT, and the query, which comes last."""
        start = self.reference.query_within(sql)
        if start is None:
            return None
        # The parser's place is within the query's parentheses.
        before = texts.without_opening(sql.encode()[:start].decode())
        return f"{before} ", sql[len(before) :].strip().rstrip(";")

    def iterates_too_long(self, statement: Statement, view: View, watch: Watch) -> bool:
        """Whether a recursive CTE goes on past its bound. Raises what `check` raises."""
        text = self.reference.depth_of(texts.split_paths(statement.sql).sql)
        if text is None:
            return False
        asked = self.check(replace(statement, sql=text))
        rows = self.evaluate(asked, statement.parameters, view, watch)
        return bool((rows.column(0)[0].as_py() or 0) > MAX_ITERATIONS)

    def target(self, statement: Statement) -> Table:
        """The table that a DML statement changes. Raises NotFound, SqlNotSupported."""
        path = self.reference.target_of(texts.split_paths(statement.sql).sql)
        table = self._find(path, statement).table
        if table is None or table.is_view:
            raise SqlNotSupported(f"DML on {'.'.join(path)}")
        return table

    def steps(self, sql: str) -> tuple[Step, ...]:
        """A script as steps. Raises InvalidQuery, SqlNotSupported."""
        split = texts.split_paths(sql)
        with _told(split):
            return self.reference.steps_of(split.sql)

    def changes(self, sql: str, columns: tuple[str, ...]) -> list[m.Change]:
        """A DML statement as queries. Raises SqlNotSupported."""
        return self.reference.changes_of(texts.split_paths(sql).sql, columns)

    def _still(self, known: Checked, statement: Statement) -> bool:
        """Whether every name stands for the columns, or the routine, that it stood for."""
        for path, routine in known.routines.items():
            now = self.routine(path, statement)
            if now is None or replace(now, path=path) != routine:
                return False
        for shape, source in zip(known.shape.tables, known.sources, strict=True):
            if shape.within or not self._find(shape.path, statement).reads_as(source):
                return False
        return True

    def _find(self, path: m.Path, statement: Statement) -> Source:
        return self._sources.find(path, statement.project, statement.dataset, statement.scope)

    def routine(self, path: m.Path, statement: Statement) -> Routine | None:
        """A routine by the name that a statement gives it."""
        where = (statement.project, statement.dataset, statement.scope)
        return self._routines.find(path, *where)

    def _analyze(self, split: texts.Split, statement: Statement) -> Checked:
        sources: dict[m.Path, Source] = {}
        missing: NotFound | None = None
        for path in self.reference.names(split.sql):
            try:
                sources.setdefault(path, self._find(path, statement))
            except NotFound as error:  # it may be an array of a table around it
                missing = error
        tables = tuple(
            m.TableShape(path, source.fields, _hidden(source, split.sql))
            for path, source in sources.items()
        )
        own = self._called(split.sql, statement)
        bodies = Bodies(own.values())
        for path, name in bodies.names.items():
            sources[name,] = self._find(path, statement)
            tables += (m.TableShape((name,), sources[name,].fields, within=True),)
        parameters = tuple((p.name, p.field) for p in statement.parameters)
        shape = m.Shape(split.sql, tables, parameters, statement.variables, bodies.routines)
        try:
            analysis = self.reference.analyze(shape)
        except InvalidQuery as error:
            if missing is not None and error.message.startswith(("Table ", "Dataset ")):
                raise missing from error
            raise
        return Checked(split, shape, analysis, tuple(sources.values()), own)

    def _called(self, sql: str, statement: Statement) -> dict[m.Path, Routine]:
        """The routines that a text calls, and those that they call."""
        found: dict[m.Path, Routine] = {}
        todo = texts.called(sql)
        while todo:
            path = todo.pop()
            routine = self.routine(path, statement)
            if routine is not None and path not in found:
                found[path] = replace(routine, path=path)
                todo |= texts.called(routine.body)
        return found

    def created(self, checked: Checked) -> m.Created:
        """What a CREATE of a routine makes. Raises SqlNotSupported."""
        return self.reference.created_by(checked.shape)

    def evaluate(
        self, checked: Checked, parameters: tuple[Parameter, ...], view: View, watch: Watch
    ) -> pa.Table:
        """The rows of a query, which of one over constants are kept for the next time.

        Raises QueryFailed, SqlNotSupported, QueryCancelled.
        """
        values = tuple(p.value for p in parameters)
        key = (repr(checked.shape), repr(values)) if _is_constant(checked) else None
        known = self._constants.get(key) if key else None
        if known is not None:
            return known
        contents = self._contents(checked, view)
        named = sorted({uri for r in checked.routines.values() for uri in r.libraries})
        libraries = tuple((uri, self._library(uri)) for uri in named)
        request = m.Evaluate(checked.shape, checked.analysis, contents, values, libraries)
        try:
            rows: pa.Table = self.reference.evaluate(request, watch)
        except QueryFailed as error:
            raise exceptions.failed(_without_place(error.message)) from error
        if key and rows.nbytes <= _CONSTANT_BYTES:
            self._constants.put(key, rows)
        return rows

    def _contents(self, checked: Checked, view: View) -> tuple[pa.Table, ...]:
        read: dict[int, pa.Table] = {}
        rows = size = 0
        limits = self.reference.limits
        for place in sorted({scan.table for scan in checked.analysis.scans}):
            source = checked.sources[place]
            for table in source.tables:
                if table.is_view:
                    continue
                more, weight = self._sources.size(table)
                rows, size = rows + more, size + weight
                if rows > limits.rows or size > limits.bytes:
                    raise EvaluatorBound(limits.rows, limits.bytes)
            read[place] = self._rows(source, checked.shape.tables[place].hidden, view)
            if read[place].num_rows > limits.rows or read[place].nbytes > limits.bytes:
                raise EvaluatorBound(limits.rows, limits.bytes)
        return tuple(read[scan.table] for scan in checked.analysis.scans)

    def _rows(self, source: Source, hidden: tuple[Field, ...], view: View) -> pa.Table:
        if source.rows is not None:
            return source.rows
        if source.parts:
            return self._sources.read_parts(source)
        assert source.table is not None
        if source.table.is_view:
            return view(source.table)
        return self._sources.read(source.table, hidden)


@contextmanager
def _told(split: texts.Split) -> Iterator[None]:
    """What is wrong is told of the client's text, and by BigQuery's rules."""
    try:
        yield
    except SqlNotSupported:
        raise
    except InvalidQuery as error:
        raise exceptions.told(split.told(error.message)) from error


def _is_constant(checked: Checked) -> bool:
    """Whether it reads no table and comes to the same each time."""
    analysis = checked.analysis
    return not (
        checked.sources or analysis.functions & _VOLATILE or _FORMAT.search(checked.shape.sql)
    )


def _hidden(source: Source, sql: str) -> tuple[Field, ...]:
    if source.parts:
        return (Field(SUFFIX, "STRING"),)
    table = source.table
    if table is None or table.is_view:
        return ()
    hidden = (Field(m.ROW, "INTEGER"),) if m.ROW in sql else ()
    return hidden + (PSEUDO_COLUMNS if table.is_ingested else ())


def _without_place(message: str) -> str:
    """The place would be one in the text that was evaluated, not in the client's."""
    return re.sub(r" \[at \d+:\d+\]", "", message)
