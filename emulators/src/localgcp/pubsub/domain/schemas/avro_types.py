"""Avro's types, as plain data (Avro 1.11 specification, "Schema Declaration")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PRIMITIVES = frozenset(("null", "boolean", "int", "long", "float", "double", "bytes", "string"))

MAX_DEPTH = 200
"""How deeply a message may be nested; below what Python's own stack takes."""


@dataclass(frozen=True)
class Primitive:
    """One of the eight; `name` says which."""

    name: str

    def takes_no_bytes(self) -> bool:
        """Whether a value of it has no bytes at all."""
        return self.name == "null"


@dataclass(frozen=True)
class Fixed:
    """So many bytes."""

    name: str
    size: int

    def takes_no_bytes(self) -> bool:
        """Whether a value of it has no bytes at all."""
        return self.size == 0


@dataclass(frozen=True)
class AnEnum:
    """One of some symbols; a reader takes `default` for one that it does not know."""

    name: str
    symbols: tuple[str, ...]
    default: str | None = None

    def takes_no_bytes(self) -> bool:
        """It has the symbol's number."""
        return False


@dataclass(frozen=True)
class AnArray:
    """Any number of items."""

    items: AType
    name: str = "array"

    def takes_no_bytes(self) -> bool:
        """It has its end."""
        return False


@dataclass(frozen=True)
class Map:
    """Values by keys, which are strings."""

    values: AType
    name: str = "map"

    def takes_no_bytes(self) -> bool:
        """It has its end."""
        return False


@dataclass(frozen=True)
class AUnion:
    """A value of any of these types."""

    branches: tuple[AType, ...]
    name: str = "union"

    def takes_no_bytes(self) -> bool:
        """It has the branch's number."""
        return False


@dataclass(frozen=True)
class Field:
    """A field of a record."""

    name: str
    type: AType
    has_default: bool


@dataclass(eq=False)
class Record:
    """A record; a field of it may be of this type again, so it is compared by identity."""

    name: str
    fields: dict[str, Field] = field(default_factory=dict)

    def takes_no_bytes(self) -> bool:
        """Whether none of its fields takes any; one that holds itself directly can't be written."""
        return all(each.type is not self and each.type.takes_no_bytes() for each in self.shown())

    def shown(self) -> tuple[Field, ...]:
        """The fields in their order."""
        return tuple(self.fields.values())


AType = Primitive | Fixed | AnEnum | AnArray | Map | AUnion | Record

JSON_TYPES: Mapping[str, str] = {
    "null": "null",
    "boolean": "boolean",
    "int": "number_integer",
    "long": "number_integer",
    "float": "number_float",
    "double": "number_float",
    "bytes": "string",
    "string": "string",
}
"""What each primitive is in JSON, in the service's words for it."""
