"""Avro's JSON encoding (Avro 1.11, "JSON Encoding"): values of a union but null name their type."""

from __future__ import annotations

import json
from typing import NoReturn

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

_BITS = {"int": 31, "long": 63}


def check(type: AType, data: bytes) -> None:
    """Read a message by its type.

    Raises Mismatch unless `data` is a JSON text that is a value of `type`.
    """
    try:
        value = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Mismatch(f"The message is no JSON: {error}") from error
    _value(type, value, 0)


def fields(type: Record, value: object) -> dict[str, object]:
    """A checked record's fields, without the names of unions' types, and with bytes as such."""
    given = _object(value)
    return {name: _plain(each.type, given[name]) for name, each in type.fields.items()}


def _plain(type: AType, value: object) -> object:
    match type:
        case Record():
            return fields(type, value)
        case AUnion() if value is not None:
            [(name, inner)] = _object(value).items()
            [chosen] = [branch for branch in type.branches if branch.name == name]
            return _plain(chosen, inner)
        case AnArray():
            return [_plain(type.items, item) for item in _array(value)]
        case Map():
            return {key: _plain(type.values, item) for key, item in _object(value).items()}
        case Fixed() | Primitive(name="bytes"):
            return _octets(_text(value))
        case _:
            return value


def _value(type: AType, value: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Mismatch(f"The message is nested more than {MAX_DEPTH} deep.")
    match type:
        case Primitive():
            _primitive(type.name, value)
        case AnEnum() | Fixed():
            _named(type, _text(value))
        case Record():
            _record(type, _object(value), depth)
        case AUnion():
            _union(type, value, depth)
        case AnArray():
            for item in _array(value):
                _value(type.items, item, depth + 1)
        case Map():
            for item in _object(value).values():
                _value(type.values, item, depth + 1)


def _named(type: AnEnum | Fixed, text: str) -> None:
    if isinstance(type, AnEnum) and text not in type.symbols:
        raise Mismatch(f'"{text}" is no symbol of the enum {type.name}.')
    if isinstance(type, Fixed) and len(_octets(text)) != type.size:
        raise Mismatch(f"{type.name} has {type.size} bytes, and not {len(text)}.")


def _record(type: Record, given: dict[str, object], depth: int) -> None:
    for name in given:
        if name not in type.fields:
            raise Mismatch(f'The record {type.name} has no field "{name}".')
    for name, each in type.fields.items():
        if name not in given:
            raise Mismatch(f'The field "{name}" of the record {type.name} is missing.')
        _value(each.type, given[name], depth + 1)


def _union(type: AUnion, value: object, depth: int) -> None:
    if value is None:
        if not any(branch.name == "null" for branch in type.branches):
            raise Mismatch("JSON object with type null does not match schema, a union without it.")
        return
    given = _object(value)
    if len(given) == 1:
        [(name, inner)] = given.items()
        for branch in type.branches:
            if branch.name == name and name != "null":
                _value(branch, inner, depth + 1)
                return
    expected = ", ".join(f'{{"{branch.name}": ...}}' for branch in type.branches)
    raise Mismatch(f"A value of a union names its type; expected one of {expected}.")


def _primitive(name: str, value: object) -> None:
    expected = JSON_TYPES[name]
    if expected == "number_float" and _json_type(value) == "number_integer":
        return
    _expect(value, expected)
    match value:
        case str() if name == "bytes":
            _octets(value)
        case int() if name in _BITS and not -(1 << _BITS[name]) <= value < 1 << _BITS[name]:
            raise Mismatch(f"{value} is out of the range of {name}.")


def _octets(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise Mismatch("Bytes are written as characters up to \\u00FF.") from error


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise _unexpected(value, "string")


def _array(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    raise _unexpected(value, "array")


def _object(value: object) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise _unexpected(value, "object")


def _expect(value: object, expected: str) -> None:
    if _json_type(value) != expected:
        raise _unexpected(value, expected)


def _unexpected(value: object, expected: str) -> Mismatch:
    return Mismatch(
        f"JSON object with type {_json_type(value)} does not match schema which expected {expected}"
    )


def _json_type(value: object) -> str:
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
