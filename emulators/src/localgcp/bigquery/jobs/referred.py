"""The statements that the reference evaluator runs, and what its analyzer says of all others."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.routines import StoredRoutines
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.errors import (
    BigQueryError,
    DuplicateColumn,
    EvaluatorBound,
    InvalidQuery,
    MatchedTwice,
    NotSupported,
    PartitionFilterMissing,
    QueryCancelled,
    RecursionUnbounded,
    ResourcesExceeded,
    ResponseTooLarge,
    SqlNotSupported,
)
from localgcp.bigquery.googlesql import texts
from localgcp.bigquery.googlesql.sources import MAX_VIEW_DEPTH, Sources
from localgcp.bigquery.jobs.objects import Objects
from localgcp.bigquery.jobs.query import Outcome, Query, Watch
from localgcp.bigquery.jobs.results import plan_of, view_of
from localgcp.bigquery.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

    from localgcp.bigquery.catalog.routine import Routine
    from localgcp.bigquery.googlesql.evaluator import Checked, Statement, View
    from localgcp.bigquery.googlesql.reference.client import Reference
    from localgcp.bigquery.googlesql.reference.messages import Analysis, Created, Path
    from localgcp.bigquery.googlesql.reference.steps import Step
    from localgcp.bigquery.jobs.queries import Queries

_INEXACT = {"JSON"}  # DuckDB's is the text as it came
_LENIENT = {"parse_date", "parse_datetime", "parse_time", "parse_timestamp"}
# Statements with a query in them whose rows go into a table; a view's text stays as it is.
_DML = ("insert", "update", "delete", "merge")
_HOLDERS = ("create_table_as_select", "create_view", "insert")
# No other engine would answer otherwise.
_FINAL = (
    DuplicateColumn,
    MatchedTwice,
    PartitionFilterMissing,
    QueryCancelled,
    RecursionUnbounded,
    ResourcesExceeded,
    ResponseTooLarge,
)


class Referred:
    """The reference evaluator as the query engine uses it; without one, nothing changes."""

    def __init__(
        self,
        queries: Queries,
        store: Store,
        catalog: Catalog,
        sizes: Sizes,
        stored: StoredRoutines,
        reference: Reference | None,
        objects: Objects,
    ) -> None:
        from localgcp.bigquery.googlesql.evaluator import Evaluator

        self._queries, self._reference = queries, reference
        sources = Sources(store, catalog, sizes, queries.information_schema)
        self._evaluator: Evaluator | None = None
        if reference is not None:
            self._evaluator = Evaluator(reference, sources, stored, objects.text)

    def steps(self, query: Query) -> tuple[Step, ...] | None:
        """A script as steps; None for a statement. Raises InvalidQuery, SqlNotSupported."""
        if self._evaluator is None or not _is_script(query):
            return None
        if query.dry_run or query.destination is not None:
            raise SqlNotSupported("dryRun or destinationTable of a script")
        return self._evaluator.steps(query.sql)

    def steps_within(self, body: str) -> tuple[Step, ...]:
        """A procedure's body as steps. Raises InvalidQuery, SqlNotSupported."""
        assert self._evaluator is not None
        return self._evaluator.steps(body)

    def routine(self, path: Path, query: Query) -> Routine | None:
        """A routine by the name that a statement gives it."""
        assert self._evaluator is not None
        return self._evaluator.routine(path, self._statement(query))

    def calls_a_routine(self, query: Query) -> bool:
        """Whether a function of its own is called in a text that the analyzer said nothing of."""
        if self._evaluator is None or not _is_asked(query):
            return False
        return any(self.routine(path, query) for path in texts.called(query.sql))

    def created(self, checked: Checked) -> Created:
        """What a CREATE of a routine makes. Raises SqlNotSupported."""
        assert self._evaluator is not None
        return self._evaluator.created(checked)

    def check(self, query: Query, watch: Watch) -> Checked | None:
        """What the analyzer says of a statement, if it is installed and knows all of it.

        Raises InvalidQuery for what is no GoogleSQL, NotFound, EvaluatorAway.
        """
        if self._reference is None or not self._reference.wait() or not _is_asked(query):
            return None
        try:
            checked = self._check(query)
        except SqlNotSupported:
            return None
        if "recursive" in query.sql.lower() and checked.analysis.kind == "query":
            self._check_recursion(query, watch)
        return checked

    def _check_recursion(self, query: Query, watch: Watch) -> None:
        """Count a recursive query's iterations.

        Raises RecursionUnbounded. What can't be counted is bounded by its time.
        """
        assert self._evaluator is not None
        unbounded = False
        with suppress(SqlNotSupported, InvalidQuery):
            statement, view = self._statement(query), self._views(query, watch)
            unbounded = self._evaluator.iterates_too_long(statement, view, watch)
        if unbounded:
            raise RecursionUnbounded

    @staticmethod
    def _statement(query: Query) -> Statement:
        from localgcp.bigquery.googlesql.evaluator import Statement

        known = (query.parameters, query.variables, query.scope)
        return Statement(query.sql, query.project, query.dataset, *known)

    def _check(self, query: Query) -> Checked:
        assert self._evaluator is not None
        return self._evaluator.check(self._statement(query))

    def comes_first(self, checked: Checked) -> bool:
        """Whether the reference is asked before DuckDB, for it is right by definition.

        So it is where no table is read, and for types and functions that DuckDB does not have
        exactly so.
        """
        analysis = checked.analysis
        if analysis.kind not in ("query", "create_table_as_select"):
            return False
        if "any_value" in analysis.functions:
            return False  # BigQuery's passes over NULL, the reference's may not
        return _is_inexact(analysis) or bool(analysis.reckons)

    def makes_columns(self, checked: Checked) -> bool:
        """Whether columns of BIGNUMERIC are made, which DuckDB does not tell from BYTES."""
        analysis = checked.analysis
        return analysis.kind in _HOLDERS[:2] and "BIGNUMERIC" in analysis.types

    def run(
        self, query: Query, checked: Checked | None, error: BigQueryError, watch: Watch
    ) -> Outcome:
        """A statement that `error` ended elsewhere. Raises it, or what ends the statement here."""
        if self._evaluator is None or isinstance(error, _FINAL) or not _is_asked(query):
            raise error
        try:
            checked = checked or self._check(query)
            if checked.analysis.kind == "query":
                return self._select(query, checked, watch)
            if checked.analysis.kind in _DML and not self._holds_query(checked, query):
                return self._change(checked.analysis.kind, query, error, watch)
            if checked.analysis.kind in _HOLDERS:
                return self._hold(checked.analysis.kind, query, error, watch)
        except EvaluatorBound:
            raise
        except SqlNotSupported as refusal:
            refused = isinstance(error, SqlNotSupported | NotSupported)
            raise (error if refused else refusal) from refusal
        raise error

    def _select(self, query: Query, checked: Checked, watch: Watch) -> Outcome:
        if query.dry_run:
            return Outcome("SELECT", checked.fields, tables=checked.tables, dry_run=True)
        rows = self._rows(query, checked, watch)
        if query.destination is None:
            return Outcome("SELECT", checked.fields, rows, tables=checked.tables)
        return self._queries.keep(query, plan_of(checked.fields, rows), checked.tables, watch)

    def _hold(self, kind: str, query: Query, error: BigQueryError, watch: Watch) -> Outcome:
        """A CREATE or an INSERT: its query is run by itself, its rows are then put there."""
        assert self._evaluator is not None
        parts = self._evaluator.split_query(query.sql)
        if parts is None or query.dry_run:
            raise error
        before, inner = parts
        is_view = kind == "create_view"
        asked = replace(query, sql=inner, destination=None, dry_run=is_view)
        outcome = self._queries.run(asked, watch)
        plan = view_of(outcome.fields, inner) if is_view else plan_of(outcome.fields, outcome.rows)
        header = f"{before}SELECT 1 AS localgcp"
        return self._queries.put(header, query, plan, outcome.tables, watch)

    def _holds_query(self, checked: Checked, query: Query) -> bool:
        assert self._evaluator is not None
        kind = checked.analysis.kind
        return kind == "insert" and self._evaluator.split_query(query.sql) is not None

    def _change(self, kind: str, query: Query, error: BigQueryError, watch: Watch) -> Outcome:
        """An UPDATE, DELETE, MERGE, or INSERT of values."""
        evaluator = self._evaluator
        assert evaluator is not None
        if query.dry_run:
            raise error
        target = evaluator.target(self._statement(query))

        def rows(sql: str) -> tuple[tuple[Field, ...], pa.Table]:
            asked = replace(query, sql=sql)
            checked = evaluator.check(self._statement(asked))
            return checked.fields, self._rows_to_change(asked, checked, watch)

        changes = evaluator.changes(query.sql, tuple(field.name for field in target.fields))
        return self._queries.changing.run(kind.upper(), target, changes, rows)

    def _rows_to_change(self, query: Query, checked: Checked, watch: Watch) -> pa.Table:
        """By DuckDB where it has all that is asked exactly so, or where there are too many."""
        if _is_inexact(checked.analysis):
            with suppress(EvaluatorBound):
                return self._rows(query, checked, watch)
        if checked.routines or "BIGNUMERIC" in checked.analysis.types:
            return self._rows(query, checked, watch)
        try:
            return self._queries.numbered(query, checked, watch)
        except (InvalidQuery, NotSupported) as error:
            if isinstance(error, _FINAL):
                raise
            return self._rows(query, checked, watch)

    def _rows(self, query: Query, checked: Checked, watch: Watch) -> pa.Table:
        assert self._evaluator is not None
        if any(table.require_partition_filter for table in checked.tables):
            raise SqlNotSupported("this statement over a table with requirePartitionFilter")
        view = self._views(query, watch)
        return self._evaluator.evaluate(checked, query.parameters, view, watch)

    def _views(self, query: Query, watch: Watch) -> View:
        """Reads the views that a statement names."""

        def view(table: Table) -> pa.Table:
            if query.depth >= MAX_VIEW_DEPTH:
                what = f"Too many levels of nested views: {MAX_VIEW_DEPTH}"
                raise InvalidQuery(what, "query")
            name = table.name
            inner = Query(table.query or "", name.project, name.dataset, depth=query.depth + 1)
            rows = self._queries.run(inner, watch).rows
            assert rows is not None
            return rows

        return view


def _is_inexact(analysis: Analysis) -> bool:
    """Whether no table is read, or DuckDB has a type or a function of it otherwise."""
    return not analysis.scans or bool(analysis.types & _INEXACT or analysis.functions & _LENIENT)


def _is_script(query: Query) -> bool:
    return not query.single and texts.is_script(query.sql)


def _is_asked(query: Query) -> bool:
    """Whether the analyzer is asked: of a script its statements are, one by one, and of an ALTER
    it does not say which table it names, so that whoever alters checks it."""
    return not _is_script(query) and texts.first_word(query.sql) != "ALTER"
