"""Runs one statement: by DuckDB where it is translated, else by the reference evaluator.

First the analyzer says whether the statement is GoogleSQL at all and what its columns are (where it
is installed and ready). What the translator refuses, what fails in DuckDB and what would have other
columns is then evaluated by the reference, whole, over tables that are small enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog import bignumeric
from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.information_schema import InformationSchema
from localgcp.bigquery.catalog.routines import StoredRoutines
from localgcp.bigquery.catalog.schema import Field, quoted
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.errors import (
    BadValue,
    EvaluatorBound,
    InvalidQuery,
    NotSupported,
    QueryFailed,
    SqlNotSupported,
)
from localgcp.bigquery.googlesql.scope import Scope
from localgcp.bigquery.jobs.changes import Changing
from localgcp.bigquery.jobs.clones import Clones
from localgcp.bigquery.jobs.copies import Copies
from localgcp.bigquery.jobs.definitions import Definitions
from localgcp.bigquery.jobs.objects import Objects
from localgcp.bigquery.jobs.pricing import reads_of
from localgcp.bigquery.jobs.query import Outcome, Query, Tell, Watch
from localgcp.bigquery.jobs.referred import Referred
from localgcp.bigquery.jobs.results import Plan, agree, bind, changed, fetch, fields_of, placed
from localgcp.bigquery.jobs.routines import CREATES, RoutineStatements, drops
from localgcp.bigquery.jobs.scripts import Script, Surroundings
from localgcp.bigquery.jobs.temporaries import Temporaries, refuse_definition
from localgcp.bigquery.jobs.writing import Writing
from localgcp.bigquery.store import Store

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

    from localgcp.bigquery.googlesql.evaluator import Checked
    from localgcp.bigquery.googlesql.reference.client import Reference
    from localgcp.bigquery.googlesql.statements import Context, Translation
    from localgcp.bigquery.googlesql.translations import Translations


class Queries:
    """The query engine over the store and the catalog."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        sizes: Sizes,
        stored: StoredRoutines,
        objects: Objects,
        reference: Reference | None = None,
    ) -> None:
        self._store, self._catalog, self._sizes = store, catalog, sizes
        self.information_schema = InformationSchema(store, catalog, sizes)
        self._writing = Writing(catalog, sizes)
        self._definitions = Definitions(store, catalog, sizes, self._writing)
        self.changing = Changing(store, catalog, sizes, self._writing)
        self._referred = Referred(self, store, catalog, sizes, stored, reference, objects)
        self._known: Translations | None = None
        self._routines = RoutineStatements(stored)
        self._temporaries = Temporaries(catalog)
        self._clones = Clones(catalog, Copies(store, catalog, sizes))
        self._script = Surroundings(self._referred.routine, self._referred.steps_within, store)

    def run(
        self,
        query: Query,
        watch: Watch = lambda cursor: None,
        tell: Tell = lambda ran: None,
    ) -> Outcome:
        """Run to the end; `watch` gets the cursor, so that another thread can interrupt it.

        `tell` hears of each statement of a script.

        Raises InvalidQuery and its kin for what is wrong with the SQL, NotFound, AlreadyExists.
        """
        steps = self._referred.steps(query)
        if steps is None:
            self._temporaries.placed(query)  # which a script alone may have
            return self._run(query, watch)
        scope = Scope()
        single = replace(query, scope=scope, single=True)
        script = Script(single, self._one, watch, self._script, tell)
        try:
            return replace(script.run(steps), script=True)
        finally:
            if self._store.within is not None:
                self._store.roll_back()
            self._temporaries.end(query.project, scope)

    def _one(self, query: Query, watch: Watch) -> Outcome:
        """One statement of a script."""
        if self._store.within is not None:
            refuse_definition(query.sql)
        placed = self._temporaries.placed(query)
        try:
            return self._run(placed or query, watch)
        finally:
            if query.scope is not None and query.scope.tables:
                self._temporaries.settle(query.scope)

    def _run(self, query: Query, watch: Watch) -> Outcome:
        """One statement."""
        if drops(query.sql):
            return self._routines.drop(query)
        cloned = self._clones.run(query)
        if cloned is not None:
            return cloned
        checked = self._referred.check(query, watch)
        outcome = self._checked(query, checked, watch)
        if checked is None or outcome.kind != "SELECT" or any(t.is_view for t in checked.tables):
            return outcome
        context = replace(self.context(query), by_bytes=True)  # filters on partitions alone
        return replace(outcome, reads=reads_of(checked, context))

    def _checked(self, query: Query, checked: Checked | None, watch: Watch) -> Outcome:
        """What the analyzer knows, or can't tell, by the engine that it is for."""
        if checked is not None and checked.analysis.kind in CREATES:
            return self._routines.create(query, self._referred.created(checked))
        refusal = SqlNotSupported("a function of your own in this statement")
        if checked is not None and checked.routines:
            return self._referred.run(query, checked, refusal, watch)
        if checked is None and self._referred.calls_a_routine(query):
            raise refusal  # whose name DuckDB may have for another
        if checked is not None and self._referred.comes_first(checked):
            elsewhere = EvaluatorBound(0, 0)  # comes back where the reference refuses
            with suppress(SqlNotSupported):
                return self._referred.run(query, checked, elsewhere, watch)
        if checked is not None and self._referred.makes_columns(checked):
            refusal = SqlNotSupported("a column of BIGNUMERIC of this statement")
            return self._referred.run(query, checked, refusal, watch)
        try:
            return self._translated(query, watch, checked)
        except (InvalidQuery, NotSupported) as error:
            return self._referred.run(query, checked, error, watch)

    def _translated(self, query: Query, watch: Watch, checked: Checked | None) -> Outcome:
        """By DuckDB. Raises what `run` raises."""
        from localgcp.bigquery.googlesql import statements as sql

        context = self.context(query, checked)
        known = self._translations.find(query.sql, context)
        if known is not None:
            return self._select(known, query, watch, checked)
        tree = sql.parse(query.sql)
        kind = sql.kind_of(tree)
        with _told(tree):
            if kind == "SELECT":
                made = sql.translate(tree, context)
                outcome = self._select(made, query, watch, checked)
                self._translations.keep(query.sql, context, made)
                return outcome
            if query.destination is not None:
                raise BadValue("destinationTable", str(query.destination), f"{kind} has no result")
            if kind in sql.DML:
                return self._change(tree, kind, query, context, watch)
            return self._definitions.run(tree, kind, query, context, watch)

    @property
    def _translations(self) -> Translations:
        """Made late: SQLGlot takes its time to load."""
        from localgcp.bigquery.googlesql.translations import Translations

        self._known = self._known or Translations()
        return self._known

    def view_fields(self, view: Table) -> tuple[Field, ...]:
        """The schema of a view, from its query. Raises what `run` raises."""
        name = view.name
        query = Query(view.query or "", name.project, name.dataset, dry_run=True)
        return self.run(query).fields

    def context(self, query: Query, checked: Checked | None = None) -> Context:
        """What a statement's names mean to the translator.

        Of a view the analyzer tells the columns alone, not what is done to make them.
        """
        from localgcp.bigquery.googlesql.statements import Context

        return Context(
            self._catalog,
            query.project,
            query.dataset,
            self.information_schema,
            query.parameters,
            query.scope,
            by_bytes=checked is not None
            and not checked.analysis.reckons
            and not any(table.is_view for table in checked.tables),
        )

    def put(
        self, header: str, query: Query, plan: Plan, tables: tuple[Table, ...], watch: Watch
    ) -> Outcome:
        """A CREATE or INSERT whose query is planned; `header` is its text with another query."""
        from localgcp.bigquery.googlesql import statements as sql

        tree = sql.parse(header)
        kind = sql.kind_of(tree)
        context = self.context(query)
        if kind != "INSERT":
            return self._definitions.run(tree, kind, query, context, watch, plan)
        name = sql.names_of(context).name_of(_dml_target(tree))
        table = self._catalog.rows_of(name, f"{kind} rows of")
        columns = _insert_columns(tree, table)
        with self._store.write() as tx:
            watch(tx.db)
            count = self._writing.insert(tx, table, columns, placed(plan, columns).translation)
            self._catalog.touch(tx, table)
        return Outcome(kind, affected={kind: count}, target=name, tables=tables)

    def keep(self, query: Query, plan: Plan, tables: tuple[Table, ...], watch: Watch) -> Outcome:
        """Write a query's result to its destination."""
        with self._store.write() as tx:
            watch(tx.db)
            table = self._writing.destination(tx, query, plan.fields)
            self._writing.insert(tx, table, plan.fields, plan.translation, query.partition)
        return Outcome("SELECT", table.fields, target=table.name, tables=tables)

    def _select(
        self, translation: Translation, query: Query, watch: Watch, checked: Checked | None
    ) -> Outcome:
        tables = translation.tables
        with self._store.read() as db:
            watch(db)
            relation = bind(db, translation)
            fields = fields_of(relation)
            if checked is not None:
                agree(fields, checked.fields)
                if bignumeric.holds(checked.fields):
                    fields = checked.fields
            if query.destination is None or query.dry_run:
                rows = None if query.dry_run else fetch(relation)
                return Outcome("SELECT", fields, rows, tables=tables, dry_run=query.dry_run)
        return self.keep(query, Plan(fields, translation), tables, watch)

    def numbered(self, query: Query, checked: Checked, watch: Watch) -> pa.Table:
        """The rows of a query that DML is made of, which knows a table's rows by their numbers.

        Raises SqlNotSupported where DuckDB's columns are of other types, and what `run` raises.
        """
        from localgcp.bigquery.googlesql import statements as sql

        translation = sql.translate(sql.parse(query.sql), self.context(query, checked))
        with self._store.read() as db:
            watch(db)
            relation = bind(db, translation)
            relation = relation.project(_named(relation.columns, checked.fields))
            agree(fields_of(relation), checked.fields)
            return fetch(relation)

    def _change(
        self, tree: exp.Expr, kind: str, query: Query, context: Context, watch: Watch
    ) -> Outcome:
        """INSERT, UPDATE, DELETE, MERGE."""
        from localgcp.bigquery.googlesql.statements import names_of, translate

        name = names_of(context).name_of(_dml_target(tree))
        table = self._catalog.rows_of(name, f"{kind} rows of")
        translation = translate(tree, context)
        if query.dry_run:
            return Outcome(kind, target=name, tables=translation.tables)
        with self._store.write() as tx:
            watch(tx.db)
            affected = changed(tx.db, kind, translation)
            self._catalog.touch(tx, table)
            tx.after.append(lambda: self._sizes.forget(table))
        return Outcome(kind, affected=affected, target=name, tables=translation.tables)


