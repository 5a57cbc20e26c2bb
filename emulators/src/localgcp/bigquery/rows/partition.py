"""One partition of a table, `table$ID`: which rows are its own, and how rows come to be in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from localgcp.bigquery.catalog.partitioning import PSEUDO, Partitioning
from localgcp.bigquery.catalog.table import Table
from localgcp.bigquery.errors import BadValue, Invalid
from localgcp.bigquery.store import Transaction

if TYPE_CHECKING:
    import pyarrow as pa

Check = Callable[[Mapping[str, Any]], None]


def within(partition: str | None, part: Partitioning | None) -> str:
    """SQL of the rows that it is about: all, or those of the partition."""
    if partition is None or part is None:
        return "true"
    return f"({part.id_sql}) = '{partition}'"


def check(partition: str | None, part: Partitioning | None) -> None:
    """Look whether the table may have such a partition. Raises BadValue."""
    if partition is None:
        return
    if part is None:
        raise BadValue("tableId", f"${partition}", "the table is not partitioned")
    part.check_id(partition)


def belonging(partition: str | None, part: Partitioning | None) -> Check:
    """What raises Invalid for a row that is not of the partition. Raises BadValue, as `check`."""
    check(partition, part)
    if partition is None or part is None or part.is_ingestion:
        return lambda row: None
    column, id_of = part.column, part.id_of

    def belongs(row: Mapping[str, Any]) -> None:
        if id_of(row.get(column)) != partition:
            raise _elsewhere(partition)

    return belongs


def _elsewhere(partition: str) -> Invalid:
    return Invalid(
        f"Some rows belong to different partitions rather than destination partition {partition}"
    )


def stamped(batch: pa.Table, partition: str | None, part: Partitioning | None) -> pa.Table:
    """Rows with the partition that they are sent to, where it is no column of theirs."""
    if partition is None or part is None or not part.is_ingestion:
        return batch
    import pyarrow as pa

    kind = pa.timestamp("us", tz="UTC")
    start = pa.scalar(part.start_of(partition), kind)
    return batch.append_column(PSEUDO, pa.repeat(start, batch.num_rows))


class Into:
    """Puts rows of a query into one partition, as part of a transaction."""

    def __init__(self, tx: Transaction, table: Table, partition: str | None) -> None:
        """A partition, or the table. Raises BadValue for one that the table cannot have."""
        check(partition, table.partitioning)
        self._tx, self._table, self.partition = tx, table, partition

    def insert(self, columns: str, sql: str, values: Mapping[str, object]) -> int:
        """The rows of `sql` into the columns. Raises Invalid for a row of another partition."""
        part, id_, name = self._table.partitioning, self.partition, self._table.name.sql
        if id_ is None or part is None:
            return self._run(f"INSERT INTO {name} ({columns}) {sql}", values)
        if part.is_ingestion:
            start = part.start_of(id_)
            when = f"CAST('{start}' AS TIMESTAMPTZ)" if start is not None else "NULL"
            into = f"INSERT INTO {name} ({columns}, {PSEUDO})"
            return self._run(f"{into} SELECT *, {when} FROM ({sql})", values)
        others = f"SELECT count(*) FROM {name} WHERE NOT {within(id_, part)}"
        before = self._tx.db.execute(others).fetchall()
        rows = self._run(f"INSERT INTO {name} ({columns}) {sql}", values)
        if self._tx.db.execute(others).fetchall() != before:
            raise _elsewhere(id_)
        return rows

    def _run(self, sql: str, values: Mapping[str, object]) -> int:
        ((rows,),) = self._tx.db.execute(sql, dict(values)).fetchall()
        return int(rows)
