"""Avro's binary encoding, walked without keeping anything (Avro 1.11, "Binary Encoding")."""

from __future__ import annotations

from collections.abc import Iterator

from localgcp.pubsub.domain.schemas.avro_types import (
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

_FIXED_WIDTHS = {"null": 0, "float": 4, "double": 8}
_BITS = {"int": 32, "long": 64}


def check(type: AType, data: bytes) -> None:
    """Read a message by its type.

    Raises Mismatch unless `data` is one value of `type`, and nothing after it.
    """
    walk = _Walk(data)
    walk.value(type, 0)
    if walk.at != len(data):
        raise Mismatch("Too much data to parse for schema.")


class _Walk:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def value(self, type: AType, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Mismatch(f"The message is nested more than {MAX_DEPTH} deep.")
        match type:
            case Primitive() | AnEnum() | Fixed():
                self._leaf(type)
            case Record():
                for each in type.fields.values():
                    self.value(each.type, depth + 1)
            case AUnion():
                chosen = self._index(len(type.branches), "branches of a union")
                self.value(type.branches[chosen], depth + 1)
            case AnArray():
                for _ in self._blocks():
                    self.value(type.items, depth + 1)
            case Map():
                for _ in self._blocks():
                    self._primitive("string")
                    self.value(type.values, depth + 1)

    def _leaf(self, type: Primitive | AnEnum | Fixed) -> None:
        match type:
            case Primitive():
                self._primitive(type.name)
            case AnEnum():
                self._index(len(type.symbols), f"symbols of the enum {type.name}")
            case Fixed():
                self._skip(type.size)

    def _primitive(self, name: str) -> None:
        if name in _FIXED_WIDTHS:
            self._skip(_FIXED_WIDTHS[name])
        elif name in _BITS:
            self._integer(_BITS[name])
        elif name == "boolean":
            start = self.at
            self._skip(1)
            if self.data[start] > 1:
                raise Mismatch(f"A boolean has the byte {self.data[start]}.")
        else:
            length, start = self._integer(64), self.at
            self._skip(length)
            if name == "string":
                _check_utf8(self.data[start : start + length])

    def _blocks(self) -> Iterator[int]:
        """Yield once for each item; each takes a byte at least, so the data's end bounds them."""
        while count := self._integer(64):
            if count < 0:
                self._integer(64)  # the block's size in bytes, for those who skip it
                count = -count
            yield from range(count)

    def _index(self, size: int, of: str) -> int:
        index = self._integer(64)
        if not 0 <= index < size:
            raise Mismatch(f"{index} is none of the {size} {of}.")
        return index

    def _skip(self, count: int) -> None:
        if count < 0 or self.at + count > len(self.data):
            raise Mismatch("Not enough data to parse for schema.")
        self.at += count

    def _integer(self, bits: int) -> int:
        shift = number = 0
        while True:
            start = self.at
            self._skip(1)
            byte = self.data[start]
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift > 63:
                raise Mismatch("An integer has more than ten bytes.")
        if number >= 1 << bits:
            raise Mismatch(f"An integer has more than {bits} bits.")
        return (number >> 1) ^ -(number & 1)


def _check_utf8(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise Mismatch(f"A string is no UTF-8: {error.reason}.") from error
