"""One GoogleSQL statement: parsed, told apart by kind, and translated to DuckDB's SQL."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, ParseError, TokenError, UnsupportedError

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.errors import InvalidQuery, SqlNotSupported, SyntaxRefused
from localgcp.bigquery.googlesql import partition_filter
from localgcp.bigquery.googlesql.alterations import read_again
from localgcp.bigquery.googlesql.names import InformationSchema, Names
from localgcp.bigquery.googlesql.parameters import Parameter
from localgcp.bigquery.googlesql.rules import rewrite
from localgcp.bigquery.googlesql.scope import Scope
from localgcp.bigquery.googlesql.shapes import prepare
from localgcp.bigquery.googlesql.types import duckdb_cast
from localgcp.bigquery.googlesql.updates import joined, number_rows

if TYPE_CHECKING:
    import pyarrow as pa

# A statement that it does not know becomes a Command and a warning; we refuse it with an error.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

_KINDS: dict[type[exp.Expr], str] = {
    exp.Select: "SELECT",
    exp.Union: "SELECT",
    exp.Intersect: "SELECT",
    exp.Except: "SELECT",
    exp.Subquery: "SELECT",
    exp.Insert: "INSERT",
    exp.Update: "UPDATE",
    exp.Delete: "DELETE",
    exp.Merge: "MERGE",
    exp.TruncateTable: "TRUNCATE_TABLE",
}
DML = ("INSERT", "UPDATE", "DELETE", "MERGE")


@dataclass(frozen=True, slots=True)
class Context:
    """What a statement is read against.

    `by_bytes` says that of its tables' BIGNUMERICs nothing is asked that their bytes don't tell.
    """

    catalog: Catalog
    project: str
    dataset: str | None
    information_schema: InformationSchema
    parameters: tuple[Parameter, ...] = ()
    scope: Scope | None = None
    by_bytes: bool = False


@dataclass(frozen=True, slots=True)
class Translation:
    """DuckDB's SQL for a statement, and what it needs to run.

    `tables` are those that it names; `reads` are those of the views that it names as well.
    """

    sql: str
    values: Mapping[str, object] = field(default_factory=dict)
    relations: Mapping[str, pa.Table] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    reads: tuple[Table, ...] = ()


def parse(sql: str) -> exp.Expr:
    """One statement of a text. Raises SyntaxRefused, InvalidQuery, SqlNotSupported (a script)."""
    try:
        trees = [t for t in sqlglot.parse(sql, read="bigquery") if t is not None]
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        what = str(first.get("description") or error).strip().rstrip(".")
        line, column = int(first.get("line") or 1), int(first.get("col") or 1)
        raise SyntaxRefused(what, line, column) from error
    except TokenError as error:
        raise SyntaxRefused(str(error).splitlines()[0], 1, 1) from error
    _refuse_pipes(sql)
    trees = [tree for tree in trees if not isinstance(tree, exp.Semicolon)]
    trees = [read_again(sql) or t if isinstance(t, exp.Command) else t for t in trees]
    if not trees:
        raise InvalidQuery("Syntax error: Unexpected end of statement", "query")
    if len(trees) > 1:
        raise SqlNotSupported("scripts (more than one statement)")
    (tree,) = trees
    if isinstance(tree, exp.Delete) and tree.args.get("tables"):  # DELETE without FROM
        tree.set("this", tree.args["tables"][0])
        tree.set("tables", None)
    return tree


def _refuse_pipes(sql: str) -> None:
    """SQLGlot reads it as UNION. Raises SqlNotSupported."""
    tokens = sqlglot.tokenize(sql, read="bigquery")
    for pipe, operator in pairwise(tokens):
        if pipe.text == "|>" and operator.text.upper() == "INTERSECT":
            raise SqlNotSupported("|> INTERSECT")


def kind_of(tree: exp.Expr) -> str:
    """BigQuery's statementType. Raises SqlNotSupported for what the emulator does not run."""
    if isinstance(tree, exp.Alter) and tree.args["kind"] in ("TABLE", "VIEW", "SCHEMA"):
        return f"ALTER_{tree.args['kind']}"
    if isinstance(tree, exp.Create | exp.Drop) and tree.args.get("kind") == "SCHEMA":
        return f"{type(tree).__name__.upper()}_SCHEMA"
    if isinstance(tree, exp.Create) and tree.kind in ("TABLE", "VIEW"):
        query = "_AS_SELECT" if tree.kind == "TABLE" and tree.expression else ""
        return f"CREATE_{tree.kind}{query}"
    if isinstance(tree, exp.Drop) and tree.args.get("kind") in ("TABLE", "VIEW"):
        return f"DROP_{tree.args['kind']}"
    kind = _KINDS.get(type(tree))
    if kind is None:
        words = tree.sql(dialect="bigquery").split()[:2]
        raise SqlNotSupported(f"statement {' '.join(words).upper()}")
    return kind


def translate(tree: exp.Expr, context: Context) -> Translation:
    """A query or a DML statement in DuckDB's SQL. Raises InvalidQuery and its kin, NotFound."""
    names = names_of(context)
    tree = _resolved(joined(tree.copy()), names, context.parameters)
    values = {p.key: p.value for p in context.parameters}
    used = {node.name for node in tree.find_all(exp.Placeholder)}
    try:
        # Every name is quoted, so that none is a keyword, and LIMIT is left as it stands.
        sql = number_rows(rewrite(tree)).sql(
            dialect="duckdb", identify=True, unsupported_level=ErrorLevel.RAISE, comments=False
        )
    except UnsupportedError as error:
        raise SqlNotSupported(str(error)) from error
    values = {key: value for key, value in values.items() if key in used}
    return Translation(sql, values, names.relations, tuple(names.tables), tuple(names.reads))


def names_of(context: Context) -> Names:
    """Resolves names as they are read in this context."""
    relations: dict[str, pa.Table] = {}
    reads: list[Table] = []

    def view_tree(view: Table, level: int) -> exp.Expr:
        inner = Names(
            context.catalog,
            view.name.project,
            view.name.dataset,
            context.information_schema,
            view_tree,
            level,
            relations,
            reads=reads,
        )
        return _resolved(parse(view.query or ""), inner, ())

    return Names(
        context.catalog,
        context.project,
        context.dataset,
        context.information_schema,
        view_tree,
        relations=relations,
        reads=reads,
        scope=context.scope,
        by_bytes=context.by_bytes,
    )


def _resolved(tree: exp.Expr, names: Names, parameters: tuple[Parameter, ...]) -> exp.Expr:
    partition_filter.check(tree, names)
    names.resolve(tree)
    _bind(tree, parameters)
    return prepare(tree, names.ingested)


def _bind(tree: exp.Expr, parameters: tuple[Parameter, ...]) -> None:
    """@name and ? become $keys of DuckDB, cast to the types that the client gave."""
    named = {p.name.lower(): p for p in parameters if p.name}
    positional = iter([p for p in parameters if not p.name])
    for node in list(tree.find_all(exp.Parameter, exp.Placeholder)):
        if isinstance(node, exp.Parameter):
            parameter = named.get(node.name.lower())
            missing = f"Query parameter '{node.name}' not found"
        else:
            parameter = next(positional, None)
            missing = "Not enough positional query parameters"
        if parameter is None:
            raise InvalidQuery(missing, "query")
        node.replace(duckdb_cast(exp.Placeholder(this=parameter.key), parameter.field))
