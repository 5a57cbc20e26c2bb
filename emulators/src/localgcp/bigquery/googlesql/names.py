"""The tables a statement names -> where their rows are; views and INFORMATION_SCHEMA unfolded.

Nothing else can be read: a name that is neither in the catalog nor a WITH clause is not found, so
DuckDB's own catalogs and functions stay out of reach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.partitioning import PSEUDO, PSEUDO_DATE
from localgcp.bigquery.catalog.schema import AS_TEXT, Field
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import InvalidQuery, SqlNotSupported
from localgcp.bigquery.googlesql.scope import Scope
from localgcp.bigquery.googlesql.sources import (
    MAX_VIEW_DEPTH,
    SUFFIX,
    TABLES_SUMMARY,
    name_of,
    newest,
    part_columns,
    scope_of,
    wildcard,
)
from localgcp.bigquery.googlesql.types import duckdb_cast

if TYPE_CHECKING:
    import pyarrow as pa

InformationSchema = Callable[[str, str | None, str], "pa.Table"]
ViewTree = Callable[[Table, int], exp.Expr]


@dataclass(slots=True)
class Names:
    """Resolves the tables of one statement."""

    catalog: Catalog
    project: str
    dataset: str | None
    information_schema: InformationSchema
    view_tree: ViewTree
    depth: int = 0
    relations: dict[str, pa.Table] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    reads: list[Table] = field(default_factory=list)  # those of views as well
    scope: Scope | None = None
    by_bytes: bool = False  # whether BIGNUMERICs are but compared
    ingested: bool = False  # whether a table has columns for the time of ingestion

    def resolve(self, tree: exp.Expr) -> None:
        """Replace every table reference in place. Raises TableNotFound, DatasetNotFound."""
        for node in list(tree.find_all(exp.Table)):
            if not _is_cte(node):
                self._replace(node)

    def name_of(self, node: exp.Expr) -> Name:
        """The name that a table expression stands for. Raises InvalidQuery, SqlNotSupported."""
        parts = [part.name for part in node.parts] if isinstance(node, exp.Table) else []
        if not parts or not isinstance(node.this, exp.Identifier):
            raise SqlNotSupported(f"table expression {node.sql(dialect='bigquery')}")
        return name_of(tuple(parts), self.project, self.dataset, self.scope)

    def _replace(self, node: exp.Table) -> None:
        if node.args.get("version"):
            raise SqlNotSupported("FOR SYSTEM_TIME AS OF")
        upper = node.name.upper()
        if upper.startswith("INFORMATION_SCHEMA."):
            self._replace_information_schema(node, upper.removeprefix("INFORMATION_SCHEMA."))
            return
        if upper == TABLES_SUMMARY:
            self._replace_information_schema(node, upper)
            return
        if node.name.endswith("*"):
            self._replace_wildcard(node)
            return
        name = self.name_of(node)
        table = self.catalog.table(name)
        self.tables.append(table)
        self.reads.append(table)
        alias = exp.to_identifier(node.alias or name.table, quoted=True)
        if table.is_view:
            if self.depth >= MAX_VIEW_DEPTH:
                raise InvalidQuery(f"Too many levels of nested views: {MAX_VIEW_DEPTH}", "query")
            inner = self.view_tree(table, self.depth + 1)
            node.replace(exp.Subquery(this=inner, alias=exp.TableAlias(this=alias)))
            return
        _refuse_others(table.fields, self.by_bytes)
        if table.is_ingested:
            self.ingested = True
            if not isinstance(node.parent, exp.DML | exp.Schema):
                inner = _ingested(table, node.root())
                node.replace(exp.Subquery(this=inner, alias=exp.TableAlias(this=alias)))
                return
        _point(node, "data", f"{name.project}:{name.dataset}", name.table)
        node.set("alias", exp.TableAlias(this=alias))

    def _replace_wildcard(self, node: exp.Table) -> None:
        """A union of its tables; the suffix is a column where nothing would show it unasked."""
        root = node.root()
        asks = any(column.name.upper() == SUFFIX for column in root.find_all(exp.Column))
        if asks and root.find(exp.Star):
            raise SqlNotSupported(f"{SUFFIX} beside *")
        path = tuple(part.name for part in node.parts)
        parts = wildcard(self.catalog, path, self.project, self.dataset)
        fields = newest(parts).fields
        _refuse_others(fields, self.by_bytes)
        selects = [_part(fields, suffix if asks else None, table) for suffix, table in parts]
        whole: exp.Expr = selects[0]
        for select in selects[1:]:
            whole = exp.Union(this=whole, expression=select, distinct=False)
        self.tables += [table for _, table in parts]
        self.reads += [table for _, table in parts]
        alias = exp.to_identifier(node.alias or path[-1], quoted=True)
        node.replace(exp.Subquery(this=whole, alias=exp.TableAlias(this=alias)))

    def _replace_information_schema(self, node: exp.Table, view: str) -> None:
        parts = [part.name for part in node.parts]
        dataset = scope_of(view, parts[-2] if len(parts) > 1 else None, self.dataset)
        project = parts[-3] if len(parts) > 2 else self.project
        relation = f"_information_schema_{len(self.relations)}"
        self.relations[relation] = self.information_schema(project, dataset, view)
        # SQLGlot gives it its whole path for an alias when it is quoted whole.
        alias = node.alias if node.alias and "." not in node.alias else view
        _point(node, None, None, relation)
        node.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))


def _ingested(table: Table, root: exp.Expr) -> exp.Select:
    """The rows of a table by ingestion time; its pseudo-columns are there for who names them."""
    asked = {column.name.upper() for column in root.find_all(exp.Column)}
    if asked & {PSEUDO, PSEUDO_DATE} and root.find(exp.Star):
        raise SqlNotSupported(f"{PSEUDO} beside *")
    columns: list[exp.Expr] = [
        exp.Column(this=exp.to_identifier(field.name, quoted=True)) for field in table.fields
    ]
    when = exp.Column(this=exp.to_identifier(PSEUDO, quoted=True))
    if PSEUDO in asked:
        columns.append(when)
    if PSEUDO_DATE in asked:
        day = exp.cast(exp.cast(when.copy(), exp.DType.TIMESTAMP), exp.DType.DATE)
        named = exp.to_identifier(PSEUDO_DATE, quoted=True)
        columns.append(exp.Alias(this=day, alias=named))
    place = exp.Table()
    _point(place, "data", f"{table.name.project}:{table.name.dataset}", table.name.table)
    return exp.Select(expressions=columns or [exp.Null()]).from_(place)


def _part(fields: tuple[Field, ...], suffix: str | None, table: Table) -> exp.Select:
    """The rows of one table of a wildcard table."""
    columns: list[exp.Expr] = []
    for column, there in part_columns(fields, table):
        name = exp.to_identifier(column.name, quoted=True)
        value = exp.Column(this=name) if there else duckdb_cast(exp.Null(), column)
        columns.append(exp.Alias(this=value, alias=name.copy()))
    if suffix is not None:
        named = exp.to_identifier(SUFFIX, quoted=True)
        columns.append(exp.Alias(this=exp.Literal.string(suffix), alias=named))
    place = exp.Table()
    _point(place, "data", f"{table.name.project}:{table.name.dataset}", table.name.table)
    return exp.Select(expressions=columns).from_(place)


def _refuse_others(fields: tuple[Field, ...], by_bytes: bool) -> None:
    """DuckDB would take an INTERVAL or a RANGE for its text, a BIGNUMERIC for its bytes, and
    compares texts by their bytes."""
    for column in fields:
        if column.type in AS_TEXT or (column.type == "BIGNUMERIC" and not by_bytes):
            raise SqlNotSupported(f"a table with a column of type {column.type}, {column.name}")
        if column.collation:
            raise SqlNotSupported(f"a table with a collation of column {column.name}")
        _refuse_others(column.fields, by_bytes)


def _point(node: exp.Table, catalog: str | None, db: str | None, table: str) -> None:
    for key, value in (("catalog", catalog), ("db", db), ("this", table)):
        node.set(key, exp.to_identifier(value, quoted=True) if value else None)


def _is_cte(node: exp.Table) -> bool:
    """Whether a WITH clause around the reference defines its name."""
    if node.args.get("db"):
        return False
    around: list[exp.Expr] = []
    ancestor = node.parent
    while ancestor is not None:
        clause = ancestor.args.get("with_")
        for cte in clause.expressions if clause else ():
            itself = any(cte is outer for outer in around) and not (
                clause and clause.args.get("recursive")
            )
            if cte.alias.lower() == node.name.lower() and not itself:
                return True
        around.append(ancestor)
        ancestor = ancestor.parent
    return False
