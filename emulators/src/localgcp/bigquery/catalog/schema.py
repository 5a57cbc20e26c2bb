"""A table's schema, in its three tongues: BigQuery's JSON, DuckDB's DDL and Arrow's types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.errors import BadValue, MissingField, NotSupported, SchemaChangeRefused

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
# The API's name -> the DuckDB type. A DECIMAL holds 38 digits, so BIGNUMERIC keeps 19 before and
# 19 after the point, and that odd scale tells it from NUMERIC when a result comes back.
DUCKDB_TYPES = {
    "STRING": "VARCHAR",
    "BYTES": "BLOB",
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "NUMERIC": "DECIMAL(38,9)",
    "BIGNUMERIC": "DECIMAL(38,19)",
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
AS_TEXT = ("INTERVAL", "RANGE")
RANGE_ELEMENTS = ("DATE", "DATETIME", "TIMESTAMP")
# Known to BigQuery and refused when they say something, so that nothing is silently dropped.
REFUSED = (
    "policyTags",
    "dataPolicies",
    "maxLength",
    "precision",
    "scale",
    "defaultValueExpression",
    "collation",
    "foreignTypeDefinition",
    "timestampPrecision",
)
KNOWN = {"name", "type", "mode", "description", "fields", "rangeElementType", *REFUSED}


@dataclass(frozen=True, slots=True)
class Field:
    """One column, or one member of a RECORD. `type` is the API's name (INTEGER, not INT64).

    `element` is what a RANGE has bounds of.
    """

    name: str
    type: str
    mode: str = "NULLABLE"
    description: str = ""
    fields: tuple[Field, ...] = ()
    element: str = ""

    @property
    def required(self) -> bool:
        """Whether every row needs a value."""
        return self.mode == "REQUIRED"

    @property
    def repeated(self) -> bool:
        """Whether it holds an array."""
        return self.mode == "REPEATED"


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
    return Field(name, kind, mode, resource.get("description") or "", inner, element)


def _range_element(resource: Mapping[str, Any], kind: str, path: str) -> str:
    element = str((resource.get("rangeElementType") or {}).get("type") or "").upper()
    if bool(element) != (kind == "RANGE") or (element and element not in RANGE_ELEMENTS):
        raise BadValue(path, element, f"a RANGE, and no other, has one of {RANGE_ELEMENTS}")
    return element


def _check_name(name: str, path: str) -> None:
    plain = name.replace("_", "a")
    if len(name) > 300 or not plain.isalnum() or name[0].isdigit():
        raise BadValue(
            f"{path}.name", name, "letters, digits and underscores, at most 300, no digit first"
        )


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
    return resource


def duckdb_type(field: Field) -> str:
    """The DuckDB type of a column, its mode REPEATED included."""
    if field.type == "RECORD":
        inner = ", ".join(f"{quoted(f.name)} {duckdb_type(f)}" for f in field.fields)
        name = f"STRUCT({inner})"
    else:
        name = DUCKDB_TYPES[field.type]
    return f"{name}[]" if field.repeated else name


def column_ddl(field: Field) -> str:
    """`"name" TYPE [NOT NULL]`. Only top-level modes can be constraints in DuckDB."""
    return f"{quoted(field.name)} {duckdb_type(field)}{' NOT NULL' if field.required else ''}"


def arrow_type(field: Field) -> pa.DataType:
    """The Arrow type whose values DuckDB takes for this column without a cast."""
    import pyarrow as pa

    scalar: dict[str, pa.DataType] = {
        "STRING": pa.string(),
        "BYTES": pa.binary(),
        "INTEGER": pa.int64(),
        "FLOAT": pa.float64(),
        "NUMERIC": pa.decimal128(38, 9),
        "BIGNUMERIC": pa.decimal128(38, 19),
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
        scale = dict(kind.children)["scale"]
        return Field(name, "BIGNUMERIC" if scale == 19 else "NUMERIC")
    if str(kind) == "JSON":
        return Field(name, "JSON")
    if str(kind) == '"NULL"':  # BigQuery types a bare NULL as INT64
        return Field(name, "INTEGER")
    if kind.id not in RESULT_TYPES:
        raise NotSupported(f"type {kind} of column {name}")
    return Field(name, RESULT_TYPES[kind.id])


@dataclass(frozen=True, slots=True)
class SchemaStep:
    """One DuckDB ALTER that a schema patch comes to: `clause` follows ALTER TABLE name."""

    clause: str


def evolve(table: str, old: tuple[Field, ...], new: tuple[Field, ...]) -> list[SchemaStep]:
    """The ALTERs from `old` to `new`. Raises SchemaChangeRefused for what BigQuery refuses.

    Allowed are new NULLABLE or REPEATED fields at any depth, REQUIRED relaxed to NULLABLE, and
    other descriptions (Modifying table schemas).
    """
    return list(_evolve(table, old, new, ()))


def _evolve(
    table: str, old: tuple[Field, ...], new: tuple[Field, ...], path: tuple[str, ...]
) -> Iterable[SchemaStep]:
    after = {field.name.lower(): field for field in new}
    for before in old:
        field = after.pop(before.name.lower(), None)
        dotted = ".".join((*path, before.name))
        if field is None:
            raise SchemaChangeRefused(table, f"Field {dotted} is missing in new schema")
        yield from _alter(table, before, field, path)
    for field in after.values():
        dotted = ".".join((*path, field.name))
        if field.required:
            raise SchemaChangeRefused(
                table, f"Cannot add required fields to an existing schema. (field: {dotted})"
            )
        where = ".".join(quoted(part) for part in (*path, field.name))
        yield SchemaStep(f"ADD COLUMN {where} {duckdb_type(field)}")


def _alter(table: str, before: Field, after: Field, path: tuple[str, ...]) -> Iterable[SchemaStep]:
    dotted = ".".join((*path, before.name))
    if before.type != after.type:
        raise SchemaChangeRefused(
            table, f"Field {dotted} has changed type from {before.type} to {after.type}"
        )
    if before.mode != after.mode:
        if (before.mode, after.mode) != ("REQUIRED", "NULLABLE"):
            raise SchemaChangeRefused(
                table, f"Field {dotted} has changed mode from {before.mode} to {after.mode}"
            )
        if not path:
            yield SchemaStep(f"ALTER COLUMN {quoted(before.name)} DROP NOT NULL")
    element = ("element",) if before.repeated else ()
    yield from _evolve(table, before.fields, after.fields, (*path, before.name, *element))
