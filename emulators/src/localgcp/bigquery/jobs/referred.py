"""The statements that the reference evaluator runs, and what its analyzer says of all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.figures import Figures
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.errors import (
    BigQueryError,
    DuplicateColumn,
    EvaluatorBound,
    InvalidQuery,
    NotSupported,
    PartitionFilterMissing,
    QueryCancelled,
    ResourcesExceeded,
    ResponseTooLarge,
    SqlNotSupported,
)
from localgcp.bigquery.googlesql import texts
from localgcp.bigquery.jobs.query import Outcome, Query, Watch
from localgcp.bigquery.jobs.results import plan_of
from localgcp.bigquery.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

    from localgcp.bigquery.googlesql.evaluator import Checked
    from localgcp.bigquery.googlesql.reference.client import Reference
    from localgcp.bigquery.jobs.queries import Queries

MAX_VIEW_DEPTH = 16  # Quotas, "Views": nested view levels
# No other engine would answer otherwise.
_FINAL = (
    DuplicateColumn,
    PartitionFilterMissing,
    QueryCancelled,
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
        figures: Figures,
        reference: Reference | None,
    ) -> None:
        from localgcp.bigquery.googlesql.evaluator import Evaluator
        from localgcp.bigquery.googlesql.sources import Sources

        self._queries, self._reference = queries, reference
        sources = Sources(store, catalog, figures, queries.information_schema)
        self._evaluator = Evaluator(reference, sources) if reference is not None else None

    def check(self, query: Query) -> Checked | None:
        """What the analyzer says of a statement, if it is at hand and knows all of it.

        Raises InvalidQuery for what is no GoogleSQL, NotFound.
        """
        if self._reference is None or not self._reference.ready or texts.is_script(query.sql):
            return None
        try:
            return self._check(query)
        except SqlNotSupported:
            return None

    def _check(self, query: Query) -> Checked:
        from localgcp.bigquery.googlesql.evaluator import Statement

        assert self._evaluator is not None
        statement = Statement(query.sql, query.project, query.dataset, query.parameters)
        return self._evaluator.check(statement)

    def run(
        self, query: Query, checked: Checked | None, error: BigQueryError, watch: Watch
    ) -> Outcome:
        """A statement that `error` ended elsewhere. Raises it, or what ends the statement here."""
        if self._evaluator is None or isinstance(error, _FINAL) or texts.is_script(query.sql):
            raise error
        try:
            checked = checked or self._check(query)
            if checked.analysis.kind == "query":
                return self._select(query, checked, watch)
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

    def _rows(self, query: Query, checked: Checked, watch: Watch) -> pa.Table:
        assert self._evaluator is not None
        if any(table.require_partition_filter for table in checked.tables):
            raise SqlNotSupported("this statement over a table with requirePartitionFilter")

        def view(table: Table) -> pa.Table:
            if query.depth >= MAX_VIEW_DEPTH:
                what = f"Too many levels of nested views: {MAX_VIEW_DEPTH}"
                raise InvalidQuery(what, "query")
            name = table.name
            inner = Query(table.query or "", name.project, name.dataset, depth=query.depth + 1)
            rows = self._queries.run(inner, watch).rows
            assert rows is not None
            return rows

        return self._evaluator.evaluate(checked, query.parameters, view, watch)
