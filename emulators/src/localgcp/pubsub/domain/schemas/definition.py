"""What all definitions have in common, whatever language they are written in.

Pages "Schema overview" and "Commit a schema revision"; API reference: Schema, Encoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Protocol, TypeAlias

from localgcp.pubsub.domain.config import Encoding
from localgcp.pubsub.errors import InvalidArgument, Mismatch

MAX_DEFINITION_BYTES = 300_000
KEPT_COMPILED = 256


Values: TypeAlias = dict[str, object]


class Language(Enum):
    """What a definition is written in; the names are the API's."""

    PROTOCOL_BUFFER = 1
    AVRO = 2


@dataclass(frozen=True)
class Source:
    """A definition as it came: its text, or a compiled FileDescriptorSet and its root message."""

    language: Language
    text: str = ""
    compiled: bytes = b""
    root: str = ""


class Definition(Protocol):
    """A definition that was read and found good."""

    def check(self, data: bytes, encoding: Encoding) -> None:
        """Hold a message against it. Raises Mismatch, saying what is wrong."""

    def values(self, data: bytes, encoding: Encoding) -> Values:
        """What a message that was checked says, by the names of its fields.

        Bytes stay bytes, times of Avro's logical types are datetimes, decimals are decimals.
        Raises Mismatch where the definition is of no record.
        """

    def check_successor(self, other: Definition) -> None:
        """Whether `other` may be the revision after this one. Raises Mismatch."""


def compile(source: Source) -> Definition:
    """Read a definition; one that was read lately is not read again. Raises InvalidArgument."""
    size = len(source.text.encode()) + len(source.compiled)
    if size > MAX_DEFINITION_BYTES:
        raise InvalidArgument(
            f"Invalid schema definition: it has {size} bytes, more than {MAX_DEFINITION_BYTES}."
        )
    return _compiled(source)


@lru_cache(KEPT_COMPILED)
def _compiled(source: Source) -> Definition:
    # Each language's library is loaded by the first definition in it: a start waits for neither.
    if source.language is Language.AVRO:
        from localgcp.pubsub.domain.schemas import avro

        return avro.compile(source.text)
    from localgcp.pubsub.domain.schemas import protobuf

    if source.root:
        return protobuf.load(source.compiled, source.root)
    return protobuf.compile(source.text)


def unreadable(why: str) -> InvalidArgument:
    """The service's words for a definition that can't be read, and what is wrong with it."""
    return InvalidArgument(f"Invalid schema definition: Could not parse schema. {why}")


__all__ = ["Definition", "Encoding", "Language", "Mismatch", "Source", "compile", "unreadable"]
