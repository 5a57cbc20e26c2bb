"""A load into one partition, `table$ID`: which rows are its own, and what it may bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from localgcp.bigquery.catalog.partitioning import ID_FORMATS, TimePartitioning
from localgcp.bigquery.catalog.schema import quoted
from localgcp.bigquery.errors import BadValue, Invalid, NotSupported

Check = Callable[[Mapping[str, Any]], None]


def within(partition: str | None, part: TimePartitioning | None) -> str:
    """SQL of the rows that the load is about: all, or those of its partition."""
    if partition is None or part is None:
        return "true"
    column = f"CAST({quoted(part.column)} AS TIMESTAMP)"
    return f"strftime({column}, '{ID_FORMATS[part.unit]}') = '{partition}'"


def belonging(partition: str | None, part: TimePartitioning | None) -> Check:
    """What raises Invalid for a row that is not of the partition.

    Raises NotSupported for a table without a partition column, BadValue for no id of its unit.
    """
    if partition is None:
        return lambda row: None
    if part is None:
        raise NotSupported(f"partition {partition} of a table without a partition column")
    column, form = part.column, ID_FORMATS[part.unit]
    _check_id(partition, part.unit)

    def check(row: Mapping[str, Any]) -> None:
        value = row.get(column)
        if value is None or value.strftime(form) != partition:
            raise Invalid(
                "Some rows belong to different partitions rather than destination partition"
                f" {partition}"
            )

    return check


def _check_id(id_: str, unit: str) -> None:
    """Hold a partition's id against its unit.

    Raises BadValue unless it is a partition id of this unit (`__NULL__` is not supported).
    """
    form = ID_FORMATS[unit]
    try:
        known = datetime.strptime(id_, form).strftime(form) == id_
    except ValueError:
        known = False
    if not known:
        raise BadValue("destinationTable.tableId", f"${id_}", f"no id of a {unit} partition")
