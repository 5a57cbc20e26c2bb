"""A statement in the worker: the tables it names, what the analyzer says of it, and its rows.

The evaluator takes rows for tables at the top of its catalog alone. So a statement is analyzed as
it stands, over a catalog of datasets, and evaluated with each of its table names replaced.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2 as o
from zetasql.wasi._pb2.zetasql.proto import simple_catalog_pb2 as c
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public
from zetasql.wasi._pb2.zetasql.public import simple_table_pb2 as table_proto
from zetasql.wasi._pb2.zetasql.public import type_pb2
from zetasql.wasi._pb2.zetasql.resolved_ast import resolved_ast_pb2 as resolved

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import SqlNotSupported
from localgcp.bigquery.googlesql.reference import language, types, values
from localgcp.bigquery.googlesql.reference.engine import Engine
from localgcp.bigquery.googlesql.reference.messages import (
    Analysis,
    Evaluate,
    Scan,
    Shape,
    TableShape,
)

if TYPE_CHECKING:
    import pyarrow as pa

_CATALOGS = 64
_FROM = re.compile(rb"(?i)(?:FROM\b\s*)?")  # a query that begins with FROM is a scan as a whole
_POOL = service.DescriptorPoolListProto(
    definitions=[
        service.DescriptorPoolListProto.Definition(
            builtin=service.DescriptorPoolListProto.Builtin()
        )
    ]
)


class Statements:
    """Analyzes and evaluates; a catalog of tables is registered once for all that names them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._language = language.language(engine)
        self._options = language.analysis(engine, self._language)
        self._registered: OrderedDict[tuple[TableShape, ...], int] = OrderedDict()

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

    def analyze(self, shape: Shape) -> Analysis:
        """Its kind, columns and tables. Raises Refusal, InvalidQuery and its kin."""
        request = service.AnalyzeRequest(
            sql_statement=shape.sql,
            options=self._with_parameters(shape),
            registered_catalog_id=self._catalog(shape.tables),
        )
        told = self._engine.ask("Analyze", request, service.AnalyzeResponse)
        kind = told.resolved_statement.WhichOneof("node")
        statement = getattr(told.resolved_statement, kind)
        found = _Found()
        found.look(statement)
        scans, kinds = tuple(found.scans), frozenset(types.NAMES.get(k, "") for k in found.kinds)
        kind = kind.removeprefix("resolved_").removesuffix("_node").removesuffix("_stmt")
        if kind != "query":
            return Analysis(kind, scans=scans, types=kinds)
        query = statement
        columns = [(column.name, column.column.type) for column in query.output_column_list]
        if query.is_value_table and columns[0][1].type_kind == type_pb2.TYPE_STRUCT:
            return Analysis(kind, types.record_columns(columns[0][1]), scans, True, kinds)
        return Analysis(kind, types.columns_of(columns), scans, types=kinds)

    def evaluate(self, request: Evaluate) -> pa.Table:
        """Its rows. Raises Refusal, SqlNotSupported."""
        shape, analysis = request.shape, request.analysis
        asked = service.EvaluateQueryRequest(
            sql=_renamed(shape.sql, analysis.scans), options=self._with_parameters(shape)
        )
        for (name, field), value in zip(shape.parameters, request.values, strict=True):
            asked.params.add(name=name, value=values.writer(field)(value))
        if analysis.scans:
            self._fill(asked, shape, analysis, request.contents)
        else:
            asked.registered_catalog_id = self._catalog(())
        told = self._engine.ask("EvaluateQuery", asked, service.EvaluateQueryResponse)
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

    def _new_catalog(self) -> c.SimpleCatalogProto:
        builtins = o.ZetaSQLBuiltinFunctionOptionsProto(language_options=self._language)
        return c.SimpleCatalogProto(name="catalog", builtin_function_options=builtins)

    def _catalog(self, tables: tuple[TableShape, ...]) -> int:
        """A registered catalog of these tables, each under its path."""
        if tables in self._registered:
            self._registered.move_to_end(tables)
            return self._registered[tables]
        catalog = self._new_catalog()
        for place, table in enumerate(tables):
            folder = catalog
            for name in table.path[:-1]:
                folder = _folder(folder, name)
            folder.table.append(_table(table, table.path[-1], place))
        request = service.RegisterCatalogRequest(simple_catalog=catalog, descriptor_pool_list=_POOL)
        told = self._engine.ask("RegisterCatalog", request, service.RegisterResponse)
        self._registered[tables] = told.registered_id
        if len(self._registered) > _CATALOGS:
            _, oldest = self._registered.popitem(last=False)
            gone = service.UnregisterRequest(registered_id=oldest)
            self._engine.ask("UnregisterCatalog", gone, Empty)
        return int(told.registered_id)

    def _fill(
        self,
        asked: service.EvaluateQueryRequest,
        shape: Shape,
        analysis: Analysis,
        contents: tuple[pa.Table, ...],
    ) -> None:
        catalog = self._new_catalog()
        for place, (scan, rows) in enumerate(zip(analysis.scans, contents, strict=True)):
            table = shape.tables[scan.table]
            catalog.table.append(_table(table, _stand_in(place), place))
            fields = (*table.fields, *table.hidden)
            data = asked.table_content[_stand_in(place)].table_data
            data.SetInParent()  # an empty table has rows too: none
            for cells in values.rows_of(rows, fields, set(scan.columns)):
                data.row.add(cell=cells)
        asked.simple_catalog.CopyFrom(catalog)
        asked.descriptor_pool_list.CopyFrom(_POOL)


