"""Avro -> a schema and rows (Loading Avro data, "Avro conversions" and "Logical types")."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import Invalid, NotSupported
from localgcp.bigquery.rows.described import check_columns, checked, decimal_type

_SCALARS = {"boolean": "BOOLEAN", "int": "INTEGER", "long": "INTEGER", "float": "FLOAT"} | {
    "double": "FLOAT",
    "bytes": "BYTES",
    "string": "STRING",
}
# What a logical type becomes if the client asks for that, and what it annotates.
_LOGICAL = {
    ("int", "date"): "DATE",
    ("int", "time-millis"): "TIME",
    ("long", "time-micros"): "TIME",
    ("long", "timestamp-millis"): "TIMESTAMP",
    ("long", "timestamp-micros"): "TIMESTAMP",
    ("long", "local-timestamp-millis"): "DATETIME",
    ("long", "local-timestamp-micros"): "DATETIME",
    ("string", "datetime"): "DATETIME",
}
_KINDS = ("record", "enum", "fixed")
Schema = str | list[Any] | dict[str, Any]


@dataclass(slots=True)
class AvroFile:
    """An Avro object container file.

    `logical` is the client's useAvroLogicalTypes: without it a moment is a number. `decimals` is
    its decimalTargetTypes.
    """

    data: bytes
    logical: bool = False
    decimals: tuple[str, ...] = ("NUMERIC",)
    read: int = 0
    bad: int = 0
    told: list[str] = field(default_factory=list)
    described: bool = True
    titled: bool = False

    def detect(self) -> tuple[Field, ...]:
        """The file's own columns. Raises Invalid, NotSupported."""
        return self._open()[0]

    def another(self, data: bytes) -> AvroFile:
        """The next file."""
        return replace(self, data=data, read=0, bad=0, told=[])

    def rows(
        self, fields: tuple[Field, ...], ignore_unknown: bool, max_bad: int
    ) -> Iterator[dict[str, Any]]:
        """All rows; a file that has a bad one is no such file. Raises Invalid and its kin."""
        found, records = self._open()
        check_columns(found, fields, ignore_unknown)
        names = {column.name.lower(): column.name for column in found}
        places = [(column, names.get(column.name.lower(), "")) for column in fields]
        known = {column.name: column for column in found}
        for record in records:
            self.read += 1
            yield {
                column.name: checked(column, _value(known[name], record[name]) if name else None)
                for column, name in places
            }

    def _open(self) -> tuple[tuple[Field, ...], Iterator[dict[str, Any]]]:
        """The columns, and the records that follow."""
        import fastavro

        try:
            blocks = fastavro.block_reader(io.BytesIO(self.data))
            text = blocks.metadata["avro.schema"]
        except (ValueError, KeyError, EOFError, OSError) as error:
            raise Invalid(f"Error while reading data, error message: {error}") from error
        schema = _Reading(self.logical, self.decimals).whole(json.loads(text))
        return schema[0], _records(blocks, schema[1])


def _records(blocks: Any, schema: Schema) -> Iterator[dict[str, Any]]:
    """Each record, read by the file's schema without the logical types that were not asked for."""
    import fastavro

    parsed = fastavro.parse_schema(schema)
    try:
        for block in blocks:
            for _ in range(block.num_records):
                yield fastavro.schemaless_reader(block.bytes_, parsed, None)  # type: ignore[misc]
    except (ValueError, EOFError, OSError, TypeError, IndexError) as error:
        raise Invalid(
            f"Error while reading data, error message: The Apache Avro library failed: {error}"
        ) from error


