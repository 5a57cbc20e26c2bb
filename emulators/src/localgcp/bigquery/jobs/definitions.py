"""CREATE, DROP and TRUNCATE of tables and views; `alterations` has the rest of the DDL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import Invalid, NotFound, TableExists
from localgcp.bigquery.jobs.alterations import Alterations
from localgcp.bigquery.jobs.query import Outcome, Query, Watch
from localgcp.bigquery.jobs.results import Plan, bind, fields_of
from localgcp.bigquery.jobs.writing import Writing
from localgcp.bigquery.store import Store, Transaction

if TYPE_CHECKING:
    from sqlglot import exp

    from localgcp.bigquery.googlesql.statements import Context


class Definitions:
    """Runs one DDL statement."""

    def __init__(self, store: Store, catalog: Catalog, sizes: Sizes, writing: Writing) -> None:
        self._store, self._catalog, self._sizes = store, catalog, sizes
        self._writing = writing
        self._alterations = Alterations(store, catalog, sizes)

    def run(
        self,
        tree: exp.Expr,
        kind: str,
        query: Query,
        context: Context,
        watch: Watch,
        plan: Plan | None = None,
    ) -> Outcome:
        """`plan` is the query of a CREATE, if it is known already.

        Raises InvalidQuery and its kin, NotFound, AlreadyExists.
        """
        from localgcp.bigquery.googlesql import ddl
        from localgcp.bigquery.googlesql.statements import names_of

        def value_of(expression: exp.Expr) -> object:
            return self._value(expression, context)

        if kind.startswith("ALTER") or kind.endswith("_SCHEMA"):
            return self._alterations.run(tree, kind, context, value_of, query.dry_run)
        name = names_of(context).name_of(ddl.target(tree))
        if kind.startswith("CREATE"):
            resource = ddl.table_resource(tree, value_of)
            return self._create(tree, kind, name, query, context, watch, plan, resource)
        if kind == "TRUNCATE_TABLE":
            table = self._catalog.rows_of(name, "truncate")
            if not query.dry_run:
                self._truncate(table)
            return Outcome(kind, target=name)
        return self._drop(tree, kind, name, query)

    def _value(self, expression: exp.Expr, context: Context) -> object:
        """What an option's expression comes to, in Python's terms."""
        from sqlglot import exp

        from localgcp.bigquery.googlesql.statements import translate

        if isinstance(expression, exp.Literal) and expression.is_string:
            return expression.name
        translation = translate(exp.select(expression.copy()), context)
        with self._store.read() as db:
            ((value,),) = bind(db, translation).fetchall()
        return value

    def _truncate(self, table: Table) -> None:
        with self._store.write() as tx:
            tx.db.execute(f"DELETE FROM {table.name.sql}")
            self._catalog.touch(tx, table)
            tx.after.append(lambda: self._sizes.forget(table))

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
                tx.after.append(lambda: self._sizes.forget(table))
        return Outcome(kind, target=name, operation="DROP")

    def _create(
        self,
        tree: exp.Expr,
        kind: str,
        name: Name,
        query: Query,
        context: Context,
        watch: Watch,
        plan: Plan | None,
        resource: dict[str, Any],
    ) -> Outcome:
        from localgcp.bigquery.googlesql.statements import translate

        with self._store.write() as tx:
            watch(tx.db)
            if plan is None and tree.expression:
                translation = translate(tree.expression, context)
                plan = Plan(fields_of(bind(tx.db, translation)), translation)
            fields = plan.fields if plan else ()
            if plan and plan.text:
                resource["view"] = {**resource["view"], "query": plan.text}
            operation = self._make_way(tx, tree, name)
            if operation != "SKIP" and not query.dry_run:
                table = self._writing.create(tx, name, resource, fields, operation == "REPLACE")
                if kind == "CREATE_TABLE_AS_SELECT" and plan:
                    columns = table.fields if "schema" in resource else fields
                    self._writing.insert(tx, table, columns, plan.translation)
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
        tx.after.append(lambda: self._sizes.forget(old))
        return "REPLACE"
