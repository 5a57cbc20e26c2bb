"""Rows as serialized protobuf messages, by the schema that their writer sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import Invalid, NotSupported
from localgcp.bigquery.rows.reader import RowError
from localgcp.bigquery.streams.faults import ExtraFields, RowFault, RowFaults
from localgcp.bigquery.streams.proto_values import Convert, converter

_KNOWN_FILES = ("google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto")
_GOOGLE = "google.protobuf."
_CDC = ("_change_type", "_change_sequence_number")
Read = Callable[[Message, str], Any]


@lru_cache(maxsize=256)
def message_class(schema: bytes) -> type[Message]:
    """The class of a serialized DescriptorProto. Raises Invalid."""
    from google.protobuf import timestamp_pb2, wrappers_pb2

    root = descriptor_pb2.DescriptorProto()
    try:
        root.ParseFromString(schema)
    except DecodeError as error:
        raise Invalid(f"Invalid proto schema: {error}", "writer_schema") from error
    _rename(root, root, root.name)
    file = descriptor_pb2.FileDescriptorProto(name="writer.proto", message_type=[root])
    file.dependency.extend(_KNOWN_FILES)
    pool = descriptor_pool.DescriptorPool()
    for known in (timestamp_pb2, wrappers_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    try:
        pool.Add(file)
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(root.name))
    except (TypeError, KeyError) as error:
        raise Invalid(f"Invalid proto schema: {error}", "writer_schema") from error


def _rename(
    message: descriptor_pb2.DescriptorProto, root: descriptor_pb2.DescriptorProto, path: str
) -> None:
    """Types of the writer's package are found where they are: within the message itself."""
    for field in message.field:
        if field.type_name and not field.type_name.lstrip(".").startswith(_GOOGLE):
            parts = field.type_name.lstrip(".").split(".")
            place = parts.index(root.name) if root.name in parts else None
            if place is not None:
                field.type_name = "." + ".".join(parts[place:])
    for nested in message.nested_type:
        _rename(nested, root, f"{path}.{nested.name}")


def read_rows(
    schema: bytes, rows: Sequence[bytes], fields: tuple[Field, ...], table: str
) -> list[dict[str, Any]]:
    """The rows' values by column. Raises Invalid, ExtraFields, RowFaults."""
    cls = message_class(schema)
    readers = _reader(cls.DESCRIPTOR, fields, table, "")
    good, faults = [], []
    for index, row in enumerate(rows):
        message = cls()
        try:
            message.ParseFromString(row)
            good.append({name: read(message, name) for name, read in readers})
        except RowError as error:
            faults.append(RowFault(index, error.message))
        except DecodeError as error:
            raise Invalid(f"Row {index} is no message of the writer's schema: {error}") from error
    if faults:
        raise RowFaults(faults)
    return good


def _reader(
    descriptor: Any, fields: Iterable[Field], table: str, path: str
) -> list[tuple[str, Read]]:
    """For each column, what reads it of a message."""
    named = {field.name.lower(): field for field in descriptor.fields}
    readers = []
    for column in fields:
        found = named.pop(column.name.lower(), None)
        readers.append((column.name, _member(found, column, table, f"{path}{column.name}")))
    for name, extra in named.items():
        if name in _CDC:
            raise NotSupported(f"change data capture ({extra.name}) of the Storage Write API")
        raise ExtraFields(table, f"{path}{extra.name}")
    return readers


def _member(found: FieldDescriptor | None, column: Field, table: str, path: str) -> Read:
    if found is None:
        return _absent(column, path)
    if found.is_repeated != column.repeated:
        raise _mismatch(found, column, path)
    value = _value(found, column, table, path)
    name = found.name
    if column.repeated:
        return lambda message, _: [value(item, path) for item in getattr(message, name)]
    if not found.has_presence:
        return lambda message, _: value(getattr(message, name), path)
    absent = _absent(column, path)

    def read(message: Message, _: str) -> Any:
        if message.HasField(name):
            return value(getattr(message, name), path)
        return absent(message, path)

    return read


def _absent(column: Field, path: str) -> Read:
    """NULL, or that there has to be a value."""

    def read(message: Message, _: str) -> Any:
        if column.required:
            raise RowError(path, f"Field {path}: is required but not set.")
        return [] if column.repeated else None

    return read


def _value(found: FieldDescriptor, column: Field, table: str, path: str) -> Convert:
    if found.message_type is not None:
        return _message(found, column, table, path)
    convert = converter(column, found.type)
    if column.type == "STRING" and found.enum_type is not None:
        names = found.enum_type.values_by_number
        convert = lambda value, _: names[value].name  # noqa: E731
    if convert is None:
        raise _mismatch(found, column, path)
    return convert


def _message(found: FieldDescriptor, column: Field, table: str, path: str) -> Convert:
    """A RECORD, or one of Google's messages that stand for a single value."""
    kind: Any = found.message_type
    full = kind.full_name
    if full == f"{_GOOGLE}Timestamp" and column.type == "TIMESTAMP":
        micros = converter(column, FieldDescriptor.TYPE_INT64)
        assert micros is not None
        return lambda value, _: micros(value.seconds * 1_000_000 + value.nanos // 1000, path)
    if full.startswith(_GOOGLE) and full.endswith("Value"):
        inner = _value(kind.fields_by_name["value"], column, table, path)
        return lambda value, _: inner(value.value, path)
    if column.type != "RECORD":
        raise _mismatch(found, column, path)
    readers = _reader(kind, column.fields, table, f"{path}.")
    return lambda value, _: {name: read(value, name) for name, read in readers}


def _mismatch(found: FieldDescriptor, column: Field, path: str) -> Invalid:
    names = (name for name in dir(FieldDescriptor) if name.startswith("TYPE_"))
    name = next(name for name in names if getattr(FieldDescriptor, name) == found.type)
    kind = name.removeprefix("TYPE_").lower()
    repeated = "repeated " if found.is_repeated else ""
    return Invalid(
        f"The proto field mismatched with BigQuery field at {path}, the proto field type"
        f" {repeated}{kind}, BigQuery field type {column.mode} {column.type}"
    )
