"""The tables that a statement names, for the reference evaluator: columns first, rows later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.information_schema import is_of_project
from localgcp.bigquery.catalog.partitioning import PSEUDO, PSEUDO_DATE
from localgcp.bigquery.catalog.schema import Field, duckdb_type, quoted
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import InvalidQuery, SqlNotSupported
from localgcp.bigquery.googlesql.reference.messages import ROW, Path
from localgcp.bigquery.googlesql.scope import Scope
from localgcp.bigquery.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

InformationSchema = Callable[[str, str | None, str], "pa.Table"]
View = Callable[[Table], "pa.Table"]
TABLES_SUMMARY = "__TABLES__"
SUFFIX = "_TABLE_SUFFIX"
PSEUDO_COLUMNS = (Field(PSEUDO, "TIMESTAMP"), Field(PSEUDO_DATE, "DATE"))
_HIDDEN = {ROW: "rowid", PSEUDO: PSEUDO, PSEUDO_DATE: f"CAST(CAST({PSEUDO} AS TIMESTAMP) AS DATE)"}
MAX_VIEW_DEPTH = 16  # Quotas, "Views": nested view levels
_API_NAMES = {"int64": "INTEGER", "timestamp[us, tz=UTC]": "TIMESTAMP", "bool": "BOOLEAN"}


@dataclass(frozen=True, slots=True)
class Source:
    """What a path stands for: a table, a view, or rows that are at hand (INFORMATION_SCHEMA).

    A wildcard table has `parts`, each with its suffix.
    """

    fields: tuple[Field, ...]
    table: Table | None = None
    rows: pa.Table | None = None
    parts: tuple[tuple[str, Table], ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """What it reads."""
        return (self.table,) if self.table else tuple(table for _, table in self.parts)

    def reads_as(self, other: Source) -> bool:
        """Whether a statement means the same of both; never of INFORMATION_SCHEMA."""
        pairs = zip(self.tables, other.tables, strict=False)
        same = len(self.tables) == len(other.tables) > 0
        return same and all(mine.reads_as(theirs) for mine, theirs in pairs)


class Sources:
    """Finds tables and reads them whole."""

    def __init__(
        self, store: Store, catalog: Catalog, sizes: Sizes, schema: InformationSchema
    ) -> None:
        self._store, self._catalog, self._sizes, self._schema = store, catalog, sizes, schema

    def find(self, path: Path, project: str, dataset: str | None, scope: Scope | None) -> Source:
        """What a path in a FROM clause names.

        Raises TableNotFound, DatasetNotFound, InvalidQuery, SqlNotSupported.
        """
        if len(path) > 1 and path[-2].upper() == "INFORMATION_SCHEMA":
            return self._information_schema(path, project, dataset)
        if path[-1].upper() == TABLES_SUMMARY:
            return self._information_schema((*path[:-1], "", path[-1]), project, dataset)
        if path[-1].endswith("*"):
            parts = wildcard(self._catalog, path, project, dataset)
            return Source(newest(parts).fields, parts=parts)
        name = name_of(path, project, dataset, scope)
        table = self._catalog.table(name)
        return Source(table.fields, table)

    def _information_schema(self, path: Path, project: str, dataset: str | None) -> Source:
        around = path[:-2]
        dataset = scope_of(path[-1].upper(), around[-1] if around else None, dataset)
        home = around[-2] if len(around) > 1 else project
        rows = self._schema(home, dataset, path[-1].upper())
        return Source(_fields_of(rows.schema), rows=rows)

    def size(self, table: Table) -> tuple[int, int]:
        """Rows and bytes."""
        return self._sizes.rows(table), self._sizes.known_bytes(table)

    def read(self, table: Table, hidden: tuple[Field, ...]) -> pa.Table:
        """A table's rows, all columns, and the hidden ones that are asked."""
        from localgcp.bigquery.jobs.results import fetch

        columns = [quoted(field.name) for field in table.fields]
        columns += [f"{_HIDDEN[field.name]} AS {field.name}" for field in hidden]
        with self._store.read() as db:
            return fetch(db.sql(f"SELECT {', '.join(columns)} FROM {table.name.sql}"))

    def read_parts(self, source: Source) -> pa.Table:
        """The rows of a wildcard table, each with its suffix."""
        from localgcp.bigquery.jobs.results import fetch

        each = " UNION ALL ".join(_part(source.fields, *part) for part in source.parts)
        with self._store.read() as db:
            return fetch(db.sql(each))


