"""A table's schema, in its three tongues: BigQuery's JSON, DuckDB's DDL and Arrow's types."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog import bignumeric, parameterized
from localgcp.bigquery.errors import BadValue, MissingField, NotSupported

if TYPE_CHECKING:
    import pyarrow as pa

MODES = ("NULLABLE", "REQUIRED", "REPEATED")
MAX_DEPTH = 15  # BigQuery nests records this deep, no deeper (Quotas, "Tables")

# GoogleSQL's name -> the name that the API answers with (TableFieldSchema.type).
ALIASES = {
    "INT64": "INTEGER",
    "FLOAT64": "FLOAT",
    "BOOL": "BOOLEAN",
    "STRUCT": "RECORD",
}
# The API's name -> the DuckDB type.
DUCKDB_TYPES = {
    "STRING": "VARCHAR",
    "BYTES": "BLOB",
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "NUMERIC": "DECIMAL(38,9)",
    "BIGNUMERIC": "BLOB",  # see `bignumeric`
    "BOOLEAN": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMPTZ",
    "DATE": "DATE",
    "TIME": "TIME",
    "DATETIME": "TIMESTAMP",
    "JSON": "JSON",
    # As the text that BigQuery shows; DuckDB can't reckon with it, the reference evaluator does.
    "INTERVAL": "VARCHAR",
    "RANGE": "VARCHAR",
}
# Schemas, "Column names": prefixes that no column's name has.
RESERVED = ("_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER")
# Schemas, "Flexible column names": letters, marks and numbers of any tongue, connectors, dashes.
NAMED_BY = ("L", "M", "N", "Pc", "Pd")
NAMED_BY_TOO = frozenset("&%=+:'<>#|\t ")
MAX_NAME = 300
AS_TEXT = ("INTERVAL", "RANGE")
COLLATIONS = ("", "und:ci")  # Collation concepts: BigQuery has no other
RANGE_ELEMENTS = ("DATE", "DATETIME", "TIMESTAMP")
# Known to BigQuery and refused when they say something, so that nothing is silently dropped.
REFUSED = (
    "policyTags",
    "dataPolicies",
    "defaultValueExpression",
    "foreignTypeDefinition",
    "timestampPrecision",
)
KNOWN = {"name", "type", "mode", "description", "fields", "rangeElementType", *REFUSED} | {
    *("maxLength", "precision", "scale", "collation"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One column, or one member of a RECORD. `type` is the API's name (INTEGER, not INT64).

    `element` is what a RANGE has bounds of. `length` is that of a STRING(L) or BYTES(L), and
    `precision` and `scale` are those of a NUMERIC(P, S). `collation` is that of a STRING.
    """

    name: str
    type: str
    mode: str = "NULLABLE"
    description: str = ""
    fields: tuple[Field, ...] = ()
    element: str = ""
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    collation: str = ""

    @property
    def collated(self) -> bool:
        """Whether it, or a member of it, compares by a collation."""
        return bool(self.collation) or any(field.collated for field in self.fields)

    @property
    def required(self) -> bool:
        """Whether every row needs a value."""
        return self.mode == "REQUIRED"

    @property
    def repeated(self) -> bool:
        """Whether it holds an array."""
        return self.mode == "REPEATED"


def field_of(kept: Mapping[str, Any]) -> Field:
    """A field as `dataclasses.asdict` wrote it."""
    return Field(**{**kept, "fields": tuple(field_of(member) for member in kept["fields"])})


