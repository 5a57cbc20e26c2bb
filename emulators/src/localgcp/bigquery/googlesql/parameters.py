"""Query parameters: the API's QueryParameter -> a value that DuckDB can bind, and its type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from localgcp.bigquery.catalog.schema import ALIASES, DUCKDB_TYPES, RANGE_ELEMENTS, Field
from localgcp.bigquery.errors import BadValue, NotSupported
from localgcp.bigquery.rows.reader import RowError, compile_reader


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `key` is its name in DuckDB, `name` is empty for a positional one."""

    key: str
    name: str
    field: Field
    value: object


def parse(resources: Iterable[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    """Read queryParameters. Raises BadValue, NotSupported."""
    return tuple(_parse(f"p{i}", resource) for i, resource in enumerate(resources))


def _parse(key: str, resource: Mapping[str, Any]) -> Parameter:
    field = _field("value", resource.get("parameterType") or {})
    given = resource.get("parameterValue") or {}
    try:
        value = _read(field, _raw(field, given))
    except RowError as error:
        name = resource.get("name") or key
        raise BadValue(f"queryParameters.{name}", given, error.message) from error
    return Parameter(key, resource.get("name") or "", field, value)


def _field(name: str, kind: Mapping[str, Any]) -> Field:
    type_ = str(kind.get("type") or "").upper()
    if type_ == "ARRAY":
        return replace(_field(name, kind.get("arrayType") or {}), mode="REPEATED")
    if type_ == "STRUCT":
        members = kind.get("structTypes") or ()
        fields = tuple(_field(m.get("name") or "", m.get("type") or {}) for m in members)
        return Field(name, "RECORD", fields=fields)
    type_ = ALIASES.get(type_, type_)
    if type_ not in DUCKDB_TYPES:
        raise NotSupported(f"a query parameter of type {type_ or 'unknown'}", "parameterType")
    if type_ == "RANGE":
        element = str((kind.get("rangeElementType") or {}).get("type") or "").upper()
        if element not in RANGE_ELEMENTS:
            raise BadValue("parameterType.rangeElementType", element, f"one of {RANGE_ELEMENTS}")
        return Field(name, type_, element=element)
    return Field(name, type_)


def _raw(field: Field, value: Mapping[str, Any]) -> Any:
    if field.repeated:
        single = replace(field, mode="NULLABLE")
        return [_raw(single, item) for item in value.get("arrayValues") or ()]
    if field.type == "RECORD":
        members = value.get("structValues") or {}
        return {f.name: _raw(f, members.get(f.name) or {}) for f in field.fields}
    if field.type == "RANGE" and value.get("rangeValue") is not None:
        return _range(field.element, value["rangeValue"])
    raw = value.get("value")
    if field.type == "TIMESTAMP" and isinstance(raw, int | float):
        raise RowError(field.name, "Invalid timestamp")  # seconds are for rows alone
    return raw


def _range(element: str, value: Mapping[str, Any]) -> str:
    """A RANGE as the text that stands for it; a bound that is not there has no end."""
    bounds = [
        _read(Field("bound", element), (value.get(bound) or {}).get("value"))
        for bound in ("start", "end")
    ]
    start, end = ("UNBOUNDED" if bound is None else bound.isoformat() for bound in bounds)
    if None not in bounds and not bounds[0] < bounds[1]:
        raise RowError("value", f"Range start is not before its end: [{start}, {end})")
    return f"[{start}, {end})"


def _read(field: Field, raw: Any) -> Any:
    return compile_reader((field,), False).read({field.name: raw})[field.name]
