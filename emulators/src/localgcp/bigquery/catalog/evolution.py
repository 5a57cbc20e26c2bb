"""From one schema of a table to the next: the ALTERs a change comes to, or why it is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from localgcp.bigquery.catalog.schema import Field, duckdb_type, quoted
from localgcp.bigquery.errors import NotSupported, SchemaChangeRefused


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
        if field.length is not None and not path:
            raise NotSupported(f"adding column {dotted} of type {field.type}({field.length})")
        where = ".".join(quoted(part) for part in (*path, field.name))
        yield SchemaStep(f"ADD COLUMN {where} {duckdb_type(field)}")


def _alter(table: str, before: Field, after: Field, path: tuple[str, ...]) -> Iterable[SchemaStep]:
    dotted = ".".join((*path, before.name))
    if before.type != after.type:
        raise SchemaChangeRefused(
            table, f"Field {dotted} has changed type from {before.type} to {after.type}"
        )
    if _limits(before) != _limits(after):
        raise NotSupported(
            f"another collation or other parameters of the type of column {dotted}", "schema"
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


def _limits(field: Field) -> tuple[int | str | None, ...]:
    return field.length, field.precision, field.scale, field.collation
