"""DML that the reference evaluates: its rows are found first, then changed in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog.catalog import Catalog
from localgcp.bigquery.catalog.schema import Field, quoted
from localgcp.bigquery.catalog.sizes import Sizes
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.errors import MatchedTwice
from localgcp.bigquery.jobs.query import Outcome
from localgcp.bigquery.jobs.results import ACTIONS, placed, plan_of
from localgcp.bigquery.jobs.writing import Writing
from localgcp.bigquery.store import Store, Transaction

if TYPE_CHECKING:
    import pyarrow as pa

    from localgcp.bigquery.googlesql.reference.messages import Change

Rows = Callable[[str], "tuple[tuple[Field, ...], pa.Table]"]


class Changing:
    """Applies the actions of a DML statement."""

    def __init__(self, store: Store, catalog: Catalog, sizes: Sizes, writing: Writing) -> None:
        self._store, self._catalog, self._sizes = store, catalog, sizes
        self._writing = writing

    def run(self, kind: str, table: Table, changes: list[Change], rows: Rows) -> Outcome:
        """Find all rows, then change them; `rows` evaluates a query. Raises MatchedTwice."""
        with self._store.write() as tx:  # its numbers of rows hold for as long as none else writes
            found = [(change, *rows(change.sql)) for change in changes]
            _check_once([(change, data) for change, _, data in found])
            affected = dict.fromkeys(ACTIONS.get(kind, (kind,)), 0)
            # A deletion moves no row; an insertion comes last, as it gives new numbers.
            order = ("UPDATE", "DELETE", "INSERT")
            for change, fields, data in sorted(found, key=lambda each: order.index(each[0].action)):
                count = self._apply(tx, table, change, fields, data)
                affected[change.action] += count
            self._catalog.touch(tx, table)
            tx.after.append(lambda: self._sizes.forget(table))
        return Outcome(kind, affected=affected, target=table.name, tables=(table,))

    def _apply(
        self,
        tx: Transaction,
        table: Table,
        change: Change,
        fields: tuple[Field, ...],
        data: pa.Table,
    ) -> int:
        by_name = {field.name.lower(): field for field in table.fields}
        columns = tuple(by_name[name.lower()] for name in change.names)
        if change.action == "INSERT":
            return self._writing.insert(
                tx, table, columns, placed(plan_of(fields, data), columns).translation
            )
        names = ["_row", *(f"_v{number}" for number in range(len(columns)))]
        number = Field("", "INTEGER")
        rows = placed(plan_of(fields, data), (number, *columns)).stored.rename_columns(names)
        tx.db.register("_localgcp_changes", rows)
        where = f"{table.name.sql}.rowid = _localgcp_changes._row"
        if change.action == "DELETE":
            tx.db.execute(f"DELETE FROM {table.name.sql} USING _localgcp_changes WHERE {where}")
        else:
            pairs = zip(columns, names[1:], strict=True)
            sets = ", ".join(f"{quoted(column.name)} = {value}" for column, value in pairs)
            tx.db.execute(
                f"UPDATE {table.name.sql} SET {sets} FROM _localgcp_changes WHERE {where}"
            )
        return int(data.num_rows)


def _check_once(found: list[tuple[Change, pa.Table]]) -> None:
    """Look whether a row is changed at most once.

    Raises MatchedTwice where one row is to be changed twice.
    """
    numbers = [
        number
        for change, data in found
        if change.action != "INSERT"
        for number in data.column(0).to_pylist()
    ]
    if len(set(numbers)) != len(numbers):
        raise MatchedTwice
