"""Whether one Avro type can read what another has written (Avro 1.11, "Schema Resolution")."""

from __future__ import annotations

from localgcp.pubsub.domain.schemas.avro_types import (
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

_PROMOTED = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}


Pair = tuple[int, int]


def check(writer: AType, reader: AType) -> None:
    """Compare what is written with what can be read.

    Raises Mismatch naming what `reader` can't read of what `writer` writes.
    """
    _resolve(writer, reader, {})


def _resolve(writer: AType, reader: AType, known: dict[Pair, str]) -> None:
    """`known` are the records met already, each with why it can't be read, or ""."""
    if isinstance(writer, AUnion):
        for branch in writer.branches:
            _resolve(branch, reader, known)
    elif isinstance(reader, AUnion):
        if not any(_resolves(writer, branch, known) for branch in reader.branches):
            raise Mismatch(f"{writer.name} is in no branch of the union that reads it.")
    else:
        _of_one_kind(writer, reader, known)


def _of_one_kind(writer: AType, reader: AType, known: dict[Pair, str]) -> None:
    match writer, reader:
        case Record(), Record():
            _records(writer, reader, known)
        case AnArray(), AnArray():
            _resolve(writer.items, reader.items, known)
        case Map(), Map():
            _resolve(writer.values, reader.values, known)
        case _:
            _leaves(writer, reader)


def _leaves(writer: AType, reader: AType) -> None:
    match writer, reader:
        case Primitive(), Primitive():
            if reader.name not in (writer.name, *_PROMOTED.get(writer.name, ())):
                raise Mismatch(f"{reader.name} can't read {writer.name}.")
        case AnEnum(), AnEnum():
            _same_name(writer, reader)
            unknown = [symbol for symbol in writer.symbols if symbol not in reader.symbols]
            if unknown and reader.default is None:
                raise Mismatch(f"The enum {reader.name} lacks the symbol {unknown[0]}.")
        case Fixed(), Fixed():
            _same_name(writer, reader)
            if writer.size != reader.size:
                raise Mismatch(f"{reader.name} has {reader.size} bytes, and not {writer.size}.")
        case _:
            raise Mismatch(f"{reader.name} can't read {writer.name}.")


def _resolves(writer: AType, reader: AType, known: dict[Pair, str]) -> bool:
    try:
        _resolve(writer, reader, known)
    except Mismatch:
        return False
    return True


def _records(writer: Record, reader: Record, known: dict[Pair, str]) -> None:
    pair = id(writer), id(reader)
    if pair not in known:
        known[pair] = ""  # as long as nothing speaks against it: it may hold itself
        try:
            _fields(writer, reader, known)
        except Mismatch as error:
            known[pair] = str(error)
    if known[pair]:
        raise Mismatch(known[pair])


def _fields(writer: Record, reader: Record, known: dict[Pair, str]) -> None:
    _same_name(writer, reader)
    for name, each in reader.fields.items():
        if name in writer.fields:
            _resolve(writer.fields[name].type, each.type, known)
        elif not each.has_default:
            raise Mismatch(
                f'The field "{name}" of the record {reader.name} has no default, and is not in '
                "the other revision."
            )


def _same_name(writer: AType, reader: AType) -> None:
    if writer.name.rpartition(".")[2] != reader.name.rpartition(".")[2]:
        raise Mismatch(f"{reader.name} can't read {writer.name}.")
