"""A statement in the worker: the tables it names, what the analyzer says of it, and its rows.

The evaluator takes rows for tables at the top of its catalog alone. So a statement is analyzed as
it stands, over a catalog of datasets, and evaluated with each of its table names replaced.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2 as o
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public
from zetasql.wasi._pb2.zetasql.public import type_pb2

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import SqlNotSupported
from localgcp.bigquery.googlesql.reference import (
    javascript,
    language,
    prelude,
    routines,
    trees,
    types,
    values,
)
from localgcp.bigquery.googlesql.reference import messages as m
from localgcp.bigquery.googlesql.reference.catalogs import POOL, Catalogs, stand_in, table_of
from localgcp.bigquery.googlesql.reference.changes import Changes, NotExpressible
from localgcp.bigquery.googlesql.reference.engine import Engine, Refusal
from localgcp.bigquery.googlesql.reference.found import Found
from localgcp.bigquery.googlesql.reference.messages import (
    Analysis,
    Change,
    ChangesOf,
    Evaluate,
    Scan,
    Shape,
)
from localgcp.bigquery.googlesql.reference.scripts import Steps
from localgcp.bigquery.googlesql.reference.steps import Step

if TYPE_CHECKING:
    import pyarrow as pa


class Statements:
    """Analyzes and evaluates; a catalog of tables is registered once for all that names them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._language = language.language(engine)
        self._options = language.analysis(engine, self._language)
        self._catalogs = Catalogs(engine, self._language)

    def size(self) -> int:
        """The bytes that the instance has taken."""
        return self._engine.size()

    def answer(self, request: m.Request) -> Any:
        """What is asked for. Raises Refusal, BigQueryError, and Trap if the instance is lost."""
        match request:
            case m.NamesOf(sql):
                return self.names(sql)
            case m.Analyze(shape):
                return self.analyze(shape)
            case m.Evaluate():
                return self.evaluate(request)
            case m.QueryWithin(sql):
                return trees.query_within(self._parsed(sql))
            case m.DepthOf(sql):
                return trees.depth_of(sql, self._parsed(sql))
            case m.TargetOf(sql):
                return trees.target_of(self._parsed(sql))
            case m.StepsOf(sql):
                return self._steps(sql)
            case m.CreatedBy(shape):
                return self._created_by(shape)
            case m.ChangesOf():
                return self.changes_of(request)

    def names(self, sql: str) -> list[tuple[str, ...]]:
        """The tables that a statement names, as paths. Raises Refusal."""
        request = service.ExtractTableNamesFromStatementRequest(
            sql_statement=sql, options=self._language
        )
        told = self._engine.ask(
            "ExtractTableNamesFromStatement",
            request,
            service.ExtractTableNamesFromStatementResponse,
        )
        return [tuple(name.table_name_segment) for name in told.table_name]

    def changes_of(self, request: ChangesOf) -> list[Change]:
        """A DML statement as queries. Raises SqlNotSupported, Refusal."""
        try:
            return Changes(request.sql, self._parsed(request.sql), request.columns).read()
        except NotExpressible as error:
            raise SqlNotSupported(f"{error} in this DML statement") from error

    def _steps(self, sql: str) -> tuple[Step, ...]:
        request = service.ParseRequest(sql_statement=sql, options=self._language, allow_script=True)
        told = self._engine.ask("Parse", request, service.ParseResponse)
        return Steps(sql, told.parsed_script).read()

    def _parsed(self, sql: str) -> Any:
        request = service.ParseRequest(sql_statement=sql, options=self._language)
        told = self._engine.ask("Parse", request, service.ParseResponse)
        return trees.unwrapped(told.parsed_statement)[1]

    def _created_by(self, shape: Shape) -> m.Created:
        kind, statement = self._resolved(shape)
        routine, mode, temporary = routines.routine_of(kind, statement)
        if routine.language == javascript.LANGUAGE:
            javascript.check(routine)
        elif routine.kind != "PROCEDURE":
            named = set(self.names(shape.sql))
            parsed = self._parsed(routines.wrapped(routine))
            routine = replace(routine, reads=routines.reads_of(routine, parsed, named))
        return m.Created(routine, mode, temporary)

    def _resolved(self, shape: Shape) -> tuple[str, Any]:
        request = service.AnalyzeRequest(
            sql_statement=shape.sql,
            options=self._with_parameters(shape),
            registered_catalog_id=self._catalogs.registered(shape),
        )
        told = self._engine.ask("Analyze", request, service.AnalyzeResponse)
        kind, statement = trees.unwrapped(told.resolved_statement)
        return kind.removeprefix("resolved_").removesuffix("_node").removesuffix("_stmt"), statement

    def analyze(self, shape: Shape) -> Analysis:
        """Its kind, columns and tables. Raises Refusal, InvalidQuery and its kin."""
        kind, statement = self._resolved(shape)
        found = Found()
        found.look(statement)
        found.check_collations(self._engine.knows_collations)
        lacking = prelude.lacking(frozenset(found.functions))
        columns = (field for table in shape.tables for field in table.fields)
        if lacking and (found.collations or any(field.collated for field in columns)):
            raise SqlNotSupported(f"{', '.join(sorted(lacking)).upper()} beside a collation")
        fields, value_table = _columns(statement) if kind == "query" else ((), False)
        kinds = frozenset(types.NAMES.get(each, "") for each in found.kinds)
        functions, reckons = frozenset(found.functions), frozenset(found.reckons)
        return Analysis(kind, fields, tuple(found.scans), value_table, kinds, functions, reckons)

    def evaluate(self, request: Evaluate) -> pa.Table:
        """Its rows. Raises Refusal, SqlNotSupported."""
        shape, analysis = request.shape, request.analysis
        asked = service.EvaluateQueryRequest(
            sql=_renamed(shape, analysis.scans), options=self._with_parameters(shape)
        )
        for (name, field), value in zip(shape.parameters, request.values, strict=True):
            asked.params.add(name=name, value=values.writer(field)(value))
        lacking = prelude.lacking(analysis.functions)
        if analysis.scans:
            self._fill(asked, shape, analysis, request.contents)
        else:
            bare = replace(shape, tables=())
            asked.registered_catalog_id = self._catalogs.registered(bare, bool(lacking))
        own = javascript.functions(shape.routines, dict(request.libraries))
        self._engine.callbacks.offer({**prelude.FUNCTIONS, **own})
        try:
            told = self._engine.ask("EvaluateQuery", asked, service.EvaluateQueryResponse)
        except Refusal as error:
            if lacking and error.code == m.INVALID_ARGUMENT:  # a form that a function here has not
                raise SqlNotSupported(
                    f"{', '.join(sorted(lacking)).upper()} in this form"
                ) from error
            raise
        return _arrow(analysis, told.content.table_data)

    def _with_parameters(self, shape: Shape) -> o.AnalyzerOptionsProto:
        if not shape.parameters:
            return self._options
        options = o.AnalyzerOptionsProto()
        options.CopyFrom(self._options)
        for name, field in shape.parameters:
            if name:
                options.query_parameters.add(name=name, type=types.type_of(field))
            else:
                options.parameter_mode = public.PARAMETER_POSITIONAL
                options.positional_query_parameters.append(types.type_of(field))
        return options

    def _fill(
        self,
        asked: service.EvaluateQueryRequest,
        shape: Shape,
        analysis: Analysis,
        contents: tuple[pa.Table, ...],
    ) -> None:
        catalog = self._catalogs.new(shape, bool(prelude.lacking(analysis.functions)))
        filled: set[str] = set()
        for place, (scan, rows) in enumerate(zip(analysis.scans, contents, strict=True)):
            table = shape.tables[scan.table]
            name = table.path[0] if table.within else stand_in(place)
            if name in filled:  # a body that is read twice
                continue
            filled.add(name)
            catalog.table.append(table_of(table, name, place))
            fields = (*table.fields, *table.hidden)
            data = asked.table_content[name].table_data
            data.SetInParent()  # an empty table has rows too: none
            used = set(range(len(fields))) if table.within else set(scan.columns)
            for cells in values.rows_of(rows, fields, used):
                data.row.add(cell=cells)
        asked.simple_catalog.CopyFrom(catalog)
        asked.descriptor_pool_list.CopyFrom(POOL)