class _Reading:
    """Walks a schema: each type becomes a column, and loses what is not to be read as such."""

    def __init__(self, logical: bool, decimals: tuple[str, ...]) -> None:
        self._logical, self._decimals = logical, decimals
        self._named: dict[str, Field] = {}
        self._open: set[str] = set()

    def whole(self, schema: Schema) -> tuple[tuple[Field, ...], Schema]:
        """The columns of a file, and the schema to read it by. Raises Invalid, NotSupported."""
        if not isinstance(schema, dict) or schema.get("type") != "record":
            raise Invalid("The schema of an Avro file is a record of its columns", "media")
        column, plain = self._field("root", schema, schema.get("namespace", ""))
        return column.fields, plain

    def _field(self, name: str, schema: Schema, space: str) -> tuple[Field, Schema]:
        if isinstance(schema, list):
            return self._union(name, schema, space)
        if isinstance(schema, str):
            return self._of_name(name, schema, space), schema
        kind = schema["type"]
        if not isinstance(kind, str):  # {"type": {"type": ...}} is the inner one
            return self._field(name, kind, space)
        if kind in _KINDS:
            return self._defined(name, kind, schema, space)
        if kind == "array":
            inner, plain = self._field(name, schema["items"], space)
            if inner.repeated:
                raise NotSupported(f"the array of arrays {name} of an Avro file", "media")
            return replace(inner, mode="REPEATED"), {**schema, "items": plain}
        if kind == "map":
            value, plain = self._field("value", schema["values"], space)
            members = (Field("key", "STRING", "REQUIRED"), value)
            return Field(name, "RECORD", "REPEATED", fields=members), {**schema, "values": plain}
        found, kept = self._scalar(kind, schema)
        bare = {key: value for key, value in schema.items() if key != "logicalType"}
        plain = {**bare, "logicalType": schema["logicalType"]} if kept else bare
        return (
            Field(name, found, "REQUIRED") if found else self._of_name(name, kind, space)
        ), plain

    def _union(self, name: str, schema: list[Any], space: str) -> tuple[Field, Schema]:
        """One type, or it and null."""
        real = [each for each in schema if each != "null"]
        if len(real) != 1:
            raise NotSupported(f"the union {name} of {len(real)} types of an Avro file", "media")
        found, plain = self._field(name, real[0], space)
        mode = "NULLABLE" if len(schema) > 1 and not found.repeated else found.mode
        return replace(found, mode=mode), [each if each == "null" else plain for each in schema]

    def _of_name(self, name: str, kind: str, space: str) -> Field:
        if kind in _SCALARS:
            return Field(name, _SCALARS[kind], "REQUIRED")
        if kind == "null":
            raise NotSupported(f"the column {name} of nulls of an Avro file", "media")
        full = _full(kind, space)
        if full in self._open:
            raise NotSupported(f"the record {full} that holds itself", "media")
        if full not in self._named:
            raise Invalid(f"The Avro schema names {kind}, which it does not define", "media")
        return replace(self._named[full], name=name)

    def _defined(
        self, name: str, kind: str, schema: Mapping[str, Any], space: str
    ) -> tuple[Field, Schema]:
        space = schema.get("namespace", space)
        full = _full(schema["name"], space)
        plain = dict(schema)
        if kind == "record":
            self._open.add(full)
            members = []
            plain["fields"] = []
            for member in schema["fields"]:
                column, inner = self._field(member["name"], member["type"], space)
                members.append(replace(column, description=member.get("doc") or ""))
                bare = {key: value for key, value in member.items() if key != "default"}
                plain["fields"].append(bare | {"type": inner})
            self._open.discard(full)
            made = Field(name, "RECORD", "REQUIRED", fields=tuple(members))
        elif kind == "enum":
            made = Field(name, "STRING", "REQUIRED")
        else:
            found, kept = self._scalar("fixed", schema)
            made = Field(name, found or "BYTES", "REQUIRED")
            if not kept:
                plain.pop("logicalType", None)
        self._named[full] = made
        return made, plain

    def _scalar(self, kind: str, schema: Mapping[str, Any]) -> tuple[str | None, bool]:
        """The column's type, None for that of `kind` by name; whether its logical type is read."""
        logical = schema.get("logicalType")
        if logical == "decimal" and kind in ("bytes", "fixed"):
            precision, scale = int(schema["precision"]), int(schema.get("scale", 0))
            return decimal_type(precision, scale, self._decimals), True
        if self._logical and (kind, logical) in _LOGICAL:
            return _LOGICAL[kind, str(logical)], logical != "datetime"
        return None, False


def _full(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"


def _value(found: Field, value: Any) -> Any:
    """As the column holds it: a map is a list of its pairs, a DATETIME's text is a moment."""
    if value is None:
        return None
    if isinstance(value, dict) and found.repeated:
        value = [{"key": key, "value": each} for key, each in value.items()]
    if found.repeated:
        return [_single(found, each) for each in value]
    return _single(found, value)


def _single(found: Field, value: Any) -> Any:
    if value is None:
        return None
    if found.fields:
        return {member.name: _value(member, value[member.name]) for member in found.fields}
    if found.type == "DATETIME" and isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError as error:
            raise Invalid(f'Invalid datetime string "{value}"', found.name) from error
    if found.type == "STRING" and not isinstance(value, str):
        return str(value)  # a decimal that the client wants as text
    return value
