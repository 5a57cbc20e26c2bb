"""Protocol Buffer definitions, messages in both encodings, and what may follow what."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from localgcp.pubsub.domain.schemas import definition
from localgcp.pubsub.domain.schemas.definition import Definition, Encoding, Language, Source
from localgcp.pubsub.errors import InvalidArgument, Mismatch

STATE = """
syntax = "proto3";
package utilities;
message State {
  enum Kind { UNKNOWN = 0; ISLAND = 1; }
  message City { string name = 1; }
  string name = 1;
  int64 population = 2;
  Kind kind = 3;
  repeated City cities = 4;
}
"""


def proto(text: str) -> Definition:
    return definition.compile(Source(Language.PROTOCOL_BUFFER, text))


def three(body: str, name: str = "M") -> Definition:
    return proto(f'syntax = "proto3"; message {name} {{ {body} }}')


def test_messages_in_both_encodings() -> None:
    state = proto(STATE)
    state.check(
        b'{"name": "Hawaii", "kind": "ISLAND", "cities": [{"name": "Hilo"}]}', Encoding.JSON
    )
    state.check(b"\x0a\x06Hawaii\x18\x01\x22\x06\x0a\x04Hilo", Encoding.BINARY)
    state.check(b"", Encoding.BINARY)


@pytest.mark.parametrize(
    ("data", "encoding", "why"),
    [
        (b'{"nick": "x"}', Encoding.JSON, 'no field named "nick"'),
        (b'{"population": "many"}', Encoding.JSON, "population"),
        (b"nothing", Encoding.JSON, "Failed to load JSON"),
        (b"\xff", Encoding.JSON, "utf-8"),
        (b"\x0a\x06Haw", Encoding.BINARY, "no utilities.State"),
        (b"\x2a\x01x", Encoding.BINARY, "fields that utilities.State does not have"),
        (b"\x22\x03\x2a\x01x", Encoding.BINARY, "fields that utilities.State does not have"),
    ],
)
def test_messages_that_do_not_fit(data: bytes, encoding: Encoding, why: str) -> None:
    with pytest.raises(Mismatch, match=why):
        proto(STATE).check(data, encoding)


def test_a_required_field_is_missed() -> None:
    needed = proto('syntax = "proto2"; message M { required int32 a = 1; }')
    for data, encoding in ((b"", Encoding.BINARY), (b"{}", Encoding.JSON)):
        with pytest.raises(Mismatch, match="Required fields are missing: a"):
            needed.check(data, encoding)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense", "Could not parse schema. schema.proto:1:1: Expected"),
        ('syntax = "proto3"; message M { strng a = 1; }', '"strng" is not defined'),
        ('syntax = "proto3"; message M {} message N {}', "exactly one top-level type.* M, N"),
        ('syntax = "proto3"; message M {} enum E { A = 0; }', "exactly one top-level type.* M, E"),
        ('syntax = "proto3"; enum E { A = 0; }', "exactly one top-level type"),
        ('syntax = "proto3";', "this one has none"),
        (
            'syntax = "proto3"; import "google/protobuf/empty.proto"; '
            "message M { google.protobuf.Empty e = 1; }",
            "imports are not supported: google/protobuf/empty.proto",
        ),
    ],
)
def test_what_is_no_definition(text: str, why: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^Invalid schema definition: .*{why}"):
        proto(text)


def test_a_compiled_definition() -> None:
    file = FileDescriptorProto(name="m.proto", package="p", syntax="proto3")
    file.message_type.add(name="M").field.add(name="a", number=1, type=9, label=1)
    compiled = FileDescriptorSet(file=[file]).SerializeToString()
    source = Source(Language.PROTOCOL_BUFFER, compiled=compiled, root="p.M")
    definition.compile(source).check(b'{"a": "x"}', Encoding.JSON)
    for wrong in (
        Source(Language.PROTOCOL_BUFFER, compiled=compiled, root="p.N"),
        Source(Language.PROTOCOL_BUFFER, compiled=b"\xff", root="p.M"),
    ):
        with pytest.raises(InvalidArgument, match="Could not parse schema"):
            definition.compile(wrong)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("string a = 1;", "string a = 1; optional int32 b = 2;"),
        ("string a = 1; int32 b = 2;", "string a = 1;"),
        ("message N { int32 x = 1; M m = 2; } N n = 1;", "message N { M m = 2; } N n = 1;"),
    ],
)
def test_what_may_follow(before: str, after: str) -> None:
    three(before).check_successor(three(after))


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("string a = 1;", "int32 a = 1;", "The field M.a = 1 is changed"),
        ("string a = 1;", "string b = 1;", "The field M.a = 1 is changed"),
        ("string a = 1;", "string a = 1; repeated int32 b = 2;", "M.b is not optional, .* added"),
        ("repeated int32 a = 1;", "", "M.a is not optional, .* deleted"),
        (
            "message N { int32 x = 1; } N n = 1;",
            "message N { int64 x = 1; } N n = 1;",
            "M.N.x = 1 is changed",
        ),
    ],
)
def test_what_may_not_follow(before: str, after: str, why: str) -> None:
    with pytest.raises(Mismatch, match=why):
        three(before).check_successor(three(after))


def test_a_message_of_another_name_may_not_follow() -> None:
    with pytest.raises(Mismatch, match="The message M is called N"):
        three("").check_successor(three("", name="N"))
