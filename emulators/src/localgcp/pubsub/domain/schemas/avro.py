"""Avro definitions: read by fastavro, and kept as a tree of plain types.

Messages are walked here rather than decoded by it: a deep one would overflow its stack, which ends
the process. Avro 1.11 specification, "Schema Declaration".
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field

from fastavro import schemaless_reader
from fastavro.schema import SchemaParseException, UnknownType, parse_schema
from fastavro.types import DictSchema, NamedSchemas, Schema

from localgcp.pubsub.domain.schemas import avro_binary, avro_json, avro_resolution
from localgcp.pubsub.domain.schemas.avro_types import (
    PRIMITIVES,
    AnArray,
    AnEnum,
    AType,
    AUnion,
    Field,
    Fixed,
    Map,
    Primitive,
    Record,
)
from localgcp.pubsub.domain.schemas.definition import Definition, Encoding, Values, unreadable
from localgcp.pubsub.errors import InvalidArgument, Mismatch, Unsupported


@dataclass(frozen=True)
class AvroDefinition:
    """One Avro type."""

    root: AType
    parsed: Schema = field(compare=False)
    """As fastavro has read it."""

    def check(self, data: bytes, encoding: Encoding) -> None:
        """Hold a message against it. Raises Mismatch."""
        if encoding is Encoding.BINARY:
            avro_binary.check(self.root, data)
        else:
            avro_json.check(self.root, data)

    def values(self, data: bytes, encoding: Encoding) -> Values:
        """The record that a checked message is. Raises Mismatch for no record."""
        if not isinstance(self.root, Record):
            raise Mismatch(f"The schema is of no record, but of {self.root.name}.")
        if encoding is Encoding.JSON:
            return avro_json.fields(self.root, json.loads(data))
        read = schemaless_reader(io.BytesIO(data), self.parsed, None)
        assert isinstance(read, dict)  # as the root is a record
        return read

    def check_successor(self, other: Definition) -> None:
        """Each must read what the other writes (page "Commit a schema revision").

        Raises Mismatch.
        """
        assert isinstance(other, AvroDefinition)
        avro_resolution.check(writer=self.root, reader=other.root)
        avro_resolution.check(writer=other.root, reader=self.root)


def compile(text: str) -> AvroDefinition:
    """Read a definition. Raises InvalidArgument, Unsupported."""
    named: NamedSchemas = {}
    try:
        declared = json.loads(text)
        if isinstance(declared, list):
            raise InvalidArgument(
                "Invalid schema definition: a schema has one top-level type, and no union of them."
            )
        parsed = parse_schema(declared, named)
        return AvroDefinition(_Tree(named).type(parsed), parsed)
    except (SchemaParseException, UnknownType, ValueError, TypeError, KeyError) as error:
        raise unreadable(f"{type(error).__name__}: {error}") from error
    except RecursionError as error:
        raise unreadable("It is nested too deeply.") from error


@dataclass
class _Tree:
    """Builds our types from what fastavro has read; `named` are its named ones."""

    named: NamedSchemas
    _built: dict[str, AType] = field(default_factory=dict)

    def type(self, parsed: Schema) -> AType:
        if isinstance(parsed, list):
            return self._union(parsed)
        if isinstance(parsed, str):
            return Primitive(parsed) if parsed in PRIMITIVES else self._named(parsed)
        kind = parsed["type"]
        if kind == "array":
            items = self.type(parsed["items"])
            if items.takes_no_bytes():
                # A message of ten bytes could say that it has a billion of them.
                raise Unsupported("an Avro array of items that take no bytes")
            return AnArray(items)
        if kind == "map":
            return Map(self.type(parsed["values"]))
        if "name" in parsed:
            return self._named(parsed["name"])
        return self.type(kind)

    def _union(self, parsed: list[Schema]) -> AUnion:
        branches = tuple(self.type(branch) for branch in parsed)
        names = [branch.name for branch in branches]
        if len(set(names)) != len(names) or "union" in names:
            raise ValueError(f"A union has each type once, and no union: {', '.join(names)}")
        return AUnion(branches)

    def _named(self, name: str) -> AType:
        if name in self._built:
            return self._built[name]
        parsed = self.named[name]
        match parsed["type"]:
            case "enum":
                default = parsed.get("default")
                built: AType = AnEnum(name, tuple(parsed["symbols"]), default)
            case "fixed":
                built = Fixed(name, int(parsed["size"]))
            case "record" | "error":
                return self._record(name, parsed)
            case other:
                raise ValueError(f"{other} is no type of a name")
        self._built[name] = built
        return built

    def _record(self, name: str, parsed: DictSchema) -> Record:
        record = Record(name)
        self._built[name] = record  # before its fields, which may be of this type
        for each in parsed["fields"]:
            if each["name"] in record.fields:
                raise ValueError(f"The record {name} has the field {each['name']} twice")
            its = Field(each["name"], self.type(each["type"]), "default" in each)
            record.fields[each["name"]] = its
        return record


__all__ = ["AvroDefinition", "Mismatch", "compile"]
