"""How many rows and bytes a table has, cheap enough to be asked twice a second."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localgcp.bigquery.catalog import bignumeric
from localgcp.bigquery.catalog.row_bytes import of_column
from localgcp.bigquery.catalog.schema import Field, quoted
from localgcp.bigquery.catalog.table import Name, Table
from localgcp.bigquery.errors import QueryFailed
from localgcp.bigquery.store import Store

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_BATCH = 50_000
_NEWEST = 500
_WIDTHS = {"date32[day]": 8, "time64[us]": 8, "bool": 1, "fixed_size_binary[32]": 32}


@dataclass(eq=False)
class _Count:
    """One reading through a table: what came since its state was taken."""

    came: int = 0
    spoiled: bool = False


class Sizes:
    """Rows are counted by DuckDB, which knows; bytes are added up here as rows come in."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._bytes: dict[Name, int] = {}
        self._counts: defaultdict[Name, set[_Count]] = defaultdict(set)
        self._parts: dict[Name, dict[tuple[object, ...], int]] = {}
        self._versions: Counter[Name] = Counter()

    def rows(self, table: Table) -> int:
        """The rows of a table, the newest included."""
        with self._store.read() as db:
            row = db.execute(f"SELECT count(*) FROM {table.name.sql}").fetchone()
        return int(row[0]) if row else 0

    def rows_of(self, tables: Iterable[Table]) -> dict[str, int]:
        """The rows of several tables of a dataset, by name; a view has none, nor what is gone."""
        found = {}
        for table in tables:
            if not table.is_view:
                with suppress(QueryFailed):
                    found[table.name.table] = self.rows(table)
        return found

    def seconds_between(self, table: Table, first: str, last: str) -> dict[str, float]:
        """p50 and p99 from one TIMESTAMP of a row to another, of the newest rows; {} of none.

        Newest by their place in the store, where rows stand in the order in which they came.
        """
        times = {each.name for each in table.fields if each.type == "TIMESTAMP"}
        if not {first, last} <= times or table.is_view:
            return {}
        took = f"epoch_us({quoted(last)}) - epoch_us({quoted(first)})"
        query = (
            f"SELECT quantile_disc({took}, [0.5, 0.99])"
            f" FROM {table.name.sql}"
            f" WHERE rowid > (SELECT max(rowid) FROM {table.name.sql}) - {_NEWEST}"
        )
        with self._store.read() as db:
            found = db.execute(query).fetchall()[0][0]
        return {"p50": found[0] / 1e6, "p99": found[1] / 1e6} if found else {}

    def bytes(self, table: Table) -> int:
        """Logical bytes; read through once, then kept up by `add`."""
        known = self._bytes.get(table.name)
        if known is not None:
            return known
        count = _Count()
        try:
            with self._store.still(table.name.sql, lambda: self._begin(table.name, count)) as db:
                total = _total(db, table)
        except BaseException:
            count.spoiled = True
            raise
        finally:
            with self._lock:
                counts = self._counts[table.name]
                # One that did not begin is within a transaction, whose rows may be undone.
                if count in counts and not count.spoiled:
                    self._bytes[table.name] = total + count.came
                counts.discard(count)
        return total + count.came

    def _begin(self, table: Name, count: _Count) -> None:
        with self._lock:
            self._counts[table].add(count)

    def known_bytes(self, table: Table) -> int:
        """Logical bytes if the table still exists, else 0."""
        try:
            return self.bytes(table)
        except QueryFailed:  # what DuckDB says of a table that is gone
            return 0

    def part(
        self,
        table: Table,
        columns: frozenset[str],
        partitions: str | None = None,
        values: Mapping[str, object] | None = None,
    ) -> int:
        """Logical bytes of some columns, 0 of a table that is gone.

        `partitions` is a query for values of the partition column: those that are counted.
        """
        if partitions is None and columns >= {field.name for field in table.fields}:
            return self.known_bytes(table)
        key = (columns, partitions, repr(values))
        known = self._parts.get(table.name, {}).get(key)
        if known is not None:
            return known
        version = self._versions[table.name]
        try:
            total = self._count(table, columns, partitions, values or {})
        except QueryFailed:
            return 0
        with self._lock:
            if version == self._versions[table.name]:
                self._parts.setdefault(table.name, {})[key] = total
        return total

    def _count(
        self,
        table: Table,
        columns: frozenset[str],
        partitions: str | None,
        values: Mapping[str, object],
    ) -> int:
        wanted = [field for field in table.fields if field.name in columns]
        if not wanted:
            return 0
        each = _sums(wanted)
        where, part = "true", table.partitioning
        if partitions is not None and part is not None:
            where = f"({part.id_sql}) IN (SELECT {part.id_sql} FROM ({partitions}))"
        query = f"SELECT {each} FROM {table.name.sql} WHERE {where}"
        with self._store.read() as db:
            ((total,),) = db.execute(query, dict(values)).fetchall()
        return int(total)

    def add(self, table: Table, size: int) -> None:
        """Rows of `size` bytes were added."""
        with self._lock:
            self._versions[table.name] += 1
            self._parts.pop(table.name, None)
            if table.name in self._bytes:
                self._bytes[table.name] += size
            for count in self._counts[table.name]:
                count.came += size

    def forget(self, table: Table) -> None:
        """Rows have changed by some other way: read through again when next asked."""
        with self._lock:
            self._versions[table.name] += 1
            self._bytes.pop(table.name, None)
            self._parts.pop(table.name, None)
            for count in self._counts[table.name]:
                count.spoiled = True


def _total(db: duckdb.DuckDBPyConnection, table: Table) -> int:
    if bignumeric.holds(table.fields):  # which look like BYTES once DuckDB gives them out
        ((total,),) = db.execute(f"SELECT {_sums(table.fields)} FROM {table.name.sql}").fetchall()
        return int(total)
    columns = ", ".join(quoted(field.name) for field in table.fields) or "NULL"
    reader = db.sql(f"SELECT {columns} FROM {table.name.sql}").to_arrow_reader(_BATCH)
    return sum(logical_bytes(column) for batch in reader for column in batch.columns)


def _sums(fields: Iterable[Field]) -> str:
    return " + ".join(f"coalesce(sum({of_column(field)}), 0)" for field in fields)


def logical_bytes(column: pa.Array) -> int:
    """Size by BigQuery's data size table: 8 a number, 2 + UTF-8 length a text, nothing a null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return logical_bytes(column.storage)
    if pa.types.is_struct(kind):
        return sum(logical_bytes(member) for member in column.flatten())
    if pa.types.is_list(kind):
        return logical_bytes(column.flatten())
    present: int = len(column) - column.null_count
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return 2 * present + int(pc.sum(pc.binary_length(column)).as_py() or 0)
    width: int = _WIDTHS.get(str(kind), 16 if pa.types.is_decimal(kind) else 8)
    return width * present
