"""The analyzer's catalogs: one is registered for all statements that name the same things."""

from __future__ import annotations

from collections import OrderedDict

from google.protobuf.empty_pb2 import Empty
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2 as o
from zetasql.wasi._pb2.zetasql.proto import simple_catalog_pb2 as c
from zetasql.wasi._pb2.zetasql.public import simple_table_pb2 as table_proto
from zetasql.wasi._pb2.zetasql.public import value_pb2

from localgcp.bigquery.googlesql.reference import (
    javascript,
    prelude,
    routines,
    types,
    values,
)
from localgcp.bigquery.googlesql.reference.engine import Engine
from localgcp.bigquery.googlesql.reference.messages import Shape, TableShape
from localgcp.bigquery.googlesql.reference.trees import home

_CATALOGS = 64
POOL = service.DescriptorPoolListProto(
    definitions=[
        service.DescriptorPoolListProto.Definition(
            builtin=service.DescriptorPoolListProto.Builtin()
        )
    ]
)


class Catalogs:
    """Makes and registers them."""

    def __init__(self, engine: Engine, language: o.LanguageOptionsProto) -> None:
        self._engine, self._language = engine, language
        self._registered: OrderedDict[tuple[object, ...], int] = OrderedDict()

    def new(self, shape: Shape, lacking: bool = False) -> c.SimpleCatalogProto:
        """A catalog of the functions that every statement knows, and of the shape's own.

        With `lacking` those of the prelude stand for the evaluator's, which it only knows by name.
        """
        builtins = o.ZetaSQLBuiltinFunctionOptionsProto(language_options=self._language)
        catalog = c.SimpleCatalogProto(name="catalog", builtin_function_options=builtins)
        if lacking:
            prelude.put_in(catalog)
        prelude.add_to(catalog, {r.path[0].lower() for r in shape.routines if len(r.path) == 1})
        if _calls_out(shape):
            self._engine.callbacks.put_in(catalog)
        _declare(catalog, shape)
        return catalog

    def registered(self, shape: Shape, lacking: bool = False) -> int:
        """A registered catalog of its tables and routines, each under its path, and variables."""
        key = (shape.tables, shape.routines, repr(shape.variables), lacking, _calls_out(shape))
        if key in self._registered:
            self._registered.move_to_end(key)
            return self._registered[key]
        catalog = self.new(shape, lacking)
        for place, table in enumerate(shape.tables):
            home(catalog, table.path).table.append(table_of(table, table.path[-1], place))
        request = service.RegisterCatalogRequest(simple_catalog=catalog, descriptor_pool_list=POOL)
        told = self._engine.ask("RegisterCatalog", request, service.RegisterResponse)
        self._registered[key] = told.registered_id
        if len(self._registered) > _CATALOGS:
            _, oldest = self._registered.popitem(last=False)
            gone = service.UnregisterRequest(registered_id=oldest)
            self._engine.ask("UnregisterCatalog", gone, Empty)
        return int(told.registered_id)


def _calls_out(shape: Shape) -> bool:
    """Whether the statement may call functions of this process."""
    in_javascript = any(routine.language == javascript.LANGUAGE for routine in shape.routines)
    return in_javascript or prelude.calls_out((shape.sql, *(r.body for r in shape.routines)))


def _declare(catalog: c.SimpleCatalogProto, shape: Shape) -> None:
    """A script's variables are constants of a statement's: columns of that name go before them."""
    for routine in shape.routines:
        routines.add(home(catalog, routine.path), javascript.as_sql(routine))
    for name, field, value in shape.variables:
        held = value_pb2.ValueProto() if value is None else values.writer(field)(value)
        catalog.constant.add(name_path=[name], type=types.type_of(field), value=held)


def table_of(table: TableShape, name: str, place: int) -> table_proto.SimpleTableProto:
    """A table of a catalog, known by its place."""
    proto = table_proto.SimpleTableProto(name=name, serialization_id=place + 1)
    for field in table.fields:
        column = proto.column.add(name=field.name, type=types.type_of(field))
        if field.collated:
            column.annotation_map.CopyFrom(types.annotations_of(field))
    for field in table.hidden:
        proto.column.add(name=field.name, type=types.type_of(field), is_pseudo_column=True)
    return proto


def stand_in(place: int) -> str:
    """What a table is called where it is evaluated."""
    return f"_localgcp_{place}"
