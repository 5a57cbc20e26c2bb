"""0 · From a pydantic model to BigQuery columns; what leaves is a `Table` anyone can create."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from datetime import date, datetime
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

# The names that the BigQuery API answers with (REST reference, TableFieldSchema). A subclass
# stands before its parent: bool is an int, datetime is a date.
SCALARS: dict[type, str] = {
    str: "STRING",
    bool: "BOOLEAN",
    int: "INTEGER",
    float: "FLOAT",
    datetime: "TIMESTAMP",
    date: "DATE",
}
# The same types as GoogleSQL spells them.
GOOGLE_SQL = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}


class NoColumnType(TypeError):
    """A model's field has a type that no BigQuery column can hold."""

    def __init__(self, field: str, annotation: object) -> None:
        super().__init__(f"field {field!r}: no BigQuery type for {annotation!r}")


@dataclass(frozen=True)
class Column:
    """One column: `type` and `mode` in the API's words, `fields` for a RECORD."""

    name: str
    type: str
    mode: str
    description: str
    fields: tuple[Column, ...] = ()

    def to_api(self) -> dict[str, Any]:
        """As in the REST reference's TableFieldSchema."""
        field: dict[str, Any] = {"name": self.name, "type": self.type, "mode": self.mode}
        if self.description:
            field["description"] = self.description
        if self.fields:
            field["fields"] = [column.to_api() for column in self.fields]
        return field


@dataclass(frozen=True)
class Table:
    """A table partitioned by the day of one column and clustered by others."""

    name: str
    columns: tuple[Column, ...]
    partition_by: str
    cluster_by: tuple[str, ...]
    description: str

    @property
    def deduplicated_view(self) -> str:
        """Name of the view that shows each event once."""
        return f"{self.name}_deduplicated"

    def deduplicated_sql(self, dataset: str) -> str:
        """The view's query: the newest row of every event_id. `dataset` may name a project."""
        return (
            f"SELECT * FROM `{dataset}.{self.name}` WHERE TRUE\n"
            "QUALIFY ROW_NUMBER() OVER "
            "(PARTITION BY event_id ORDER BY processed_timestamp DESC) = 1"
        )

    def schema_to_api(self) -> list[dict[str, Any]]:
        """The columns as in the REST reference's TableSchema.fields."""
        return [column.to_api() for column in self.columns]

    def to_api(self) -> dict[str, Any]:
        """As in the REST reference's Table, which lacks its place and its labels."""
        return {
            "schema": {"fields": self.schema_to_api()},
            "timePartitioning": {"type": "DAY", "field": self.partition_by},
            "clustering": {"fields": list(self.cluster_by)},
            "description": self.description,
        }


def columns_of(model: type[BaseModel]) -> tuple[Column, ...]:
    """The columns that hold a model, in field order. Raises NoColumnType.

    A field that may be left out is NULLABLE, whatever its default: it can be added to a table that
    has rows, and a row can go without it where the table lacks it.
    """
    return tuple(
        _column(name, field.annotation, field.description or "", required=field.is_required())
        for name, field in model.model_fields.items()
    )


def defaults_of(model: type[BaseModel], path: str = "") -> dict[str, Any]:
    """The values, as JSON holds them, of the fields that may be left out, by dotted path."""
    defaults: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if not field.is_required():
            default = field.get_default(call_default_factory=True)
            defaults[path + name] = to_jsonable_python(default)
        _, inner = _unwrapped(field.annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            defaults |= defaults_of(inner, f"{path}{name}.")
    return defaults


def _unwrapped(annotation: Any) -> tuple[str, Any]:
    """A field's mode and the type of one value, out of `list`, `| None` and `Annotated`."""
    mode = "REQUIRED"
    if get_origin(annotation) is list:
        mode, (annotation,) = "REPEATED", get_args(annotation)
    elif NoneType in get_args(annotation):
        mode = "NULLABLE"
        (annotation,) = (each for each in get_args(annotation) if each is not NoneType)
    if get_origin(annotation) is typing.Annotated:
        annotation = get_args(annotation)[0]
    return mode, annotation


def _column(name: str, annotation: Any, description: str, required: bool) -> Column:
    mode, inner = _unwrapped(annotation)
    if mode == "REQUIRED" and not required:
        mode = "NULLABLE"
    if get_origin(inner) is Literal:
        inner = type(get_args(inner)[0])
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return Column(name, "RECORD", mode, description, columns_of(inner))
    for python, column_type in SCALARS.items():
        if isinstance(inner, type) and issubclass(inner, python):
            return Column(name, column_type, mode, description)
    raise NoColumnType(name, inner)
