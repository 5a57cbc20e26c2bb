"""Avro's JSON encoding (Avro 1.11, "JSON Encoding"): values of a union but null name their type."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeAlias

from localgcp.pubsub.domain.schemas.avro_types import (
    JSON_TYPES,
    MAX_DEPTH,
    AnArray,
    AnEnum,
    AType,
    AUnion,
    Fixed,
    Map,
    Primitive,
    Record,
)
from localgcp.pubsub.errors import Mismatch

Json: TypeAlias = Any

_BITS = {"int": 31, "long": 63}


def check(type: AType, data: bytes) -> None:
    """Raises Mismatch unless `data` is a JSON text that is a value of `type`."""
    try:
        value = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Mismatch(f"The message is no JSON: {error}") from error
    _value(type, value, 0)


def plain(type: AType, value: Json) -> Json:
    """A checked value without the names of its unions' types, and with bytes as such."""
    match type:
        case Record():
            return {name: plain(each.type, value[name]) for name, each in type.fields.items()}
        case AUnion() if value is not None:
            [(name, inner)] = value.items()
            [chosen] = [branch for branch in type.branches if branch.name == name]
            return plain(chosen, inner)
        case AnArray():
            return [plain(type.items, item) for item in value]
        case Map():
            return {key: plain(type.values, item) for key, item in value.items()}
        case Fixed() | Primitive(name="bytes"):
            return _octets(value)
        case _:
            return value


def _value(type: AType, value: Json, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Mismatch(f"The message is nested more than {MAX_DEPTH} deep.")
    match type:
        case Primitive():
            _primitive(type.name, value)
        case AnEnum() | Fixed():
            _named(type, value)
        case Record():
            _record(type, value, depth)
        case AUnion():
            _union(type, value, depth)
        case AnArray():
            _expect(value, "array")
            for item in value:
                _value(type.items, item, depth + 1)
        case Map():
            _expect(value, "object")
            for item in value.values():
                _value(type.values, item, depth + 1)


def _named(type: AnEnum | Fixed, value: Json) -> None:
    _expect(value, "string")
    if isinstance(type, AnEnum) and value not in type.symbols:
        raise Mismatch(f'"{value}" is no symbol of the enum {type.name}.')
    if isinstance(type, Fixed) and len(_octets(value)) != type.size:
        raise Mismatch(f"{type.name} has {type.size} bytes, and not {len(value)}.")


def _record(type: Record, value: Json, depth: int) -> None:
    _expect(value, "object")
    for name in value:
        if name not in type.fields:
            raise Mismatch(f'The record {type.name} has no field "{name}".')
    for name, each in type.fields.items():
        if name not in value:
            raise Mismatch(f'The field "{name}" of the record {type.name} is missing.')
        _value(each.type, value[name], depth + 1)


def _union(type: AUnion, value: Json, depth: int) -> None:
    if value is None:
        if not any(branch.name == "null" for branch in type.branches):
            raise Mismatch("JSON object with type null does not match schema, a union without it.")
        return
    _expect(value, "object")
    if len(value) == 1:
        [(name, inner)] = value.items()
        for branch in type.branches:
            if branch.name == name and name != "null":
                _value(branch, inner, depth + 1)
                return
    expected = ", ".join(f'{{"{branch.name}": ...}}' for branch in type.branches)
    raise Mismatch(f"A value of a union names its type; expected one of {expected}.")


def _primitive(name: str, value: Json) -> None:
    expected = JSON_TYPES[name]
    if expected == "number_float" and _json_type(value) == "number_integer":
        return
    _expect(value, expected)
    if name == "bytes":
        _octets(value)
    if name in _BITS and not -(1 << _BITS[name]) <= value < 1 << _BITS[name]:
        raise Mismatch(f"{value} is out of the range of {name}.")


def _octets(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise Mismatch("Bytes are written as characters up to \\u00FF.") from error


def _expect(value: Json, expected: str) -> None:
    found = _json_type(value)
    if found != expected:
        raise Mismatch(
            f"JSON object with type {found} does not match schema which expected {expected}"
        )


def _json_type(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "number_integer"
        case float():
            return "number_float"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
