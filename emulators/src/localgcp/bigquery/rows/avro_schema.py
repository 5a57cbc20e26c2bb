"""BigQuery's columns as an Avro schema, and their values as fastavro writes them.

Sources: Exporting table data, "Avro export details"; the Storage Read API, "Avro schema details".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog import bignumeric
from localgcp.bigquery.catalog.schema import AS_TEXT, Field
from localgcp.bigquery.errors import NotSupported

if TYPE_CHECKING:
    import pyarrow as pa

Schema = str | list[Any] | dict[str, Any]

_PLAIN: dict[str, Schema] = {
    "STRING": "string",
    "BYTES": "bytes",
    "INTEGER": "long",
    "FLOAT": "double",
    "BOOLEAN": "boolean",
    "JSON": {"type": "string", "sqlType": "JSON"},
    "TIMESTAMP": {"type": "long", "logicalType": "timestamp-micros"},
    "NUMERIC": {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9},
    "BIGNUMERIC": {"type": "bytes", "logicalType": "decimal", "precision": 77, "scale": 38},
}
_LOGICAL: dict[str, Schema] = {
    "DATE": {"type": "int", "logicalType": "date"},
    "TIME": {"type": "long", "logicalType": "time-micros"},
    "DATETIME": {"type": "string", "logicalType": "datetime"},
}


def schema_of(fields: tuple[Field, ...], logical: bool, name: str = "Root") -> dict[str, Any]:
    """A record of the columns; without `logical` a day or a time is text (useAvroLogicalTypes)."""
    return _record(name, "", fields, logical)


def check_types(fields: tuple[Field, ...], where: str) -> None:
    """Look whether each column has a form there.

    Raises NotSupported for a column that has no form in Avro or in the Read API's Arrow.
    """
    for column in fields:
        if column.type in AS_TEXT:
            raise NotSupported(f"column {column.name} of type {column.type} in {where}")
        check_types(column.fields, where)


def _record(name: str, space: str, fields: tuple[Field, ...], logical: bool) -> dict[str, Any]:
    inner = f"{space}.{name}" if space else name
    members = []
    for column in fields:
        member: dict[str, Any] = {"name": column.name, "type": _type(column, inner, logical)}
        if column.description:
            member["doc"] = column.description
        members.append(member)
    record: dict[str, Any] = {"type": "record", "name": name, "fields": members}
    return record | ({"namespace": space} if space else {})


def _type(column: Field, space: str, logical: bool) -> Schema:
    kind: Schema
    if column.fields:
        kind = _record(column.name.capitalize(), space.lower(), column.fields, logical)
    elif column.type in _LOGICAL:
        kind = _LOGICAL[column.type] if logical else {"type": "string", "sqlType": column.type}
    else:
        kind = _PLAIN[column.type]
    if column.repeated:
        return {"type": "array", "items": kind}
    return kind if column.required else ["null", kind]


def records(
    fields: tuple[Field, ...], rows: pa.Table | pa.RecordBatch, logical: bool
) -> Iterator[dict[str, Any]]:
    """The rows, each value as its Avro type takes it."""
    names = [column.name for column in fields]
    columns = [
        _values(column, values.to_pylist(), logical)
        for column, values in zip(fields, rows.columns, strict=True)
    ]
    for row in zip(*columns, strict=True) if columns else ({} for _ in range(rows.num_rows)):
        yield dict(zip(names, row, strict=True))


def _values(column: Field, values: Iterable[Any], logical: bool) -> list[Any]:
    if column.repeated:
        return [[_value(column, item, logical) for item in value or ()] for value in values]
    return [None if value is None else _value(column, value, logical) for value in values]


def _value(column: Field, value: Any, logical: bool) -> Any:
    if column.fields:
        return {
            member.name: _values(member, [value[member.name]], logical)[0]
            for member in column.fields
        }
    if column.type == "DATETIME" or (not logical and column.type in ("DATE", "TIME")):
        return value.isoformat()
    if column.type == "BIGNUMERIC" and isinstance(value, bytes):  # as rows are held
        return bignumeric.unpacked(value)
    return value