def _named(columns: list[str], fields: tuple[Field, ...]) -> str:
    """The same columns under other names. Raises SqlNotSupported for another number of them."""
    if len(columns) != len(fields):
        raise SqlNotSupported("this statement: DuckDB gives it other columns")
    pairs = zip(columns, fields, strict=True)
    return ", ".join(f"{quoted(column)} AS {quoted(field.name)}" for column, field in pairs)


def _insert_columns(tree: exp.Expr, table: Table) -> tuple[Field, ...]:
    """The columns that an INSERT names, or all."""
    if type(tree.this).__name__ != "Schema":
        return table.fields
    by_name = {field.name.lower(): field for field in table.fields}
    return tuple(by_name[column.name.lower()] for column in tree.this.expressions)


def _dml_target(tree: exp.Expr) -> exp.Expr:
    target: exp.Expr = tree.this
    inner: exp.Expr = target.this
    return inner if type(target).__name__ == "Schema" else target


@contextmanager
def _told(tree: exp.Expr) -> Iterator[None]:
    """A name that is unknown is told with its place in the text."""
    try:
        yield
    except QueryFailed as error:
        from localgcp.bigquery.googlesql.complaints import explain

        raise explain(error, tree) from error.__cause__
    except RecursionError as error:
        raise QueryFailed("The query is too complex: its expressions nest too deep") from error
