"""The columns of INFORMATION_SCHEMA's views, and what of a table or a dataset is in their rows.

Names, order and types are those of the pages "INFORMATION_SCHEMA.TABLES view" and so on. What the
emulator does not know, as the bytes of compressed storage, is NULL.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from localgcp.bigquery.catalog.dataset import Dataset
from localgcp.bigquery.catalog.partitioning import PSEUDO
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.catalog.table import Table

DAY_MS = 86_400_000
Row = dict[str, Any]

_STANDARD = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}


def _fields(names: str, kind: str = "STRING") -> tuple[Field, ...]:
    return tuple(Field(name, kind) for name in names.split())


_IDENTITY = _fields("table_catalog table_schema table_name")
_SCHEMA = _fields("catalog_name schema_name")
_OPTION = _fields("option_name option_type option_value")
_ROUTINE = _fields("specific_catalog specific_schema specific_name")
_REFERENCE = _fields("project_id dataset_id table_id")
COLUMNS: dict[str, tuple[Field, ...]] = {
    "SCHEMATA": (
        *_SCHEMA,
        *_fields("schema_owner"),
        *_fields("creation_time last_modified_time", "TIMESTAMP"),
        *_fields("location ddl default_collation_name"),
    ),
    "SCHEMATA_OPTIONS": (*_SCHEMA, *_OPTION),
    "TABLES": (
        *_IDENTITY,
        *_fields("table_type managed_table_type is_insertable_into"),
        *_fields("is_fine_grained_mutations_enabled is_typed is_change_history_enabled"),
        *_fields("creation_time", "TIMESTAMP"),
        *_fields("base_table_catalog base_table_schema base_table_name"),
        *_fields("default_collation_name"),
    ),
    "TABLE_OPTIONS": (*_IDENTITY, *_OPTION),
    "VIEWS": (*_IDENTITY, *_fields("view_definition check_option use_standard_sql")),
    "MATERIALIZED_VIEWS": (
        *_IDENTITY,
        *_fields("last_refresh_time refresh_watermark", "TIMESTAMP"),
    ),
    "COLUMNS": (
        *_IDENTITY,
        *_fields("column_name"),
        *_fields("ordinal_position", "INTEGER"),
        *_fields("is_nullable data_type is_generated generation_expression is_stored is_hidden"),
        *_fields("is_updatable is_system_defined is_partitioning_column"),
        *_fields("clustering_ordinal_position", "INTEGER"),
        *_fields("collation_name column_default rounding_mode"),
    ),
    "COLUMN_FIELD_PATHS": (
        *_IDENTITY,
        *_fields("column_name field_path data_type description collation_name rounding_mode"),
    ),
    "PARTITIONS": (
        *_IDENTITY,
        *_fields("partition_id"),
        *_fields("total_rows total_logical_bytes total_billable_bytes", "INTEGER"),
        *_fields("last_modified_time", "TIMESTAMP"),
        *_fields("storage_tier"),
    ),
    "TABLE_STORAGE": (
        *_fields("project_id"),
        *_fields("project_number", "INTEGER"),
        *_IDENTITY,
        *_fields("creation_time", "TIMESTAMP"),
        *_fields("total_rows total_partitions total_logical_bytes", "INTEGER"),
        *_fields("active_logical_bytes long_term_logical_bytes", "INTEGER"),
        *_fields("current_physical_bytes total_physical_bytes active_physical_bytes", "INTEGER"),
        *_fields("long_term_physical_bytes time_travel_physical_bytes", "INTEGER"),
        *_fields("storage_last_modified_time", "TIMESTAMP"),
        *_fields("deleted", "BOOLEAN"),
        *_fields("table_type"),
        *_fields("fail_safe_physical_bytes", "INTEGER"),
    ),
    "__TABLES__": (
        *_REFERENCE,
        *_fields("creation_time last_modified_time row_count size_bytes type", "INTEGER"),
    ),
    "ROUTINES": (
        *_ROUTINE,
        *_fields("routine_catalog routine_schema routine_name routine_type data_type routine_body"),
        *_fields("routine_definition external_language is_deterministic security_type"),
        *_fields("created last_altered", "TIMESTAMP"),
        *_fields("ddl"),
    ),
    "ROUTINE_OPTIONS": (*_ROUTINE, *_OPTION),
    "PARAMETERS": (
        *_ROUTINE,
        *_fields("ordinal_position", "INTEGER"),
        *_fields("parameter_mode is_result parameter_name data_type parameter_default"),
        *_fields("is_aggregate"),
    ),
    "TABLE_SNAPSHOTS": (
        *_IDENTITY,
        *_fields("base_table_catalog base_table_schema base_table_name"),
        *_fields("snapshot_time", "TIMESTAMP"),
    ),
    "TABLE_CONSTRAINTS": (
        *_fields("constraint_catalog constraint_schema constraint_name"),
        *_IDENTITY,
        *_fields("constraint_type is_deferrable initially_deferred enforced"),
    ),
    "KEY_COLUMN_USAGE": (
        *_fields("constraint_catalog constraint_schema constraint_name"),
        *_IDENTITY,
        *_fields("column_name"),
        *_fields("ordinal_position position_in_unique_constraint", "INTEGER"),
    ),
    "JOBS": (
        *_fields("creation_time", "TIMESTAMP"),
        *_fields("project_id"),
        *_fields("project_number", "INTEGER"),
        *_fields("user_email job_id job_type statement_type priority"),
        *_fields("start_time end_time", "TIMESTAMP"),
        *_fields("query state"),
        *_fields("total_bytes_processed total_bytes_billed", "INTEGER"),
        Field("error_result", "RECORD", fields=_fields("reason location debug_info message")),
        *_fields("cache_hit", "BOOLEAN"),
        Field("destination_table", "RECORD", fields=_REFERENCE),
        Field("referenced_tables", "RECORD", "REPEATED", fields=_REFERENCE),
        Field("labels", "RECORD", "REPEATED", fields=_fields("key value")),
        *_fields("parent_job_id"),
    ),
}
OF_REGIONS = ("SCHEMATA", "SCHEMATA_OPTIONS", "TABLE_STORAGE", "JOBS")
"""Views of a region or a project, never of a dataset."""
OF_DATASETS = ("PARTITIONS", "__TABLES__")
"""Views of a dataset, never of a region."""


def identity(table: Table) -> Row:
    """Where a table is."""
    name = table.name
    return {
        "table_catalog": name.project,
        "table_schema": name.dataset,
        "table_name": name.table,
    }


def of_dataset(dataset: Dataset) -> Row:
    """SCHEMATA."""
    return {
        "catalog_name": dataset.project,
        "schema_name": dataset.id,
        "creation_time": moment(dataset.created_ms),
        "last_modified_time": moment(dataset.modified_ms),
        "location": dataset.location,
    }


def options_of_dataset(dataset: Dataset) -> Iterator[Row]:
    """SCHEMATA_OPTIONS."""
    where = {"catalog_name": dataset.project, "schema_name": dataset.id}
    given = [
        ("description", "STRING", _text(dataset.description)),
        ("friendly_name", "STRING", _text(dataset.friendly_name)),
        ("labels", "ARRAY<STRUCT<STRING, STRING>>", _labels(dataset.labels)),
        ("default_table_expiration_days", "FLOAT64", _days(dataset.table_expiration_ms)),
        ("default_partition_expiration_days", "FLOAT64", _days(dataset.partition_expiration_ms)),
    ]
    yield from _options(where, given)


def of_table(table: Table) -> Iterator[Row]:
    """TABLES."""
    yield identity(table) | {
        "table_type": "VIEW" if table.is_view else "BASE TABLE",
        "is_insertable_into": "NO" if table.is_view else "YES",
        "is_typed": "NO",
        "is_change_history_enabled": "NO",
        "creation_time": moment(table.created_ms),
    }


def options_of_table(table: Table) -> Iterator[Row]:
    """TABLE_OPTIONS."""
    part = table.partitioning
    expiration = _literal(table.expiration_ms)
    given = [
        ("description", "STRING", _text(table.description)),
        ("friendly_name", "STRING", _text(table.friendly_name)),
        ("labels", "ARRAY<STRUCT<STRING, STRING>>", _labels(table.labels)),
        ("expiration_timestamp", "TIMESTAMP", expiration),
        ("partition_expiration_days", "FLOAT64", _days(part.expiration_ms if part else None)),
        ("require_partition_filter", "BOOL", "true" if table.require_partition_filter else None),
    ]
    yield from _options(identity(table), given)


def of_view(table: Table) -> Iterator[Row]:
    """VIEWS."""
    if table.is_view:
        yield identity(table) | {"view_definition": table.query, "use_standard_sql": "YES"}


def columns_of(table: Table) -> Iterator[Row]:
    """COLUMNS."""
    partition = table.partitioning.column if table.partitioning else None
    clustering = {name: place for place, name in enumerate(table.clustering, 1)}
    for place, field in enumerate(table.fields, 1):
        yield identity(table) | {
            "column_name": field.name,
            "ordinal_position": place,
            "is_nullable": "NO" if field.required else "YES",
            "data_type": standard_type(field),
            "is_generated": "NEVER",
            "is_hidden": "NO",
            "is_system_defined": "NO",
            "is_partitioning_column": "YES" if field.name == partition else "NO",
            "clustering_ordinal_position": clustering.get(field.name),
            "collation_name": field.collation or "NULL",
            "column_default": "NULL",
        }
    if partition == PSEUDO:
        yield identity(table) | {
            "column_name": PSEUDO,
            "is_nullable": "YES",
            "data_type": "TIMESTAMP",
            "is_generated": "NEVER",
            "is_hidden": "YES",
            "is_system_defined": "YES",
            "is_partitioning_column": "YES",
            "collation_name": "NULL",
            "column_default": "NULL",
        }


def field_paths_of(table: Table) -> Iterator[Row]:
    """COLUMN_FIELD_PATHS: each column, and each member of a RECORD under it."""
    for column in table.fields:
        for path, field in _paths(column, column.name):
            yield identity(table) | {
                "column_name": column.name,
                "field_path": path,
                "data_type": standard_type(field),
                "description": field.description or None,
                "collation_name": field.collation or "NULL",
            }


def _paths(field: Field, path: str) -> Iterator[tuple[str, Field]]:
    yield path, field
    for member in field.fields:
        yield from _paths(member, f"{path}.{member.name}")


def standard_type(field: Field) -> str:
    """GoogleSQL's name for a field's type: ARRAY<STRUCT<x INT64>>."""
    name = f"RANGE<{field.element}>" if field.element else _STANDARD.get(field.type, field.type)
    limits = (field.length, field.precision, field.scale)
    if numbers := [str(limit) for limit in limits if limit is not None]:
        name += f"({', '.join(numbers)})"
    if field.fields:
        inner = ", ".join(f"{member.name} {standard_type(member)}" for member in field.fields)
        name = f"STRUCT<{inner}>"
    return f"ARRAY<{name}>" if field.repeated else name


def moment(milliseconds: int) -> datetime:
    """A time of the catalog as a TIMESTAMP."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _literal(milliseconds: int | None) -> str | None:
    """A moment as a literal of GoogleSQL."""
    if milliseconds is None:
        return None
    when = moment(milliseconds)
    return f'TIMESTAMP "{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"'


def _options(where: Row, given: list[tuple[str, str, str | None]]) -> Iterator[Row]:
    for name, kind, value in given:
        if value is not None:
            yield where | {"option_name": name, "option_type": kind, "option_value": value}


def _text(value: str | None) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _days(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else str(milliseconds / DAY_MS)


def _labels(labels: dict[str, str]) -> str | None:
    pairs = ", ".join(f"STRUCT({_text(key)}, {_text(value)})" for key, value in labels.items())
    return f"[{pairs}]" if labels else None
