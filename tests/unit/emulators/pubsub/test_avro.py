"""Avro definitions, messages in both encodings, and what may follow what."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import pytest

from localgcp.pubsub.domain.schemas import definition
from localgcp.pubsub.domain.schemas.definition import Definition, Encoding, Language, Source
from localgcp.pubsub.errors import InvalidArgument, Mismatch, Unsupported

EVERY_TYPE: dict[str, Any] = {
    "type": "record",
    "name": "Every",
    "namespace": "a.b",
    "fields": [
        {"name": "nothing", "type": "null"},
        {"name": "flag", "type": "boolean"},
        {"name": "small", "type": "int"},
        {"name": "large", "type": "long"},
        {"name": "single", "type": "float"},
        {"name": "double", "type": "double"},
        {"name": "raw", "type": "bytes"},
        {"name": "text", "type": "string"},
        {"name": "when", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "suit", "type": {"type": "enum", "name": "Suit", "symbols": ["HEARTS", "CLUBS"]}},
        {"name": "sum", "type": {"type": "fixed", "name": "Sum", "size": 2}},
        {"name": "list", "type": {"type": "array", "items": "int"}},
        {"name": "map", "type": {"type": "map", "values": "Suit"}},
        {"name": "maybe", "type": ["null", "string", "Every"]},
    ],
}
VALUE: dict[str, Any] = {
    "nothing": None,
    "flag": True,
    "small": -(2**31),
    "large": 2**63 - 1,
    "single": 0.5,
    "double": 3,
    "raw": b"\x00\xff",
    "text": "\u00e9",
    "when": 0,
    "suit": "CLUBS",
    "sum": b"ab",
    "list": [1, 2, 3],
    "map": {"k": "HEARTS"},
    "maybe": "x",
}
AS_JSON = VALUE | {"raw": "\u0000\u00ff", "sum": "ab", "maybe": {"string": "x"}}


def avro(declared: Any) -> Definition:
    return definition.compile(Source(Language.AVRO, json.dumps(declared)))


def binary(declared: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(declared), value)
    return out.getvalue()


def test_a_message_of_every_type_in_both_encodings() -> None:
    every = avro(EVERY_TYPE)
    every.check(json.dumps(AS_JSON).encode(), Encoding.JSON)
    inner = VALUE | {"maybe": VALUE}
    every.check(binary(EVERY_TYPE, inner), Encoding.BINARY)
    nested = AS_JSON | {"maybe": {"a.b.Every": AS_JSON | {"maybe": None}}}
    every.check(json.dumps(nested).encode(), Encoding.JSON)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("flag", 1, "type number_integer does not match schema which expected boolean"),
        ("small", 2**31, "2147483648 is out of the range of int"),
        ("large", 1.0, "type number_float does not match schema which expected number_integer"),
        ("single", "1", "type string does not match schema which expected number_float"),
        ("raw", "\u0100", "characters up to"),
        ("text", None, "type null does not match schema which expected string"),
        ("suit", "SPADES", '"SPADES" is no symbol'),
        ("sum", "abc", "a.b.Sum has 2 bytes, and not 3"),
        ("list", {}, "type object does not match schema which expected array"),
        ("map", {"k": "SPADES"}, '"SPADES" is no symbol'),
        ("maybe", "x", "type string does not match schema which expected object"),
        ("maybe", {"int": 1}, "names its type"),
    ],
)
def test_a_field_that_does_not_fit_is_told_as_the_service_tells_it(
    field: str, value: Any, why: str
) -> None:
    with pytest.raises(Mismatch, match=why):
        avro(EVERY_TYPE).check(json.dumps(AS_JSON | {field: value}).encode(), Encoding.JSON)


def test_every_field_and_no_other_is_there() -> None:
    point = avro({"type": "record", "name": "P", "fields": [{"name": "x", "type": "int"}]})
    with pytest.raises(Mismatch, match='"x" of the record P is missing'):
        point.check(b"{}", Encoding.JSON)
    with pytest.raises(Mismatch, match='P has no field "y"'):
        point.check(b'{"x": 1, "y": 2}', Encoding.JSON)


@pytest.mark.parametrize("data", [b"", b"nothing", b"\xff", b"[" * 100_000, b"NaN"])
def test_what_is_no_json(data: bytes) -> None:
    with pytest.raises(Mismatch, match="no JSON"):
        avro("double").check(data, Encoding.JSON)


def test_a_binary_message_has_no_byte_too_many_or_too_few() -> None:
    every, whole = avro(EVERY_TYPE), binary(EVERY_TYPE, VALUE)
    with pytest.raises(Mismatch, match="Too much data to parse for schema"):
        every.check(whole + b"\0", Encoding.BINARY)
    for end in range(len(whole)):
        with pytest.raises(Mismatch):
            every.check(whole[:end], Encoding.BINARY)


@pytest.mark.parametrize(
    ("declared", "data", "why"),
    [
        ("long", b"\xff" * 12, "more than ten bytes"),
        ("int", b"\xff\xff\xff\xff\x7f", "more than 32 bits"),
        ("boolean", b"\x02", "the byte 2"),
        ("string", b"\x02\xff", "no UTF-8"),
        ("bytes", b"\x03", "Not enough"),
        ("bytes", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "Not enough"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, b"\x02", "none of the 1 symbols"),
        ({"type": "array", "items": "int"}, b"\x7f\x00", "Not enough"),
    ],
)
def test_bytes_that_are_no_message(declared: Any, data: bytes, why: str) -> None:
    with pytest.raises(Mismatch, match=why):
        avro(declared).check(data, Encoding.BINARY)


def test_a_message_of_a_million_levels_is_refused_and_ends_nothing() -> None:
    fields = [{"name": "next", "type": ["null", "Node"]}]
    node = avro({"type": "record", "name": "Node", "fields": fields})
    with pytest.raises(Mismatch, match="200 deep"):
        node.check(b"\x02" * 1_000_000, Encoding.BINARY)
    deep = b'{"next": {"Node": ' * 150 + b'{"next": null}' + b"}}" * 150
    with pytest.raises(Mismatch, match="200 deep"):
        node.check(deep, Encoding.JSON)


@pytest.mark.parametrize(
    "text",
    [
        "woohoo",
        "null",
        "3",
        '{"not_actually": "avro"}',
        '"unheard"',
        '{"type": "array"}',
        '{"type": "fixed", "name": "F"}',
        '{"type": "enum", "name": "E", "symbols": ["A", "A"]}',
        '{"type": "record", "fields": []}',
        '{"type": "record", "name": "R", "fields": [3]}',
        '{"type": "record", "name": "R", "fields": [{"name": "a", "type": ["int", "int"]}]}',
        '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"},'
        ' {"name": "a", "type": "int"}]}',
        '{"type": "array", "items": ' * 3000 + '"int"' + "}" * 3000,
    ],
)
def test_what_is_no_definition(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^Invalid schema definition: Could not"):
        definition.compile(Source(Language.AVRO, text))


def test_definitions_that_the_service_does_not_take() -> None:
    with pytest.raises(InvalidArgument, match="one top-level type"):
        avro(["null", "string"])
    with pytest.raises(InvalidArgument, match="more than 300000"):
        definition.compile(Source(Language.AVRO, " " * 300_001))
    with pytest.raises(Unsupported, match="items that take no bytes"):
        avro({"type": "array", "items": "null"})


def record(*fields: dict[str, Any], name: str = "R") -> Definition:
    return avro({"type": "record", "name": name, "fields": fields})


A, B = {"name": "a", "type": "int"}, {"name": "b", "type": "string", "default": ""}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (record(A), record(A, B)),
        (record(A, B), record(A)),
        (avro("string"), avro("bytes")),
        (avro(EVERY_TYPE), avro(EVERY_TYPE | {"doc": "the same"})),
    ],
)
def test_what_may_follow(before: Definition, after: Definition) -> None:
    before.check_successor(after)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (record(A), record(A, {"name": "c", "type": "int"}), '"c" of the record R has no default'),
        (record(A, B), record(B), '"a" of the record R has no default'),
        (record(A), record({"name": "a", "type": "long"}), "int can't read long"),
        (record(A), record({"name": "a", "type": ["int", "null"]}), "int can't read null"),
        (record(A), record(A, name="S"), "S can't read R"),
        (record(A), avro("int"), "int can't read R"),
        (
            avro({"type": "enum", "name": "E", "symbols": ["A", "B"]}),
            avro({"type": "enum", "name": "E", "symbols": ["A"]}),
            "lacks the symbol B",
        ),
        (
            avro({"type": "fixed", "name": "F", "size": 1}),
            avro({"type": "fixed", "name": "F", "size": 2}),
            "F has 2 bytes",
        ),
    ],
)
def test_what_may_not_follow(before: Definition, after: Definition, why: str) -> None:
    with pytest.raises(Mismatch, match=why):
        before.check_successor(after)
