"""The columns of a load: given, detected or the table's own, and how the table may grow by them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import Invalid, SchemaChangeRefused

ADDITION, RELAXATION = "ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION"


@dataclass(frozen=True, slots=True)
class Columns:
    """What to read of the files, in their order, and what the table has once they are in."""

    read: tuple[Field, ...]
    table: tuple[Field, ...]


def alone(fields: tuple[Field, ...]) -> Columns:
    """Of a table that is made of them. Raises Invalid where there are none."""
    if not fields:
        raise Invalid("Schema has no fields: the file has no row to detect them from", "schema")
    return Columns(fields, fields)


def merged(
    table: str, old: tuple[Field, ...], given: tuple[Field, ...], updates: frozenset[str]
) -> Columns:
    """Of a table that takes rows of the given schema.

    Raises SchemaChangeRefused for a change that no option of `updates` allows.
    """
    after = tuple(_merge(table, old, given, updates, ""))
    by_name = {column.name.lower(): column for column in after}
    return Columns(tuple(by_name[column.name.lower()] for column in given), after)


def widened(
    table: str, old: tuple[Field, ...], found: tuple[Field, ...], updates: frozenset[str]
) -> tuple[Field, ...]:
    """The table's columns with what a file has besides, as far as `updates` allow.

    What both have stays as the table has it: the file's values are read as such.
    """
    named = {column.name.lower(): column for column in found}
    after = []
    for column in old:
        other = named.pop(column.name.lower(), None)
        mode, fields = column.mode, column.fields
        if column.required and RELAXATION in updates and (other is None or not other.required):
            mode = "NULLABLE"
        if other is not None and fields and other.fields:
            fields = widened(table, fields, other.fields, updates)
        after.append(replace(column, mode=mode, fields=fields))
    if ADDITION in updates:
        # A row that is there has no value for them.
        after += (_relaxed(column) for column in named.values())
    return tuple(after)


def by_titles(table: str, fields: tuple[Field, ...], found: tuple[Field, ...]) -> tuple[Field, ...]:
    """The table's columns as a file's first line names them.

    Raises SchemaChangeRefused for a name that the table lacks, or a REQUIRED one that the file
    lacks.
    """
    named = {column.name.lower(): column for column in fields}
    if unknown := [column.name for column in found if column.name.lower() not in named]:
        raise SchemaChangeRefused(table, f"Cannot add fields (field: {unknown[0]})")
    read = tuple(named.pop(column.name.lower()) for column in found)
    if absent := [column.name for column in named.values() if column.required]:
        raise SchemaChangeRefused(table, f"Field {absent[0]} is missing in new schema")
    return read


def _relaxed(column: Field) -> Field:
    return replace(column, mode="NULLABLE") if column.required else column


def _merge(
    table: str,
    old: tuple[Field, ...],
    given: tuple[Field, ...],
    updates: frozenset[str],
    path: str,
) -> Iterator[Field]:
    named = {column.name.lower(): column for column in given}
    for column in old:
        other = named.pop(column.name.lower(), None)
        if other is None:
            if column.required and RELAXATION not in updates:
                why = f"Field {path}{column.name} is missing in new schema"
                raise SchemaChangeRefused(table, why)
            yield _relaxed(column)
        else:
            yield _met(table, column, other, updates, path)
    for column in named.values():
        if ADDITION not in updates:
            raise SchemaChangeRefused(table, f"Cannot add fields (field: {path}{column.name})")
        if column.required:
            why = "Cannot add required fields to an existing schema."
            raise SchemaChangeRefused(table, f"{why} (field: {path}{column.name})")
        yield column


def _met(table: str, old: Field, given: Field, updates: frozenset[str], path: str) -> Field:
    """One column that both schemas have."""
    dotted = f"{path}{old.name}"
    if old.type != given.type:
        raise SchemaChangeRefused(
            table, f"Field {dotted} has changed type from {old.type} to {given.type}"
        )
    relaxes = (old.mode, given.mode) == ("REQUIRED", "NULLABLE") and RELAXATION in updates
    if old.mode != given.mode and not relaxes:
        raise SchemaChangeRefused(
            table, f"Field {dotted} has changed mode from {old.mode} to {given.mode}"
        )
    inner = tuple(_merge(table, old.fields, given.fields, updates, f"{dotted}."))
    return replace(old, mode=given.mode, fields=inner)