def scope_of(view: str, given: str | None, dataset: str | None) -> str | None:
    """The dataset or region of a view of INFORMATION_SCHEMA: what its path says, or the default."""
    return given or (None if is_of_project(view) else dataset)


def _fields_of(columns: Iterable[pa.Field]) -> tuple[Field, ...]:
    """The fields of rows that are at hand."""
    fields = []
    for column in columns:
        kind, repeated = column.type, hasattr(column.type, "value_type")
        kind = kind.value_type if repeated else kind
        members = _fields_of(kind.fields) if hasattr(kind, "fields") else ()
        name = "RECORD" if members else _API_NAMES.get(str(kind), "STRING")
        mode = "REPEATED" if repeated else "NULLABLE"
        fields.append(Field(column.name, name, mode, fields=members))
    return tuple(fields)


def _part(fields: tuple[Field, ...], suffix: str, table: Table) -> str:
    columns = []
    for field, there in part_columns(fields, table):
        value = quoted(field.name) if there else f"CAST(NULL AS {duckdb_type(field)})"
        columns.append(f"{value} AS {quoted(field.name)}")
    text = suffix.replace("'", "''")
    return f"SELECT {', '.join(columns)}, '{text}' AS {SUFFIX} FROM {table.name.sql}"


def part_columns(fields: tuple[Field, ...], table: Table) -> list[tuple[Field, bool]]:
    """The columns of a wildcard table, and whether a part has each. Raises SqlNotSupported."""
    own = {field.name.lower(): field for field in table.fields}
    found = []
    for field in fields:
        mine = own.get(field.name.lower())
        if mine is not None and (mine.type, mine.repeated, mine.fields) != (
            field.type,
            field.repeated,
            field.fields,
        ):
            raise SqlNotSupported(f"a wildcard table whose column {field.name} has several types")
        found.append((field, mine is not None))
    return found


def wildcard(
    catalog: Catalog, path: Path, project: str, dataset: str | None
) -> tuple[tuple[str, Table], ...]:
    """The tables that begin so, by suffix. Raises InvalidQuery where there is none."""
    prefix = path[-1].removesuffix("*")
    name = name_of((*path[:-1], prefix or "_"), project, dataset)
    tables = catalog.list_tables(name.project, name.dataset)
    mine = [table for table in tables if table.name.table.startswith(prefix)]
    if any(table.is_view for table in mine):
        raise SqlNotSupported(f"a wildcard table with a view in it: {prefix}*")
    if not mine:
        what = f"{name.project}:{name.dataset}.{prefix}* does not match any table."
        raise InvalidQuery(what, "query")
    return tuple((table.name.table.removeprefix(prefix), table) for table in mine)


def newest(parts: tuple[tuple[str, Table], ...]) -> Table:
    """The table whose columns a wildcard table has ("Querying multiple tables", schema)."""
    return max((table for _, table in parts), key=lambda table: table.created_ms)


def name_of(path: Path, project: str, dataset: str | None, scope: Scope | None = None) -> Name:
    """The table's full name. Raises InvalidQuery, SqlNotSupported."""
    temporary = scope.table(path) if scope is not None else None
    if temporary is not None:
        return temporary
    table = path[-1]
    if "*" in table:
        raise SqlNotSupported(f"wildcard table {table}")
    if "$" in table or "@" in table:
        raise SqlNotSupported(f"partition decorator in {table}")
    home = path[-2] if len(path) > 1 else dataset
    if home is None:
        what = f'Table "{table}" must be qualified with a dataset (e.g. dataset.table).'
        raise InvalidQuery(what, "query")
    name = Name(".".join(path[:-2]) or project, home, table)
    if name.is_anonymous:
        what = "a query over the anonymous table of a result; give the result a destinationTable"
        raise SqlNotSupported(what)
    return name
