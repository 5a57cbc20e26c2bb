"""0 · What may become of a type's table and of fields that nobody knows; a dataset's label says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from event_types.schema import Column, Table

LABEL = "contract_"
"""A dataset's label `contract_order` is the contract of orders; without one the setting is."""
EXTRA = Column(
    "extra",
    "JSON",
    "NULLABLE",
    "What events had beyond their type's fields, while its contract was discard.",
)


class Contract(StrEnum):
    """What may become of a table whose columns are not those of its type."""

    EVOLVE = "evolve"
    """Missing columns are added, and a column that need not be REQUIRED is relaxed."""
    FREEZE = "freeze"
    """Nothing is changed; a table that can't take the events is refused. One that lacks a column
    which a row need not have takes them: the pipeline stores the rows that have no value for it."""
    DISCARD = "discard"
    """As freeze, but no event is refused for a field too many: what its type does not know, and
    what its table has no column for, is kept in the column `extra`, which is added."""


def contract_of(labels: Mapping[str, str], event_type: str, default: Contract) -> Contract:
    """The contract of an event type, by its dataset's labels; a label that is none has no say."""
    said = labels.get(LABEL + event_type)
    return Contract(said) if said in set(Contract) else default


def layout_under(contract: Contract, table: Table) -> Table:
    """A table as its contract wants it."""
    if contract is not Contract.DISCARD:
        return table
    return replace(table, columns=(*table.columns, EXTRA))
