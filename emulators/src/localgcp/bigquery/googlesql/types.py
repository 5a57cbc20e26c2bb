"""GoogleSQL's type names in a parsed statement -> fields, and so DuckDB types."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlglot import exp

from localgcp.bigquery.catalog.parameterized import check_numeric
from localgcp.bigquery.catalog.schema import COLLATIONS, RANGE_ELEMENTS, Field, duckdb_type
from localgcp.bigquery.errors import InvalidQuery, SqlNotSupported

# SQLGlot's type -> the API's name.
NAMES = {
    exp.DType.TEXT: "STRING",
    exp.DType.VARCHAR: "STRING",
    exp.DType.BINARY: "BYTES",
    exp.DType.VARBINARY: "BYTES",
    exp.DType.BIGINT: "INTEGER",
    exp.DType.INT: "INTEGER",
    exp.DType.DOUBLE: "FLOAT",
    exp.DType.DECIMAL: "NUMERIC",
    exp.DType.BIGDECIMAL: "BIGNUMERIC",
    exp.DType.BOOLEAN: "BOOLEAN",
    exp.DType.TIMESTAMPTZ: "TIMESTAMP",
    exp.DType.TIMESTAMP: "DATETIME",
    exp.DType.DATETIME: "DATETIME",
    exp.DType.TIMESTAMPNTZ: "DATETIME",
    exp.DType.DATE: "DATE",
    exp.DType.TIME: "TIME",
    exp.DType.JSON: "JSON",
}


def field_of(name: str, kind: exp.DataType, mode: str = "NULLABLE") -> Field:
    """The field of this type. Raises SqlNotSupported for GEOGRAPHY and the like."""
    if kind.this == exp.DType.ARRAY:
        element = kind.expressions[0]
        if element.this == exp.DType.ARRAY:
            raise SqlNotSupported("an array of arrays")
        return field_of(name, element, "REPEATED")
    if kind.this == exp.DType.STRUCT:
        members = tuple(column_of(member) for member in kind.expressions)
        return Field(name, "RECORD", mode, fields=members)
    if kind.this not in NAMES:
        raise SqlNotSupported(f"type {kind.sql(dialect='bigquery')}")
    plain = Field(name, NAMES[kind.this], mode)
    return _with_parameters(plain, kind) if kind.expressions else plain


def _with_parameters(plain: Field, kind: exp.DataType) -> Field:
    """STRING(L), BYTES(L), NUMERIC(P, S). Raises SqlNotSupported, BadValue."""
    numbers = [int(each.name) for each in kind.expressions if each.name.isdecimal()]
    if plain.type in ("STRING", "BYTES") and len(numbers) == 1:
        return replace(plain, length=numbers[0])
    if plain.type == "NUMERIC" and 1 <= len(numbers) <= 2:
        scale = numbers[1] if len(numbers) == 2 else None
        check_numeric(numbers[0], scale or 0, plain.name)
        return replace(plain, precision=numbers[0], scale=scale)
    raise SqlNotSupported(f"type {kind.sql(dialect='bigquery')}")


def column_of(definition: exp.Expr) -> Field:
    """The field of a column definition, its NOT NULL and OPTIONS(description) included."""
    if not isinstance(definition, exp.ColumnDef):
        raise SqlNotSupported("a STRUCT type whose fields have no names")
    mode, description, collation = "NULLABLE", "", ""
    for constraint in definition.args.get("constraints") or ():
        kind = constraint.args["kind"]
        if isinstance(kind, exp.NotNullColumnConstraint):
            mode = "REQUIRED"
        elif isinstance(kind, exp.Properties):
            description = _description(kind)
        elif isinstance(kind, exp.CollateColumnConstraint):
            collation = _collation(kind.this, definition.name)
        else:
            raise SqlNotSupported(f"column constraint {kind.sql(dialect='bigquery')}")
    plain = _column(definition.name, definition.args["kind"], mode)
    if collation and plain.type != "STRING":
        what = f"COLLATE can only be applied to columns of type STRING: {plain.name}"
        raise InvalidQuery(what, "query")
    return replace(plain, description=description, collation=collation)


def _column(name: str, kind: exp.DataType, mode: str) -> Field:
    """As `field_of`, and a RANGE too, which DuckDB holds and does not reckon with."""
    if kind.this == exp.DType.ARRAY and kind.expressions[0].this == exp.DType.RANGE:
        return _column(name, kind.expressions[0], "REPEATED")
    if kind.this != exp.DType.RANGE:
        return field_of(name, kind, mode)
    element = field_of(name, kind.expressions[0]).type if kind.expressions else ""
    if element not in RANGE_ELEMENTS:
        raise InvalidQuery(f"Invalid type: {kind.sql(dialect='bigquery')} of {name}", "query")
    return Field(name, "RANGE", mode, element=element)


def _collation(given: exp.Expr, column: str) -> str:
    if given.name == "binary":  # ZetaSQL's name for none
        return ""
    if given.name not in COLLATIONS:
        raise InvalidQuery(f"Invalid collation specification: '{given.name}' of {column}", "query")
    return given.name


def _description(options: exp.Properties) -> str:
    for option in options.expressions:
        if option.name != "description":
            raise SqlNotSupported(f"column option {option.name}")
        return str(option.args["value"].name)
    return ""


def duckdb_cast(value: exp.Expr, field: Field) -> exp.Expr:
    """CAST(value AS the DuckDB type of the field)."""
    kind: Any = exp.DataType.build(duckdb_type(field), dialect="duckdb")
    return exp.Cast(this=value, to=kind)
