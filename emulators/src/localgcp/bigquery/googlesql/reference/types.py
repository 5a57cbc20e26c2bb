"""Fields to the evaluator's types and back; its types that BigQuery lacks are refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from zetasql.wasi._pb2.zetasql.public import annotation_pb2 as a
from zetasql.wasi._pb2.zetasql.public import simple_value_pb2 as v
from zetasql.wasi._pb2.zetasql.public import type_pb2 as t

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import DuplicateColumn, InvalidQuery, SqlNotSupported

KINDS = {
    "STRING": t.TYPE_STRING,
    "BYTES": t.TYPE_BYTES,
    "INTEGER": t.TYPE_INT64,
    "FLOAT": t.TYPE_DOUBLE,
    "NUMERIC": t.TYPE_NUMERIC,
    "BIGNUMERIC": t.TYPE_BIGNUMERIC,
    "BOOLEAN": t.TYPE_BOOL,
    "TIMESTAMP": t.TYPE_TIMESTAMP,
    "DATE": t.TYPE_DATE,
    "TIME": t.TYPE_TIME,
    "DATETIME": t.TYPE_DATETIME,
    "JSON": t.TYPE_JSON,
    "INTERVAL": t.TYPE_INTERVAL,
}
_COLLATION = 1  # annotation/collation.h: AnnotationKind
NAMES = {kind: name for name, kind in KINDS.items()}


def type_of(field: Field) -> t.TypeProto:
    """The type of a column, its mode REPEATED included."""
    if field.repeated:
        element = type_of(replace(field, mode="NULLABLE"))
        array = t.ArrayTypeProto(element_type=element)
        return t.TypeProto(type_kind=t.TYPE_ARRAY, array_type=array)
    if field.type == "RECORD":
        members = [
            t.StructFieldProto(field_name=f.name, field_type=type_of(f)) for f in field.fields
        ]
        return t.TypeProto(type_kind=t.TYPE_STRUCT, struct_type=t.StructTypeProto(field=members))
    if field.type == "RANGE":
        bounds = t.RangeTypeProto(element_type=type_of(Field("", field.element)))
        return t.TypeProto(type_kind=t.TYPE_RANGE, range_type=bounds)
    return t.TypeProto(type_kind=KINDS[field.type])


def annotations_of(field: Field) -> a.AnnotationMapProto:
    """The collations of a column; only of one that is `collated`."""
    made = a.AnnotationMapProto(is_null=not field.collated)
    if field.repeated:
        inner = annotations_of(replace(field, mode="NULLABLE"))
        made.array_element.CopyFrom(inner)
    elif field.collation:
        value = v.SimpleValueProto(string_value=field.collation)
        made.annotations.add(id=_COLLATION, value=value)
    else:
        made.struct_fields.extend(annotations_of(member) for member in field.fields)
    return made


def collated(field: Field, found: a.AnnotationMapProto) -> Field:
    """A result's column with the collations that the analyzer says of it."""
    if field.repeated:
        inner = collated(replace(field, mode="NULLABLE"), found.array_element)
        return replace(inner, mode="REPEATED")
    for each in found.annotations:
        if each.id == _COLLATION:
            return replace(field, collation=each.value.string_value)
    pairs = zip(field.fields, found.struct_fields, strict=False)
    members = tuple(collated(member, inner) for member, inner in pairs)
    return replace(field, fields=members) if members else field


def field_of(name: str, kind: t.TypeProto) -> Field:
    """The column for a type. Raises InvalidQuery, DuplicateColumn, SqlNotSupported."""
    if kind.type_kind == t.TYPE_ARRAY:
        inner = field_of(name, kind.array_type.element_type)
        if inner.repeated:
            raise InvalidQuery(f"Array of arrays is not supported in column {name}", "query")
        return replace(inner, mode="REPEATED")
    if kind.type_kind == t.TYPE_STRUCT:
        return Field(name, "RECORD", fields=columns_of(_members(kind), "_field_{}", 1))
    if kind.type_kind == t.TYPE_RANGE:
        element = field_of(name, kind.range_type.element_type).type
        return Field(name, "RANGE", element=element)
    if kind.type_kind not in NAMES:
        raise SqlNotSupported(f"type {t.TypeKind.Name(kind.type_kind)[5:]} of column {name}")
    return Field(name, NAMES[kind.type_kind])


def _members(kind: t.TypeProto) -> list[tuple[str, t.TypeProto]]:
    return [(f.field_name, f.field_type) for f in kind.struct_type.field]


def columns_of(
    columns: Iterable[tuple[str, t.TypeProto]], unnamed: str = "f{}_", first: int = 0
) -> tuple[Field, ...]:
    """A result's columns; those without a name get one. Raises what `field_of` raises.

    An unnamed column is f0_, f1_ by its place among such; a STRUCT's member is _field_N by its
    place among all, from 1 (as BigQuery's results show both).
    """
    fields: list[Field] = []
    nameless = 0
    for place, (name, kind) in enumerate(columns):
        if not name or name.startswith("$"):
            number = place + first if first else nameless
            fields.append(field_of(unnamed.format(number), kind))
            nameless += 1
        else:
            fields.append(field_of(name, kind))
    seen: set[str] = set()
    for field in fields:
        if field.name.lower() in seen:
            raise DuplicateColumn(field.name)
        seen.add(field.name.lower())
    return tuple(fields)


def record_columns(kind: t.TypeProto) -> tuple[Field, ...]:
    """The columns of a value table of STRUCTs: their members. Raises what `field_of` raises."""
    return columns_of(_members(kind))