def quoted(name: str) -> str:
    """A DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def parse_schema(resource: Mapping[str, Any]) -> tuple[Field, ...]:
    """Read TableSchema ({"fields": [...]}). Raises MissingField, BadValue, NotSupported."""
    if resource.get("foreignTypeInfo"):
        raise NotSupported("foreignTypeInfo of a schema", "schema.foreignTypeInfo")
    return _parse_fields(resource.get("fields") or [], "schema.fields", depth=1)


def _parse_fields(fields: Iterable[Any], path: str, depth: int) -> tuple[Field, ...]:
    if depth > MAX_DEPTH:
        raise BadValue(path, depth, f"records nest at most {MAX_DEPTH} deep")
    parsed = tuple(_parse_field(f, f"{path}[{i}]", depth) for i, f in enumerate(fields))
    seen: set[str] = set()
    for field in parsed:
        if field.name.lower() in seen:
            raise BadValue(path, field.name, "duplicate field name")
        seen.add(field.name.lower())
    return parsed


def _parse_field(resource: Any, path: str, depth: int) -> Field:
    if not isinstance(resource, dict):
        raise BadValue(path, resource, "a field is an object")
    for key in resource:
        if key not in KNOWN:
            raise BadValue(f"{path}.{key}", resource[key], "no such property of a field")
    name = resource.get("name")
    if not name:
        raise MissingField(f"{path}.name")
    _check_name(name, path)
    _refuse(resource, f"{path} ({name})")
    kind = str(resource.get("type") or "").upper()
    if not kind:
        raise MissingField(f"{path}.type")
    kind = ALIASES.get(kind, kind)
    if kind == "GEOGRAPHY":
        raise NotSupported(f"type {kind} of field {name}", f"{path}.type")
    if kind not in DUCKDB_TYPES and kind != "RECORD":
        raise BadValue(f"{path}.type", resource["type"], f"field {name} has no such type")
    mode = str(resource.get("mode") or "NULLABLE").upper()
    if mode not in MODES:
        raise BadValue(f"{path}.mode", resource["mode"], f"field {name} has no such mode")
    inner = _parse_fields(resource.get("fields") or [], f"{path}.fields", depth + 1)
    if bool(inner) != (kind == "RECORD"):
        raise BadValue(f"{path}.fields", len(inner), f"a RECORD, and no other, has fields ({name})")
    element = _range_element(resource, kind, f"{path}.rangeElementType")
    length, precision, scale = parameterized.parse(resource, name, kind, path)
    description = resource.get("description") or ""
    within = depth > 1 or mode == "REPEATED"
    collation = _collation(resource, kind, within, f"{path}.collation")
    limits = (length, precision, scale)
    return Field(name, kind, mode, description, inner, element, *limits, collation)


def _collation(resource: Mapping[str, Any], kind: str, within: bool, path: str) -> str:
    collation = str(resource.get("collation") or "")
    if collation not in COLLATIONS or (collation and kind != "STRING"):
        raise BadValue(path, collation, "a STRING, and no other, has one of 'und:ci' and ''")
    if collation and within:
        raise NotSupported("a collation within a RECORD or an array", path)
    return collation


def _range_element(resource: Mapping[str, Any], kind: str, path: str) -> str:
    element = str((resource.get("rangeElementType") or {}).get("type") or "").upper()
    if bool(element) != (kind == "RANGE") or (element and element not in RANGE_ELEMENTS):
        raise BadValue(path, element, f"a RANGE, and no other, has one of {RANGE_ELEMENTS}")
    return element


def _check_name(name: str, path: str) -> None:
    if any(name.upper().startswith(prefix) for prefix in RESERVED):
        why = f"no name of a field begins with one of {', '.join(RESERVED)}"
        raise BadValue(f"{path}.name", name, why)
    if len(name) > MAX_NAME:
        raise BadValue(f"{path}.name", name, f"at most {MAX_NAME} characters")
    for each in name:
        if each not in NAMED_BY_TOO and not unicodedata.category(each).startswith(NAMED_BY):
            raise BadValue(f"{path}.name", name, f"no name of a field has the character {each!r}")


def _refuse(resource: Mapping[str, Any], path: str) -> None:
    for key in REFUSED:
        value = resource.get(key)
        if value and value != {"names": []}:  # bq sends an empty list of policy tags
            raise NotSupported(f"{key} of a field", f"{path}.{key}")


def to_resource(fields: Iterable[Field]) -> list[dict[str, Any]]:
    """TableFieldSchema, as the API shows it."""
    return [_field_resource(field) for field in fields]


def _field_resource(field: Field) -> dict[str, Any]:
    resource: dict[str, Any] = {"name": field.name, "type": field.type, "mode": field.mode}
    if field.description:
        resource["description"] = field.description
    if field.fields:
        resource["fields"] = to_resource(field.fields)
    if field.element:
        resource["rangeElementType"] = {"type": field.element}
    if field.collation:
        resource["collation"] = field.collation
    limits = {"maxLength": field.length, "precision": field.precision, "scale": field.scale}
    return resource | {key: str(value) for key, value in limits.items() if value is not None}


def duckdb_type(field: Field) -> str:
    """The DuckDB type of a column, its mode REPEATED included."""
    if field.type == "RECORD":
        inner = ", ".join(f"{quoted(f.name)} {duckdb_type(f)}" for f in field.fields)
        name = f"STRUCT({inner})"
    elif field.precision is not None:
        name = f"DECIMAL({field.precision}, {field.scale or 0})"
    else:
        name = DUCKDB_TYPES[field.type]
    return f"{name}[]" if field.repeated else name


def column_ddl(field: Field) -> str:
    """`"name" TYPE [NOT NULL] [CHECK ...]`. Only what is at the top is constrained in DuckDB."""
    name = quoted(field.name)
    check = "" if field.repeated else parameterized.check(name, field.type, field.length)
    return f"{name} {duckdb_type(field)}{' NOT NULL' if field.required else ''}{check}"


def arrow_type(field: Field) -> pa.DataType:
    """The Arrow type whose values DuckDB takes for this column without a cast."""
    import pyarrow as pa

    scalar: dict[str, pa.DataType] = {
        "STRING": pa.string(),
        "BYTES": pa.binary(),
        "INTEGER": pa.int64(),
        "FLOAT": pa.float64(),
        "NUMERIC": pa.decimal128(38, 9),
        "BIGNUMERIC": pa.binary(bignumeric.WIDTH),
        "BOOLEAN": pa.bool_(),
        "TIMESTAMP": pa.timestamp("us", tz="UTC"),
        "DATE": pa.date32(),
        "TIME": pa.time64("us"),
        "DATETIME": pa.timestamp("us"),
        "JSON": pa.string(),
        "INTERVAL": pa.string(),
        "RANGE": pa.string(),
    }
    if field.type == "RECORD":
        kind = pa.struct([pa.field(f.name, arrow_type(f)) for f in field.fields])
    else:
        kind = scalar[field.type]
    return pa.list_(kind) if field.repeated else kind


# DuckDB's type id -> the API's name, for the columns of a query's result.
RESULT_TYPES = {
    "varchar": "STRING",
    "blob": "BYTES",
    "boolean": "BOOLEAN",
    "double": "FLOAT",
    "float": "FLOAT",
    "timestamp with time zone": "TIMESTAMP",
    "timestamp": "DATETIME",
    "date": "DATE",
    "time": "TIME",
    **dict.fromkeys(
        (
            "tinyint",
            "smallint",
            "integer",
            "bigint",
            "hugeint",
            "utinyint",
            "usmallint",
            "uinteger",
        ),
        "INTEGER",
    ),
}


def result_field(name: str, kind: Any) -> Field:
    """The BigQuery column for a DuckDB type (`duckdb.DuckDBPyType`). Raises NotSupported."""
    if kind.id == "list":
        inner = result_field(name, kind.children[0][1])
        if inner.repeated:
            raise NotSupported(f"an array of arrays in column {name}")
        return replace(inner, mode="REPEATED")
    if kind.id == "struct":
        members = tuple(result_field(*child) for child in kind.children)
        return Field(name, "RECORD", fields=members)
    if kind.id == "decimal":
        return Field(name, "NUMERIC")
    if str(kind) == "JSON":
        return Field(name, "JSON")
    if str(kind) == '"NULL"':  # BigQuery types a bare NULL as INT64
        return Field(name, "INTEGER")
    if kind.id not in RESULT_TYPES:
        raise NotSupported(f"type {kind} of column {name}")
    return Field(name, RESULT_TYPES[kind.id])
