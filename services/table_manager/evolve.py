"""2 · The table that is and the one that should be come in; what to change in it leaves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from google.cloud.bigquery import SchemaField, Table

from event_types.contract import EXTRA, Contract
from services.table_manager.errors import IncompatibleTable

# BigQuery answers with the old names, and takes the ones of GoogleSQL as well.
_OLD_NAMES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}


def evolve(there: Table, wanted: Table, contract: Contract) -> list[str]:
    """Set on `there` what differs, and name the properties to update; none if all is well.

    What the table has beyond its type is left alone, as long as the events fit. Raises
    IncompatibleTable, naming each column.
    """
    merged = _Merge()
    schema = merged.columns("", there.schema, wanted.schema)
    problems = [*_layout(there, wanted), *merged.problems]
    forbidden = {Contract.EVOLVE: [], Contract.FREEZE: merged.changes}.get(contract, merged.relaxed)
    problems += [f"{change}, which a frozen contract forbids" for change in forbidden]
    if problems:
        raise IncompatibleTable(str(there.reference), problems)
    fields = []
    if contract is Contract.EVOLVE and (merged.changes or merged.additions):
        there.schema, fields = schema, ["schema"]
    if contract is Contract.DISCARD and (extra := _extra(there, wanted)):
        there.schema, fields = [*there.schema, *extra], ["schema"]
    if there.clustering_fields != wanted.clustering_fields and contract is Contract.EVOLVE:
        there.clustering_fields = wanted.clustering_fields
        fields.append("clustering_fields")
    return fields


def _extra(there: Table, wanted: Table) -> list[SchemaField]:
    """The column for what no other column takes, unless it is there."""
    names = {column.name.lower() for column in there.schema}
    return [each for each in wanted.schema if each.name == EXTRA.name and each.name not in names]


def _layout(there: Table, wanted: Table) -> Iterable[str]:
    """A table's partitioning is for life."""
    if there.table_type not in (None, "TABLE"):
        yield f"it is a {there.table_type}"
    elif there.time_partitioning is None:
        yield f"it is not partitioned, and should be by {wanted.time_partitioning.field}"
    elif (has := there.time_partitioning).field != (want := wanted.time_partitioning).field:
        yield f"it is partitioned by {has.field}, and should be by {want.field}"
    elif has.type_ != want.type_:
        yield f"it is partitioned by {has.type_}, and should be by {want.type_}"


class _Merge:
    """Walks both column trees; keeps what is to change, and what can't."""

    def __init__(self) -> None:
        self.changes: list[str] = []
        """Those without which the table takes no event, or not every one that lacks a value."""
        self.additions: list[str] = []
        """Columns that only the events with a value for them need."""
        self.relaxed: list[str] = []
        """Those of the changes that make a REQUIRED column NULLABLE."""
        self.problems: list[str] = []

    def columns(
        self, path: str, there: Sequence[SchemaField], wanted: Sequence[SchemaField]
    ) -> list[SchemaField]:
        """The columns of one record after the change: those there, then those missing."""
        wanted_by_name = {column.name.lower(): column for column in wanted}
        merged = []
        for column in there:
            match = wanted_by_name.pop(column.name.lower(), None)
            merged.append(self._column(path, column, match) if match else column)
            if match is None and column.mode == "REQUIRED":
                self.problems.append(f"column {path}{column.name} is REQUIRED and not in the type")
        return merged + [self._added(path, column) for column in wanted_by_name.values()]

    def _column(self, path: str, there: SchemaField, wanted: SchemaField) -> SchemaField:
        name = f"{path}{there.name}"
        if _type(there) != _type(wanted):
            self.problems.append(f"column {name} is {_type(there)}, and should be {_type(wanted)}")
            return there
        if (there.mode == "REPEATED") != (wanted.mode == "REPEATED"):
            self.problems.append(f"column {name} is {there.mode}, and should be {wanted.mode}")
            return there
        relaxed = there.mode == "REQUIRED" and wanted.mode == "NULLABLE"
        if relaxed:
            self.relaxed.append(f"column {name} becomes NULLABLE")
            self.changes.append(self.relaxed[-1])
        fields = self.columns(f"{name}.", there.fields, wanted.fields)
        return _changed(there, mode="NULLABLE" if relaxed else there.mode, fields=fields)

    def _added(self, path: str, column: SchemaField) -> SchemaField:
        """A table that has rows takes no REQUIRED column, nor a REQUIRED field in an old record."""
        changes = self.changes if column.mode == "REQUIRED" else self.additions
        changes.append(f"column {path}{column.name} is missing")
        return _changed(column, mode="REPEATED" if column.mode == "REPEATED" else "NULLABLE")


def _changed(column: SchemaField, **changes: object) -> SchemaField:
    api = dict(column.to_api_repr())  # it is the column's own
    fields = changes.pop("fields", None)
    if isinstance(fields, list) and fields:
        api["fields"] = [field.to_api_repr() for field in fields]
    changed: SchemaField = SchemaField.from_api_repr({**api, **changes})
    return changed


def _type(column: SchemaField) -> str:
    name: str = column.field_type
    return _OLD_NAMES.get(name, name)
