"""Runs one statement: a query into memory or a table, DML in one transaction, DDL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import duckdb

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.figures import Figures
from localgcp.bigquery.catalog.information_schema import InformationSchema
from localgcp.bigquery.catalog.schema import Field, quoted, to_resource
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import BadValue, Invalid, NotFound, QueryFailed, TableExists
from localgcp.bigquery.jobs.results import fetch, fields_of
from localgcp.bigquery.store import Store, Transaction

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

    from localgcp.bigquery.googlesql.parameters import Parameter
    from localgcp.bigquery.googlesql.statements import Context, Translation

Watch = Callable[[duckdb.DuckDBPyConnection], object]


@dataclass(frozen=True, slots=True)
class Query:
    """One statement and where its result goes."""

    sql: str
    project: str
    dataset: str | None = None
    parameters: tuple[Parameter, ...] = ()
    destination: Name | None = None
    write: str = "WRITE_EMPTY"
    create: str = "CREATE_IF_NEEDED"
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement came to.

    `rows` are those of a query without a destination; with one they are in the table `target`.
    """

    kind: str
    fields: tuple[Field, ...] = ()
    rows: pa.Table | None = None
    affected: Mapping[str, int] = field(default_factory=dict)
    target: Name | None = None
    operation: str | None = None
    tables: tuple[Table, ...] = ()
    dry_run: bool = False


