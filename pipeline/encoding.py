"""3 · A row comes in; it leaves as the protocol buffer message that its table's schema makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from google.cloud.bigquery_storage_v1 import types
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import EncodeError, Message

from pipeline.columns import carries
from pipeline.record import Row

_Field = descriptor_pb2.FieldDescriptorProto
_Type, _Mode = types.TableFieldSchema.Type, types.TableFieldSchema.Mode
_EPOCH, _DAY_ONE = datetime(1970, 1, 1, tzinfo=UTC), date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_LABELS = {_Mode.REQUIRED: _Field.LABEL_REQUIRED, _Mode.REPEATED: _Field.LABEL_REPEATED}


def _micros(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND


def _days(text: str) -> int:
    return date.fromisoformat(text).toordinal() - _DAY_ONE


class _Scalar(NamedTuple):
    proto: Any  # FieldDescriptorProto.Type, which is an int to some versions' stubs
    convert: Callable[[Any], Any] | None = None


# The kinds of column that event types have, as "Supported data types" of the Storage Write API
# maps them.
_SCALARS = {
    _Type.STRING: _Scalar(_Field.TYPE_STRING),
    _Type.JSON: _Scalar(_Field.TYPE_STRING),
    _Type.INT64: _Scalar(_Field.TYPE_INT64),
    _Type.DOUBLE: _Scalar(_Field.TYPE_DOUBLE),
    _Type.BOOL: _Scalar(_Field.TYPE_BOOL),
    _Type.TIMESTAMP: _Scalar(_Field.TYPE_INT64, _micros),
    _Type.DATE: _Scalar(_Field.TYPE_INT32, _days),
}


class Unfit(ValueError):
    """A row that its table can't take as it is."""

    def __init__(self, why: str, columns: Iterable[str] = ()) -> None:
        self.columns = tuple(columns)
        super().__init__(why)


class Encoder:
    """Encodes rows by a table's schema; columns of kinds that no event type has are left out."""

    def __init__(self, schema: types.TableSchema) -> None:
        self._fields = _known(schema.fields)
        self.descriptor = _described("Row", schema.fields)
        """What the API is told of the rows: self-contained, nested types inside."""
        self._message = _message_class(self.descriptor)

    def same(self, other: Encoder) -> bool:
        """Whether both write the same messages."""
        return bool(self.descriptor == other.descriptor)

    def encode(self, row: Row) -> bytes:
        """Serialize a row; what is at its default may have no column.

        Raises Unfit, with the columns that the table lacks if that is all that is wrong.
        """
        absent: list[str] = []
        values = _converted(row.values, self._fields, "", absent)
        needed = [path for path in dict.fromkeys(absent) if carries(row, path)]
        if needed:
            raise Unfit(f"no such field: {', '.join(needed)}", needed)
        try:
            message = self._message(**values)
        except (TypeError, ValueError) as error:
            raise Unfit(f"it does not fit its table: {error}") from error
        try:
            return bytes(message.SerializeToString())
        except EncodeError as error:
            raise Unfit(f"it does not fit its table: {error}") from error


def _known(fields: Iterable[types.TableFieldSchema]) -> dict[str, Any]:
    """By name: the fields of a record, or what turns a scalar's JSON into the message's value."""
    known: dict[str, Any] = {}
    for field in fields:
        if field.type_ == _Type.STRUCT:
            known[field.name] = _known(field.fields)
        elif field.type_ in _SCALARS:
            known[field.name] = _SCALARS[field.type_].convert
        else:
            known[field.name] = _refusal(field.type_.name)
    return known


def _refusal(kind: str) -> Callable[[Any], Any]:
    def refuse(value: Any) -> Any:
        raise ValueError(f"its column is {kind}, which no event type has")

    return refuse


def _converted(
    values: dict[str, Any], fields: dict[str, Any], path: str, absent: list[str]
) -> dict[str, Any]:
    """A record's values for its message; names in `absent` those that have no field."""
    converted = {}
    for name, value in values.items():
        if name not in fields:
            absent.append(path + name)
        elif value is not None:
            converted[name] = _value(value, fields[name], path + name, absent)
    return converted


def _value(value: Any, field: Any, path: str, absent: list[str]) -> Any:
    if isinstance(value, list):
        return [_value(item, field, path, absent) for item in value]
    if isinstance(field, dict):
        if not isinstance(value, dict):
            raise Unfit(f"{path}: {value!r} is not a record")
        return _converted(value, field, f"{path}.", absent)
    if field is None:
        return value
    try:
        return field(value)
    except (TypeError, ValueError) as error:
        raise Unfit(f"{path}: {error}") from error


def _described(
    name: str, fields: Iterable[types.TableFieldSchema]
) -> descriptor_pb2.DescriptorProto:
    described = descriptor_pb2.DescriptorProto(name=name)
    for number, column in enumerate(fields, start=1):
        label = _LABELS.get(column.mode, _Field.LABEL_OPTIONAL)
        field = _Field(name=column.name, number=number, label=label)
        if column.type_ == _Type.STRUCT:
            inner = f"{column.name.capitalize()}Record"
            described.nested_type.append(_described(inner, column.fields))
            field.type, field.type_name = _Field.TYPE_MESSAGE, inner
        elif column.type_ in _SCALARS:
            field.type = _SCALARS[column.type_].proto
        else:
            continue
        described.field.append(field)
    return described


def _message_class(descriptor: descriptor_pb2.DescriptorProto) -> type[Message]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(descriptor_pb2.FileDescriptorProto(name="row.proto", message_type=[descriptor]))
    found: type[Message] = message_factory.GetMessageClass(pool.FindMessageTypeByName("Row"))
    return found
