"""Files that bring their own schema (Avro, ORC, Parquet): how it meets the table's.

A column goes into one of its own type or of a wider one, by name; what of a value the types do not
promise is checked as the rows come.
"""

from __future__ import annotations

from typing import Any

from localgcp.bigquery.catalog import bignumeric
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import Invalid, SchemaChangeRefused
from localgcp.bigquery.rows.limits import too_much
from localgcp.bigquery.rows.reader import RowError, read_json

_WIDER = {
    "INTEGER": ("FLOAT", "NUMERIC", "BIGNUMERIC"),
    "NUMERIC": ("BIGNUMERIC",),
    "STRING": ("JSON",),
}
_DIGITS = {"NUMERIC": (29, 9), "BIGNUMERIC": (38, 38)}  # before and after the point
DECIMALS = ("NUMERIC", "BIGNUMERIC", "STRING")


def decimal_type(precision: int, scale: int, targets: tuple[str, ...]) -> str:
    """The narrowest of `targets` that holds such a decimal, else the widest of them.

    Source: JobConfigurationLoad, decimalTargetTypes.
    """
    allowed = [kind for kind in DECIMALS if kind in targets]
    for kind in allowed:
        before, after = _DIGITS.get(kind, (precision, scale))
        if precision - scale <= before and scale <= after:
            return kind
    return allowed[-1]


def check_columns(
    found: tuple[Field, ...], wanted: tuple[Field, ...], ignore_unknown: bool
) -> None:
    """Compare a file's columns with those of the table.

    Raises SchemaChangeRefused where the file's columns do not fit those of the table.
    """
    _check_members(found, wanted, "", ignore_unknown)


def _check_members(
    found: tuple[Field, ...], wanted: tuple[Field, ...], path: str, ignore_unknown: bool
) -> None:
    named = {member.name.lower(): member for member in wanted}
    for column in found:
        target = named.get(column.name.lower())
        if target is not None:
            _check_fits(column, target, f"{path}{target.name}", ignore_unknown)
        elif not ignore_unknown:
            raise SchemaChangeRefused(
                "the table", f"Cannot add fields (field: {path}{column.name})"
            )


def _check_fits(found: Field, wanted: Field, path: str, ignore_unknown: bool) -> None:
    same = found.type == wanted.type or wanted.type in _WIDER.get(found.type, ())
    if not same or found.repeated != wanted.repeated:
        raise SchemaChangeRefused(
            "the table",
            f"Field {path} has changed type from {wanted.mode} {wanted.type} to"
            f" {found.mode} {found.type}",
        )
    _check_members(found.fields, wanted.fields, f"{path}.", ignore_unknown)


def checked(column: Field, value: Any) -> Any:
    """The value, which must be there where it is required. Raises Invalid."""
    if column.repeated:
        if value and any(item is None for item in value):
            raise Invalid(f"Array cannot have a null element; error in field {column.name}")
        return [_member(column, item) for item in value or ()]
    if value is None:
        if column.required:
            raise Invalid(f"Missing required field: {column.name}.")
        return None
    return _member(column, value)


def _member(column: Field, value: Any) -> Any:
    if column.fields:
        by_name = {key.lower(): member for key, member in value.items()}
        return {f.name: checked(f, by_name.get(f.name.lower())) for f in column.fields}
    if column.type == "JSON":
        try:
            return read_json(value, column.name)
        except RowError as error:
            raise Invalid(error.message) from error
    if column.type == "BIGNUMERIC":
        try:
            return bignumeric.packed(value)
        except ValueError as error:
            raise Invalid(f"Invalid BIGNUMERIC value: {value}", column.name) from error
    if wrong := too_much(column, value):
        raise Invalid(f"Field {column.name}: {wrong}")
    return value