class Queries:
    """The query engine over the store and the catalog."""

    def __init__(self, store: Store, catalog: Catalog, figures: Figures) -> None:
        self._store, self._catalog, self._figures = store, catalog, figures
        self.information_schema = InformationSchema(store, catalog)

    def run(self, query: Query, watch: Watch = lambda cursor: None) -> Outcome:
        """Run to the end; `watch` gets the cursor, so that another thread can interrupt it.

        Raises InvalidQuery and its kin for what is wrong with the SQL, NotFound, AlreadyExists.
        """
        from localgcp.bigquery.googlesql import statements as sql

        tree = sql.parse(query.sql)
        kind = sql.kind_of(tree)
        with _told(tree):
            if kind == "SELECT":
                return self._select(tree, query, watch)
            if query.destination is not None:
                raise BadValue("destinationTable", str(query.destination), f"{kind} has no result")
            if kind in sql.DML:
                return self._change(tree, kind, query, watch)
            return self._define(tree, kind, query, watch)

    def view_fields(self, view: Table) -> tuple[Field, ...]:
        """The schema of a view, from its query. Raises what `run` raises."""
        name = view.name
        query = Query(view.query or "", name.project, name.dataset, dry_run=True)
        return self.run(query).fields

    def _context(self, query: Query) -> Context:
        from localgcp.bigquery.googlesql.statements import Context

        return Context(
            self._catalog, query.project, query.dataset, self.information_schema, query.parameters
        )

    # SELECT

    def _select(self, tree: exp.Expr, query: Query, watch: Watch) -> Outcome:
        from localgcp.bigquery.googlesql.statements import translate

        translation = translate(tree, self._context(query))
        if query.destination is None or query.dry_run:
            with self._store.read() as db:
                watch(db)
                relation = _bind(db, translation)
                fields = fields_of(relation)
                rows = None if query.dry_run else fetch(relation)
            tables = translation.tables
            return Outcome("SELECT", fields, rows, tables=tables, dry_run=query.dry_run)
        with self._store.write() as tx:
            watch(tx.db)
            fields = fields_of(_bind(tx.db, translation))
            table = self._prepare_destination(tx, query, fields)
            self._insert(tx, table, fields, translation)
        return Outcome("SELECT", table.fields, target=table.name, tables=translation.tables)

    def _prepare_destination(
        self, tx: Transaction, query: Query, fields: tuple[Field, ...]
    ) -> Table:
        name = query.destination
        assert name is not None
        try:
            table = self._catalog.rows_of(name, "write a result to")
        except NotFound:
            if query.create == "CREATE_NEVER":
                raise
            return self._create(tx, name, {}, fields)
        if query.write == "WRITE_TRUNCATE":
            tx.db.execute(f"DROP TABLE {name.sql}")
            fresh = replace(table, fields=fields)
            self._catalog.make_rows(tx, fresh)
            self._catalog.write_table(tx, fresh)
            return fresh
        if query.write == "WRITE_EMPTY" and self._figures.rows(table):
            raise TableExists(name.project, name.dataset, name.table)
        return table

    def _create(
        self,
        tx: Transaction,
        name: Name,
        resource: Mapping[str, Any],
        fields: tuple[Field, ...],
        replacing: bool = False,
    ) -> Table:
        full = {
            "schema": {"fields": to_resource(fields)},
            **resource,
            "tableReference": {"tableId": name.table},
        }
        table = self._catalog.new_table(name.project, name.dataset, full)
        self._catalog.create_in(tx, table, replacing)
        return table

    def _insert(
        self, tx: Transaction, table: Table, fields: tuple[Field, ...], translation: Translation
    ) -> None:
        columns = ", ".join(quoted(column.name) for column in fields)
        statement = f"INSERT INTO {table.name.sql} ({columns}) {translation.sql}"
        tx.db.execute(statement, dict(translation.values))
        tx.after.append(lambda: self._figures.forget(table))

    # INSERT, UPDATE, DELETE, MERGE

    def _change(self, tree: exp.Expr, kind: str, query: Query, watch: Watch) -> Outcome:
        from localgcp.bigquery.googlesql.statements import names_of, translate

        context = self._context(query)
        name = names_of(context).name_of(_dml_target(tree))
        table = self._catalog.rows_of(name, f"{kind} rows of")
        translation = translate(tree, context)
        if query.dry_run:
            return Outcome(kind, target=name, tables=translation.tables)
        with self._store.write() as tx:
            watch(tx.db)
            _register(tx.db, translation)
            row = tx.db.execute(translation.sql, dict(translation.values)).fetchone()
            self._catalog.touch(tx, table)
            tx.after.append(lambda: self._figures.forget(table))
        count = int(row[0]) if row else 0
        return Outcome(kind, affected={kind: count}, target=name, tables=translation.tables)

    # CREATE, DROP, TRUNCATE

    def _define(self, tree: exp.Expr, kind: str, query: Query, watch: Watch) -> Outcome:
        from localgcp.bigquery.googlesql import ddl
        from localgcp.bigquery.googlesql.statements import names_of

        name = names_of(self._context(query)).name_of(ddl.target(tree))
        if kind.startswith("CREATE"):
            return self._run_create(tree, kind, name, query, watch)
        if kind == "TRUNCATE_TABLE":
            table = self._catalog.rows_of(name, "truncate")
            if not query.dry_run:
                self._truncate(table)
            return Outcome(kind, target=name)
        return self._drop(tree, kind, name, query)

    def _truncate(self, table: Table) -> None:
        with self._store.write() as tx:
            tx.db.execute(f"DELETE FROM {table.name.sql}")
            self._catalog.touch(tx, table)
            tx.after.append(lambda: self._figures.forget(table))

    def _drop(self, tree: exp.Expr, kind: str, name: Name, query: Query) -> Outcome:
        try:
            table = self._catalog.table(name)
        except NotFound:
            if tree.args.get("exists"):
                return Outcome(kind, target=name, operation="SKIP")
            raise
        if table.is_view != (kind == "DROP_VIEW"):
            is_a = "a view" if table.is_view else "a table"
            raise Invalid(f"{name} is {is_a}, so {kind.replace('_', ' ')} cannot drop it")
        if not query.dry_run:
            with self._store.write() as tx:
                self._catalog.delete_in(tx, table)
                tx.after.append(lambda: self._figures.forget(table))
        return Outcome(kind, target=name, operation="DROP")

    def _run_create(
        self, tree: exp.Expr, kind: str, name: Name, query: Query, watch: Watch
    ) -> Outcome:
        from localgcp.bigquery.googlesql import ddl
        from localgcp.bigquery.googlesql.statements import translate

        resource = ddl.table_resource(tree)
        translation = translate(tree.expression, self._context(query)) if tree.expression else None
        with self._store.write() as tx:
            watch(tx.db)
            fields = fields_of(_bind(tx.db, translation)) if translation else ()
            operation = self._make_way(tx, tree, name)
            if operation != "SKIP" and not query.dry_run:
                table = self._create(tx, name, resource, fields, operation == "REPLACE")
                if kind == "CREATE_TABLE_AS_SELECT" and translation:
                    self._insert(tx, table, fields, translation)
        return Outcome(kind, target=name, operation=operation)

    def _make_way(self, tx: Transaction, tree: exp.Expr, name: Name) -> str:
        """CREATE, SKIP (IF NOT EXISTS) or REPLACE (what was there is dropped)."""
        try:
            old = self._catalog.table(name)
        except NotFound:
            return "CREATE"
        if tree.args.get("exists"):
            return "SKIP"
        if not tree.args.get("replace"):
            raise TableExists(name.project, name.dataset, name.table)
        self._catalog.delete_in(tx, old)
        tx.after.append(lambda: self._figures.forget(old))
        return "REPLACE"


def _dml_target(tree: exp.Expr) -> exp.Expr:
    target: exp.Expr = tree.this
    inner: exp.Expr = target.this
    return inner if type(target).__name__ == "Schema" else target


def _register(db: duckdb.DuckDBPyConnection, translation: Translation) -> None:
    for name, relation in translation.relations.items():
        db.register(name, relation)


def _bind(db: duckdb.DuckDBPyConnection, translation: Translation) -> duckdb.DuckDBPyRelation:
    """Understood and typed, not yet run."""
    _register(db, translation)
    return db.sql(translation.sql, params=dict(translation.values))


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