def _folder(catalog: c.SimpleCatalogProto, name: str) -> c.SimpleCatalogProto:
    for inner in catalog.catalog:
        if inner.name.lower() == name.lower():
            return inner
    return catalog.catalog.add(name=name)


def _table(table: TableShape, name: str, place: int) -> table_proto.SimpleTableProto:
    proto = table_proto.SimpleTableProto(name=name, serialization_id=place + 1)
    for field in table.fields:
        proto.column.add(name=field.name, type=types.type_of(field))
    for field in table.hidden:
        proto.column.add(name=field.name, type=types.type_of(field), is_pseudo_column=True)
    return proto


def _stand_in(place: int) -> str:
    return f"_localgcp_{place}"


def _renamed(sql: str, scans: tuple[Scan, ...]) -> str:
    """The text with a stand-in for each table; one without an alias keeps its last name for it."""
    raw, parts, at = sql.encode(), [], 0
    for place, scan in sorted(enumerate(scans), key=lambda each: each[1].start):
        read = raw[scan.start : scan.end]
        start = scan.start + len(_FROM.match(read)[0])  # type: ignore[index]
        alias = "" if scan.alias else f" AS `{_last(raw[start : scan.end].decode())}`"
        parts += [raw[at:start], f"{_stand_in(place)}{alias}".encode()]
        at = scan.end
    return b"".join([*parts, raw[at:]]).decode()


def _last(path: str) -> str:
    return path.rstrip("`").rpartition("`")[2] if path.endswith("`") else path.rpartition(".")[2]


class _Found:
    """Every table that a statement reads, in the order of the tree, and the types in it."""

    def __init__(self) -> None:
        self.scans: list[Scan] = []
        self.kinds: set[int] = set()

    def look(self, node: Message) -> None:
        """Walk the tree from here."""
        if isinstance(node, type_pb2.TypeProto):
            self.kinds.add(node.type_kind)
        if isinstance(node, resolved.ResolvedTableScanProto):
            place = node.parent.parent.parse_location_range
            columns = frozenset(node.column_index_list)
            table = node.table.serialization_id - 1
            self.scans.append(Scan(place.start, place.end, table, node.alias, columns))
        for descriptor, value in node.ListFields():
            if descriptor.message_type is not None:
                for inner in value if descriptor.is_repeated else (value,):
                    self.look(inner)


def result_type(field: Field) -> pa.DataType:
    """The Arrow type of a result's column: as a table's, but for BIGNUMERIC in full."""
    import pyarrow as pa

    from localgcp.bigquery.catalog.schema import arrow_type

    if field.type == "BIGNUMERIC":
        kind: pa.DataType = pa.decimal256(76, 38)
    elif field.type == "RECORD":
        kind = pa.struct([pa.field(f.name, result_type(f)) for f in field.fields])
    else:
        return arrow_type(field)
    return pa.list_(kind) if field.repeated else kind


def _arrow(analysis: Analysis, data: service.TableData) -> pa.Table:
    import pyarrow as pa

    rows = [row.cell for row in data.row]
    if analysis.value_table:
        rows = [row[0].struct_value.field for row in rows]
    arrays = []
    for place, field in enumerate(analysis.fields):
        read = values.reader(field)
        try:
            arrays.append(pa.array([read(row[place]) for row in rows], result_type(field)))
        except (pa.ArrowInvalid, OverflowError, ValueError) as error:
            what = f"a value of column {field.name}: {error}"
            raise SqlNotSupported(what) from error
    names = [field.name for field in analysis.fields]
    if not names:
        return pa.table({})
    return pa.Table.from_arrays(arrays, names=names)