def _renamed(shape: Shape, scans: tuple[Scan, ...]) -> str:
    """The text with a stand-in for each table; one without an alias keeps its last name for it."""
    raw, parts, at = shape.sql.encode(), [], 0
    for place, scan in sorted(enumerate(scans), key=lambda each: each[1].start):
        path = shape.tables[scan.table].path
        if shape.tables[scan.table].within:
            continue
        # The place is that of the path, or of a query that begins with FROM and the path.
        pattern = r"\s*\.\s*".join(f"`?{re.escape(name)}`?" for name in path)
        found = re.compile(pattern.encode(), re.IGNORECASE).search(raw, scan.start, scan.end)
        if found is None or found.start() < at:
            raise SqlNotSupported(f"reading {'.'.join(path)} in this place")
        alias = "" if scan.alias else f" AS `{path[-1]}`"
        name = _read_as(shape.tables[scan.table], scan, stand_in(place))
        parts += [raw[at : found.start()], f"{name}{alias}".encode()]
        at = found.end()
    return b"".join([*parts, raw[at:]]).decode()


def _read_as(table: m.TableShape, scan: Scan, name: str) -> str:
    """A table in a FROM clause: the evaluator forgets what its columns are compared by."""
    collated = [field for field in table.fields if field.collation]
    if any(field.collated and (field.repeated or field.fields) for field in table.fields):
        raise SqlNotSupported("a collation within a RECORD or an array of a table")
    if not collated:
        return name
    texts = [f"COLLATE(`{each.name}`, '{each.collation}') AS `{each.name}`" for each in collated]
    hidden = [
        f", {field.name}"
        for place, field in enumerate(table.hidden, len(table.fields))
        if place in scan.columns
    ]
    return f"(SELECT * REPLACE ({', '.join(texts)}){''.join(hidden)} FROM {name})"


def _columns(query: Any) -> tuple[tuple[Field, ...], bool]:
    """A query's columns, and whether they are the members of a value table's STRUCTs."""
    columns = [(column.name, column.column.type) for column in query.output_column_list]
    if query.is_value_table and columns[0][1].type_kind == type_pb2.TYPE_STRUCT:
        return types.record_columns(columns[0][1]), True
    found = [column.column.annotation_map for column in query.output_column_list]
    fields = types.columns_of(columns)
    return tuple(map(types.collated, fields, found)), False


def _arrow(analysis: Analysis, data: service.TableData) -> pa.Table:
    import pyarrow as pa

    from localgcp.bigquery.catalog.schema import arrow_type

    rows = [row.cell for row in data.row]
    if analysis.value_table:
        rows = [row[0].struct_value.field for row in rows]
    arrays = []
    for place, field in enumerate(analysis.fields):
        read = values.reader(field)
        try:
            arrays.append(pa.array([read(row[place]) for row in rows], arrow_type(field)))
        except (pa.ArrowInvalid, OverflowError, ValueError) as error:
            what = f"a value of column {field.name}: {error}"
            raise SqlNotSupported(what) from error
    names = [field.name for field in analysis.fields]
    if not names:
        return pa.table({})
    return pa.Table.from_arrays(arrays, names=names)
